"""What checks, passes and solvers hand to each other, with one batch axis n in front; and what the caller gets."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from synfwp import shown
from synfwp.coefficients import Coefficients
from synfwp.rules import Rule

Array = np.ndarray
Shape = tuple[int, ...]


class Call(NamedTuple):
    """Checked arguments with one batch axis, and what is needed to give results the caller's shapes.

    ``q (n, T, d_k)``; ``k, v (n, T, d)`` or (n, T, writes, d); ``beta`` as k without features, or as v; ``decay``
    (n, T) or (n, T, d); ``momentum (n, T)``; ``ridge (n, d_k)``; ``aux0`` (n, ...) or None. A rule without keys or
    values of the caller has its queries as k and zeros as v, which only say how many there are. ``across`` marks a call
    whose key and value a pass has exchanged: W is read across its rows.
    """

    rule: Rule
    q: Array
    k: Array
    v: Array
    beta: Array
    decay: Array | None
    pair: tuple[Array, Array] | None
    momentum: Array | None
    ridge: Array | None
    W0: Array
    aux0: Array | None
    lead: Shape
    shapes: dict[str, Shape | None]
    across: bool = False


class Sizes(NamedTuple):
    """Of a run: ``|k|^2`` of its steps (n, T), sums of squares (n,) of q, k and v, and of the reads and the last W."""

    keys: Array
    given: Array
    found: Array


class Outputs(NamedTuple):
    """Reads y (n, T, d_v), the last W and aux, W after every so many tokens; None where the rule has none.

    ``kept`` is what the adjoint of the same solver needs of the run, or None. ``fresh``: all of it is the run's own,
    and shares no memory with an argument. ``sizes`` are what a kernel has summed on its way through the call itself.
    """

    y: Array
    W: Array | None
    aux: Array | None = None
    states: Array | None = None
    kept: Any = None
    fresh: bool = False
    sizes: Sizes | None = None


class Cotangents(NamedTuple):
    """Cotangents of y, of the last W and of the last aux; None where the rule has none."""

    dy: Array
    dW: Any
    daux: Array | None


class Problem(NamedTuple):
    """The canonical form of the linear family: ``W_t = a W - erase (W p) r^T + write v k^T``.

    Arrays are (n, S, .) for S steps. Reads are of the rows of W, or across them (``across``) by q (n, S, d_v).
    """

    q: Array
    k: Array
    v: Array
    c: Coefficients
    W0: Array
    across: bool


Named = dict[str, Any]  # gradients by the names of the arguments, p and r being the two of ``erase``


@dataclass(frozen=True)
class Scan(shown.OneLine):
    """What a rule leaves: reads ``y (..., T, d_v)``, the last ``W (..., d_v, d_k)``, ``aux`` and kept ``states``.

    ``states`` is None, or W after tokens n, 2n, ... of shape (..., T // n, d_v, d_k). ``aux`` is what a rule carries
    beside W: the sum of keys z (..., d_k) of a normalised one, the mean of the keys and their number (..., d_k + 1) of
    a centred one, M (..., d_v, d_k) of MOMENTUM_DELTA, H (..., d_k, d_k) of MESA, whose W is the matrix that reads,
    ``G (H + ridge)^-1``. W is None for SOFTMAX.
    """

    y: Array
    W: Any
    aux: Array | None = None
    states: Array | None = None


@dataclass(frozen=True)
class Gradients(shown.OneLine):
    """Gradients in the shapes of the arguments as they were passed; None for an argument that was not passed."""

    q: Array
    k: Array | None = None
    v: Array | None = None
    beta: Array | None = None
    decay: Array | None = None
    erase: tuple[Array, Array] | None = None
    momentum: Array | None = None
    ridge: Array | None = None
    W0: Array | None = None
    aux0: Array | None = None
