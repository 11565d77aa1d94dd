"""What checks, passes and solvers hand to each other, with one batch axis n in front; and what the caller gets."""

from __future__ import annotations

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
    """What a rule leaves.

    Parameters
    ----------
    y : (..., T, d_v) array
        Reads.
    W : (..., d_v, d_k) array or None
        After the last token. For MESA the matrix that reads, ``G (H + ridge)^-1``; None for SOFTMAX.
    aux : array or None
        What a rule carries beside W: the sum of keys z (..., d_k) of a normalised one, the mean of the keys and their
        number (..., d_k + 1) of a centred one, M (..., d_v, d_k) of MOMENTUM_DELTA, H (..., d_k, d_k) of MESA.
    states : (..., T // n, d_v, d_k) array or None
        W after tokens n, 2n, ..., where they were kept.

    Examples
    --------
    >>> import synfwp as fw
    >>> key = np.eye(2)
    >>> found = fw.scan("delta", key, key, key, states=1)
    >>> found.y.shape, found.W.tolist(), found.states.shape
    ((2, 2), [[1.0, 0.0], [0.0, 1.0]], (2, 2, 2))
    """

    y: Array
    W: Any
    aux: Array | None = None
    states: Array | None = None


@dataclass(frozen=True)
class Gradients(shown.OneLine):
    """Gradients in the shapes of the arguments as they were passed; None for an argument that was not passed.

    Parameters
    ----------
    q, k, v : (..., T, d) array
        Of queries, keys and values; for SELF_REFERENTIAL of q alone.
    beta, decay : array or None
        Of the gates.
    erase : pair of (..., T, d_k) array, or None
        Of keys of its own.
    momentum, ridge : array or None
    W0, aux0 : array or None
        Of what the rule started from.

    Examples
    --------
    >>> import synfwp as fw
    >>> key = np.eye(2)
    >>> found, pull = fw.vjp("hebb", key, key, key)
    >>> pull(np.ones((2, 2))).v.tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """

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
