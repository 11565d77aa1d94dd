"""Simulations beside the closed forms: what each of them is compared with, and which plausible changes have to fail.

A case is a formula, the arguments of one call, a small simulation of the same in plain NumPy, (draws, ...) from a
generator, and formulas that somebody might have written instead.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np

from synfwp import theory

Array = np.ndarray
CASES: list["Case"] = []


@dataclass(frozen=True)
class Case:
    """A formula at some arguments, its simulation, and changes of it that the simulation has to refuse."""

    name: str
    simulate: Callable[..., Array]
    given: dict[str, Any]
    wrong: dict[str, Callable[..., Any]]
    draws: int = 1000
    seen: Callable[[Any], Any] = field(default=np.asarray)  # what of the value the simulation gives: `np.reciprocal`
    call: Callable[..., Any] | None = None  # where the formula is not called with `given` as it stands

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={brief(v)}' for k, v in self.given.items())})"

    def value(self) -> Any:
        """The formula's."""
        return (self.call or theory.FORMULAS[self.name].function)(**self.given)

    def sample(self) -> Array:
        """The simulation, from a seed of its own."""
        seed = [ord(x) for x in str(self)]
        return np.asarray(self.simulate(np.random.default_rng(seed), self.draws, **self.given), float)

    def differs(self, sample: Array, value: Any) -> Array:
        """Where the mean of the simulation differs from a value by more than the band and 3 standard errors (Holm)."""
        expected = np.asarray(self.seen(np.asarray(value, float)), float)
        mean, error = sample.mean(axis=0), sample.std(axis=0, ddof=1) / np.sqrt(len(sample))
        one = theory.FORMULAS[self.name]
        band = one.allowed(expected) if self.call is None or one.band else 0.0
        away = -NormalDist().inv_cdf(0.00135 / max(expected.size, 1))  # 3 for a single number
        return np.abs(mean - expected) > band + away * error + 1e-9 * np.abs(expected) + 1e-12


def brief(value: Any) -> str:
    """A number as it is, an array by its shape."""
    return f"{np.shape(value)}" if np.ndim(value) else getattr(value, "__name__", str(value))


def simulated(
    name: str,
    wrong: dict[str, Callable[..., Any]],
    *more: dict[str, Any],
    draws: int = 1000,
    seen: Callable[[Any], Any] = np.asarray,
    call: Callable[..., Any] | None = None,
    **given: Any,
) -> Callable[[Callable[..., Array]], Callable[..., Array]]:
    """Enter the simulation below as a case: with the arguments, and with each of ``more`` in their place."""

    def enter(simulate: Callable[..., Array]) -> Callable[..., Array]:
        for one in more or [given]:
            CASES.append(Case(name, simulate, given | one, wrong, draws, seen, call))
        return simulate

    return enter


def units(rng: np.random.Generator, *shape: int) -> Array:
    """Vectors in random directions."""
    x = rng.standard_normal(shape)
    return np.asarray(x / np.linalg.norm(x, axis=-1, keepdims=True))


def rates(rng: np.random.Generator, *shape: int) -> Array:
    """Rectified normal numbers, at unit length."""
    x = np.maximum(rng.standard_normal(shape), 0)
    return np.asarray(x / np.linalg.norm(x, axis=-1, keepdims=True))


def signs(rng: np.random.Generator, *shape: int) -> Array:
    """+-1."""
    return rng.choice([-1.0, 1.0], shape)


def cosine(a: Array, b: Array, axes: Sequence[int] | int = -1) -> Array:
    """Cosines along some axes."""
    axes = tuple(np.atleast_1d(axes))
    return np.asarray((a * b).sum(axes) / np.sqrt((a * a).sum(axes) * (b * b).sum(axes)))


def reads(k: Array, v: Array, q: Array | None = None) -> Array:
    """What a correlation matrix recalls: (draws, Q, d_v)."""
    W = np.swapaxes(v, -1, -2) @ k
    return np.asarray((k if q is None else q) @ np.swapaxes(W, -1, -2))
