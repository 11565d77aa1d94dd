"""What all slow networks share that send instructions: the exact read, scores, a report; and a user's own function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np

from synfwp import autograd as ag
from synfwp import checks, fastweights, rules, seeds, shown
from synfwp.instructions import Instructions
from synfwp.programmer.parts import Params

Array = Any
Read = Callable[[Any, Instructions], Array]


def exactly(rule: Any, sent: Instructions) -> Array:
    """Reads of the exact rule; can be traced."""
    return ag.scan(rule, sent.q, sent.k, sent.v, sent.beta, sent.decay, None, None, sent.momentum, sent.ridge)[0]


@dataclass(frozen=True)
class Scored:
    """Reads of the exact rule at the tokens that are scored, and 0 at the others; can be traced.

    Instructions with marks of their own, such as those of a layer below another, are read at these.
    """

    mask: np.ndarray

    def __call__(self, rule: Any, sent: Instructions) -> Array:
        """Reads (..., T, d_value)."""
        marked = sent.marked(self.mask) if sent.scored is None else sent
        if np.all(marked.scored):
            return exactly(rule, sent)
        gates = (sent.beta, sent.decay, None, None, sent.momentum, sent.ridge)
        return ag.read(rule, marked.scored, sent.q, sent.k, sent.v, *gates)


def is_exact(read: Read) -> bool:
    """Whether the exact rule reads."""
    return read is exactly or isinstance(read, Scored)


class SlowNetwork(shown.OneLine):
    """A programmer: ``programmer(params, x)`` are the instructions, ``read_out(params, y, x)`` scores from the reads.

    A subclass brings the field ``rule``, these two and ``init``. ``by_token`` is whether scores of a token need no read
    of the last layer but its own: a training then leaves out those of tokens that are not scored.
    """

    rule: Any
    by_token: bool = False

    def init(self, seed: seeds.Seed = 0, dtype: Any = np.float64) -> Params:
        """Parameters before training."""
        raise NotImplementedError

    def __call__(self, params: Params, x: Array) -> Instructions:
        """Instructions for x."""
        raise NotImplementedError

    def read_out(self, params: Params, y: Array, x: Array = None) -> np.ndarray:
        """Scores (..., T, d_out) from reads ``y (..., T, d_value)``, and from x where the read-out sees it too."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """What a progress bar and the provenance call it."""
        return rules.get_rule(self.rule).name

    def scores(self, params: Params, x: Array, read: Read = exactly) -> np.ndarray:
        """Scores ``(..., T, d_out)`` for x: what is trained. ``read(rule, instructions) -> y`` is the substrate.

        Parameters
        ----------
        params : dict of str to array
            As `init` makes them.
        x : array
            As a call takes it.
        read : callable
            ``read(rule, instructions) -> y``; the exact rule by default.

        Returns
        -------
        (..., T, d_out) array
        """
        return self.read_out(params, read(self.rule, self(params, x)), x)

    def diagnose(self, params: Params, x: Array) -> str:
        """Sizes that show why a run diverges: the largest ``beta |k|^2`` and the largest norm of the last W.

        Parameters
        ----------
        params : dict of str to array
            As `init` makes them.
        x : array
            As a call takes it.

        Returns
        -------
        str
        """
        try:
            with np.errstate(all="ignore"):
                sent = self(params, x)
                size = np.square(sent.k).sum(axis=-1) * (1.0 if sent.beta is None else sent.beta)
                gates = {name: getattr(sent, name) for name in ("decay", "momentum", "ridge")}
                W = fastweights.scan(self.rule, sent.q, sent.k, sent.v, sent.beta, **gates).W
                norm = 0.0 if W is None else np.sqrt(np.square(W).sum(axis=(-2, -1)).max())
        except ValueError as error:
            return f"The rule refuses what is sent: {error}"
        except TypeError:  # nothing is sent
            return ""
        return f"The largest beta |k|^2 is {size.max():.3g}, the largest norm of W {norm:.3g}."


@dataclass(frozen=True)
class FunctionProgrammer(SlowNetwork):
    """A function of your own as a programmer: ``send(params, x) -> Instructions``, written with ``autograd.numpy``.

    Parameters
    ----------
    send : callable
        ``send(params, x) -> Instructions`` for a flat dict of arrays and a batch's x.
    start : callable
        ``start(rng) -> params``: the parameters before training, in float64, drawn from a NumPy Generator.
    rule : str or Rule
        What the fast weights do with the instructions.
    read : None or callable
        ``read(params, y, x) -> scores``; None: the reads are the scores.

    Raises
    ------
    TypeError
        If send, start or read is not callable.

    References
    ----------
    Irie & Gershman 2025, section 2.2.

    Examples
    --------
    >>> import numpy as np
    >>> def send(params, x):
    ...     return Instructions(q=x, k=x, v=x @ params["W_v"].T)
    >>> programmer = FunctionProgrammer(send, start=lambda rng: {"W_v": rng.standard_normal((2, 3))}, rule="hebb")
    >>> programmer.scores(programmer.init(seed=0), np.eye(3)).shape
    (3, 2)
    """

    send: Callable[[Params, Array], Instructions]
    start: Callable[[np.random.Generator], Params]
    rule: Any = "delta"
    read: Callable[[Params, Array, Array], Array] | None = None

    @property
    def by_token(self) -> bool:  # type: ignore[override]
        """Whether scores are the reads themselves; nobody knows which of them a function takes."""
        return self.read is None

    def __post_init__(self) -> None:
        """All three can be called, and the rule is one."""
        rules.get_rule(self.rule)
        for name in ("send", "start", *(() if self.read is None else ("read",))):
            if not callable(getattr(self, name)):
                raise TypeError(f"{name} is a {type(getattr(self, name)).__name__}; pass a function.")

    def init(self, seed: seeds.Seed = 0, dtype: Any = np.float64) -> Params:
        """What ``start`` draws, as arrays of dtype.

        Parameters
        ----------
        seed : int, SeedSequence or Generator
            Of the draws.
        dtype : dtype
            float64 or float32.

        Returns
        -------
        dict of str to array

        Raises
        ------
        TypeError, ValueError
            If ``start`` gives no dict of arrays, or one of them has a unit.
        """
        params = self.start(seeds.generator(seed, "init"))
        if not isinstance(params, dict) or not params:
            raise TypeError(f"start gave a {type(params).__name__}; it gives a dict with at least one array.")
        for name, value in params.items():
            checks.bare(f"start's {name}", value)
        return {name: np.asarray(value, dtype) for name, value in params.items()}

    def __call__(self, params: Params, x: Array) -> Instructions:
        """What ``send`` sends.

        Parameters
        ----------
        params : dict of str to array
            As `init` makes them.
        x : array
            As the function takes it.

        Returns
        -------
        Instructions

        Raises
        ------
        TypeError, ValueError
            If ``send`` gives anything else, or x has a unit.
        """
        checks.bare("x", x)
        sent = self.send(params, x)
        if not isinstance(sent, Instructions):
            raise TypeError(f"send gave a {type(sent).__name__}; it gives Instructions(q, k, v, beta, decay).")
        return sent

    def read_out(self, params: Params, y: Array, x: Array = None) -> np.ndarray:
        """What ``read`` makes of the reads.

        Parameters
        ----------
        params : dict of str to array
            As `init` makes them.
        y : (..., T, d_value) array
            Reads of the fast weights.
        x : array
            As the function takes it.

        Returns
        -------
        array
            The reads themselves without ``read``.

        Raises
        ------
        ValueError
            If y has a unit.
        """
        checks.bare("y", y)
        return y if self.read is None else self.read(params, y, x)


def merge_heads(y: Array, heads: int) -> Array:
    """Reads (..., heads, T, d) side by side: (..., T, heads d)."""
    if heads == 1:
        return y
    y = anp.swapaxes(y, -3, -2)
    *lead, n, d = anp.shape(y)
    return anp.reshape(y, (*lead, n * d))


def repeat_heads(x: Array, heads: int, all_heads: int) -> Array:
    """Heads side by side (..., T, heads d), each repeated for all that share it: (..., T, all_heads d)."""
    if heads == all_heads:
        return x
    *lead, width = anp.shape(x)
    x = anp.repeat(anp.reshape(x, (*lead, heads, width // heads)), all_heads // heads, axis=len(lead))
    return anp.reshape(x, (*lead, all_heads * (width // heads)))


def split_heads(x: Array, heads: int, *tail: int) -> Array:
    """``(..., T, heads * tail)`` as (..., heads, T, *tail); without the axis of heads if there is one."""
    lead = anp.shape(x)[:-1]
    if heads == 1:
        return anp.reshape(x, (*lead, *tail))
    x = anp.reshape(x, (*lead, heads, *tail))
    return anp.swapaxes(x, len(lead) - 1, len(lead))
