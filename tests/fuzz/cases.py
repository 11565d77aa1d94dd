"""What the job is made of: an entry point draws a call; a call has arguments, and a twin that knows the answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Rng = np.random.Generator
KINDS = ("array", "index", "level", "number", "count", "seed", "choice", "text", "fixed")


class NoMeaning(Exception):
    """A twin's answer to arguments that no call should accept."""


@dataclass(frozen=True)
class Arg:
    """One argument as it is meant: a plain value, of what kind it is, its unit and the names of its axes.

    Kinds: "array" of floats, "index" (array of integers), "level" (a number or an array), "number", "count", "seed",
    "choice" (one name of several), "text" (a name of the caller's own) and "fixed", which is never disguised.
    """

    plain: Any
    kind: str = "array"
    unit: str = "1"
    dims: tuple[str, ...] = ()


@dataclass(frozen=True)
class Expected:
    """An answer and how far rounding may be from it, of any entry."""

    value: Any
    bound: float


@dataclass(frozen=True)
class Call:
    """One call of an entry point: what runs, its arguments by name, and the twin of what they mean.

    ``twin`` takes the same names, plain, and returns what ``run`` should (nests of arrays, numbers and texts, or an
    `Expected`), or raises `NoMeaning`. ``names`` are further words by which a refusal may name an argument.
    ``refusable``: even without a disguise a refusal is right. ``nan``: NaN is an answer where the twin has it too.
    """

    run: Callable[..., Any]
    args: Mapping[str, Arg]
    twin: Callable[..., Any]
    names: Sequence[str] = ()
    refusable: bool = False
    nan: bool = False
    rtol: float = 1e-9  # of the largest number of an answer: some hundred roundings of sums that do not cancel


@dataclass(frozen=True)
class Entry:
    """A row of the table of entry points: its name, how a call is drawn, and how often."""

    name: str
    draw: Callable[[Rng], Call]
    weight: float = 1.0


def pick(rng: Rng, options: Sequence[Any]) -> Any:
    """One of several."""
    return options[int(rng.integers(len(options)))]


def sizes(rng: Rng, low: int, high: int, n: int) -> list[int]:
    """Some small numbers."""
    return [int(x) for x in rng.integers(low, high + 1, n)]


def need(condition: object) -> None:
    """The twin has an answer only if this holds."""
    if not condition:
        raise NoMeaning
