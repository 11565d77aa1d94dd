"""From a row of the table to the coefficients of every step that the kernels carry out, and back for gradients."""

from typing import Any, NamedTuple

import numpy as np

from synfwp.rules import Rule

Array = np.ndarray


class Coefficients(NamedTuple):
    """What the kernels carry out: ``W_t = a W - erase (W p) r^T + write v k^T`` on the undecayed W.

    ``a`` (n, T), ``a_key`` (n, T, d_k), ``p`` and ``r`` (n, T, d_k; None means k); ``write`` and ``erase`` (n, T), or
    (n, T, d_v) for one number per row of W where beta is one per value channel.
    """

    write: Array
    erase: Array | None = None
    p: Array | None = None
    a: Array | None = None
    a_key: Array | None = None
    r: Array | None = None


Pair = tuple[Array, Array]


class Means(NamedTuple):
    """Means of the keys before each token, and behind the last one.

    ``before`` (..., T, d_k) is ``m_0 + sum of (k_i - m_0) over the earlier keys / number``; ``number`` (..., T + 1, 1)
    is what is divided by, behind the last token too; ``last`` (..., d_k) the mean there and ``seen`` (..., 1) how many
    keys it is of. ``presented`` (..., T, 1) marks the tokens whose key is not all zeros: the others have none.
    """

    before: Array
    number: Array
    last: Array
    seen: Array
    presented: Array


def running_mean(k: Array, mean: Array | None = None, seen: Array | None = None) -> Means:
    """Mean of the keys (..., T, d_k) before each token, from a first mean that stands for so many earlier keys.

    ``m_t = m_0 + sum_{i < t} (k_i - m_0) / (n_0 + n_t)``, n_t being how many keys came before. The first token meets
    m_0, also where n_0 is 0; an infinite n_0 keeps m_0 for ever. A key of zeros is none and is not counted.

    Parameters
    ----------
    k : (..., T, d_k) array
    mean, seen : None or (..., d_k) and (..., 1) arrays
        The mean of earlier keys m_0, and how many they were, n_0; None means 0.

    Returns
    -------
    Means

    Examples
    --------
    >>> import numpy as np
    >>> running_mean(np.array([[2.0], [0.0], [4.0], [9.0]])).before.tolist()
    [[0.0], [2.0], [2.0], [3.0]]
    >>> running_mean(np.array([[2.0], [4.0]]), np.array([1.0]), np.array([np.inf])).before.tolist()
    [[1.0], [1.0]]
    """
    first = np.zeros((*k.shape[:-2], k.shape[-1]), k.dtype) if mean is None else mean
    start: Any = 0 if seen is None else seen[..., None, :].real  # the number is no parameter
    presented = (k != 0).any(axis=-1, keepdims=True)
    count = np.zeros((*k.shape[:-2], k.shape[-2] + 1, 1), k.real.dtype)
    np.cumsum(presented, axis=-2, out=count[..., 1:, :])
    total = np.zeros((*k.shape[:-2], k.shape[-2] + 1, k.shape[-1]), np.result_type(k, first))
    np.cumsum((k - first[..., None, :]) * presented, axis=-2, out=total[..., 1:, :])
    number = count + start
    number = np.where(number > 0, number, 1)  # nothing to divide
    means = first[..., None, :] + total / number
    return Means(means[..., :-1, :], number, means[..., -1, :], (count + start)[..., -1, :], presented)


def written_keys(rule: Rule, k: Array) -> Array:
    """The keys (..., T, d_k) under which a rule writes: those sent, of a centred rule less the mean of those before."""
    if not rule.centred:
        return k
    means = running_mean(k)
    return (k - means.before) * means.presented


def read_queries(rule: Rule, q: Array, k: Array) -> Array:
    """The queries (..., T, d_k) with which a rule reads: those sent, of a centred rule less the mean of keys before."""
    return (q - running_mean(k).before) * (q != 0).any(axis=-1, keepdims=True) if rule.centred else q


def coefficients(rule: Rule, k: Array, beta: Array, decay: Array | None, pair: Pair | None = None) -> Coefficients:
    """Those of one rule. Erasing from the decayed W is erasing from the undecayed one with the key ``a * k``."""
    write = coefficient(rule.write, beta, k)
    p, r = (None, None) if pair is None else pair
    erase = None if rule.erase is None else coefficient(1.0 if pair is not None else rule.erase, beta, k)
    if decay is None:
        return Coefficients(write, erase, p, None, None, r)
    scalar = rule.retain == "scalar"
    if erase is not None and rule.order == "decay_first":
        if scalar:
            erase = erase * (decay if erase.ndim == decay.ndim else decay[..., None])
        else:
            p = decay * (k if p is None else p)
    return Coefficients(write, erase, p, decay if scalar else None, None if scalar else decay, r)


def coefficients_adjoint(
    rule: Rule, k: Array, beta: Array, decay: Array | None, pair: Pair | None, grad: Coefficients
) -> tuple[Array | None, Array, Array | None, Pair | None]:
    """Chain rule through `coefficients`: what it adds to the gradients of k (or None), of beta, of decay, of (p, r)."""
    dk: Array | None = None
    derase: Any = grad.erase
    dp: Any = grad.p
    ddecay: Any = grad.a if grad.a is not None else grad.a_key
    if rule.erase is not None and decay is not None and rule.order == "decay_first":
        if rule.retain == "scalar":
            more = derase * (1 if pair is not None else coefficient(rule.erase, beta, k))
            by_row = more.ndim > decay.ndim
            ddecay = ddecay + (more.sum(axis=-1) if by_row else more)
            derase = derase * (decay[..., None] if by_row else decay)
        else:
            ddecay = ddecay + dp * (k if pair is None else pair[0])
            dp = dp * decay
            if pair is None:
                dk = dp
    dbeta = np.zeros_like(beta)
    for value, g in ((rule.write, grad.write), (None if pair is not None else rule.erase, derase)):
        more, further = _coefficient_adjoint(value, beta, k, g)
        dbeta += more
        if further is not None:
            dk = further if dk is None else dk + further
    return dk, dbeta, ddecay, None if pair is None or grad.r is None else (dp, grad.r)


def coefficient(value: str | float | None, beta: Array, k: Array) -> Array:
    """One coefficient for every step in the dtype of beta, and for every row of W where it depends on such a beta."""
    if value == "beta":
        return beta
    if value == "-beta":
        return -beta
    if value == "proximal":
        base = 1 + beta * _square(beta, k)
        return beta / np.where(np.isfinite(base), base, np.nan)  # 0 would be no word of an overflow
    return np.full(k.shape[:-1], 0.0 if value is None else value, beta.dtype)


def _square(beta: Array, k: Array) -> Array:
    """``|k|^2`` with as many axes as beta."""
    size = np.einsum("...i,...i->...", k, k)
    return size if beta.ndim == size.ndim else size[..., None]


def _coefficient_adjoint(value: str | float | None, beta: Array, k: Array, g: Array) -> tuple[Any, Array | None]:
    """Gradients of one coefficient with respect to beta and to k (or None)."""
    if value == "proximal":
        base = 1 / (1 + beta * _square(beta, k))
        dsize = -2 * g * (beta * base) ** 2
        return g * base**2, (dsize if dsize.ndim < k.ndim else dsize.sum(axis=-1))[..., None] * k
    return {"beta": g, "-beta": -g}.get(value, 0.0) if isinstance(value, str) else 0.0, None
