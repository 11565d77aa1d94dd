"""From a row of the table to the streams of numbers that the kernels carry out, and back for gradients."""

from typing import Any, NamedTuple

import numpy as np

from synfwp.rules import Rule, get_rule

Array = np.ndarray


class Coefficients(NamedTuple):
    """The streams that the kernels carry out: ``W_t = a W - erase (W p) r^T + write v k^T`` on the undecayed W.

    ``a`` (n, T), ``a_key`` (n, T, d_k), ``erase`` (n, T), ``p`` and ``r`` (n, T, d_k; None means k), ``write`` (n, T).
    """

    write: Array
    erase: Array | None = None
    p: Array | None = None
    a: Array | None = None
    a_key: Array | None = None
    r: Array | None = None


Pair = tuple[Array, Array]


def running_mean(k: Array, mean: Array | None = None, seen: Array | None = None) -> Array:
    """Mean of all keys (..., T, d_k) so far, each one included, whatever its token writes or reads.

    ``mean`` (..., d_k) of ``seen`` (..., 1) earlier keys goes before them.

    >>> import numpy as np
    >>> running_mean(np.array([[2.0], [0.0], [4.0]])).tolist()
    [[2.0], [1.0], [2.0]]
    """
    total, after = np.cumsum(k, axis=-2), np.arange(1, k.shape[-2] + 1, dtype=k.dtype)[:, None]
    if mean is None or seen is None:
        return total / after
    return (total + (mean * seen)[..., None, :]) / (after + seen[..., None, :])


def written_keys(rule: Rule, k: Array) -> Array:
    """The keys (..., T, d_k) under which a rule writes: those sent, or for a centred rule less their running mean."""
    return k - running_mean(k) if rule.centred else k


def coefficients(rule: Rule, k: Array, beta: Array, decay: Array | None, pair: Pair | None = None) -> Coefficients:
    """Streams of one rule. Erasing from the decayed W is erasing from the undecayed one with the key ``a * k``."""
    write = _stream(rule.write, beta, k)
    p, r = (None, None) if pair is None else pair
    erase = None if rule.erase is None else np.ones_like(beta) if pair is not None else _stream(rule.erase, beta, k)
    if decay is None:
        return Coefficients(write, erase, p, None, None, r)
    scalar = rule.retain == "scalar"
    if erase is not None and rule.order == "decay_first":
        if scalar:
            erase = erase * decay
        else:
            p = decay * (k if p is None else p)
    return Coefficients(write, erase, p, decay if scalar else None, None if scalar else decay, r)


def pull_coefficients(
    rule: Rule, k: Array, beta: Array, decay: Array | None, pair: Pair | None, grad: Coefficients
) -> tuple[Array | None, Array, Array | None, Pair | None]:
    """Chain rule through `coefficients`: what it adds to the gradients of k (or None), of beta, of decay, of (p, r)."""
    dk: Array | None = None
    derase: Any = grad.erase
    dp: Any = grad.p
    ddecay: Any = grad.a if grad.a is not None else grad.a_key
    if rule.erase is not None and decay is not None and rule.order == "decay_first":
        if rule.retain == "scalar":
            ddecay = ddecay + derase * (1 if pair is not None else _stream(rule.erase, beta, k))
            derase = derase * decay
        else:
            ddecay = ddecay + dp * (k if pair is None else pair[0])
            dp = dp * decay
            if pair is None:
                dk = dp
    dbeta = np.zeros_like(beta)
    for value, g in ((rule.write, grad.write), (None if pair is not None else rule.erase, derase)):
        more, further = _pull_stream(value, beta, k, g)
        dbeta += more
        if further is not None:
            dk = further if dk is None else dk + further
    return dk, dbeta, ddecay, None if pair is None or grad.r is None else (dp, grad.r)


def _stream(value: str | float | None, beta: Array, k: Array) -> Array:
    """One coefficient for every step, in the dtype of beta."""
    if value == "beta":
        return beta
    if value == "-beta":
        return -beta
    if value == "proximal":
        return beta / (1 + beta * np.einsum("...i,...i->...", k, k))
    return np.full_like(beta, 0.0 if value is None else value)


def _pull_stream(value: str | float | None, beta: Array, k: Array, g: Array) -> tuple[Any, Array | None]:
    """Gradients of one coefficient with respect to beta and to k (or None)."""
    if value == "proximal":
        base = 1 / (1 + beta * np.einsum("...i,...i->...", k, k))
        return g * base**2, (-2 * g * (beta * base) ** 2)[..., None] * k
    return {"beta": g, "-beta": -g}.get(value, 0.0) if isinstance(value, str) else 0.0, None


def transition(rule: Rule | str, k: Any, beta: float = 1.0, decay: Any = None, erase: Any = None) -> Array:
    """The matrix M of one step: ``W_t = W_{t-1} M + write v_t k_t^T`` (one write, error of the value).

    Parameters
    ----------
    rule : Rule or str
    k : (d_k,) array
        The key of the step.
    beta : float
    decay : None, float or (d_k,) array
        As the row asks.
    erase : None or pair of (d_k,) arrays
        (p, r) for a row that erases with keys of its own.

    Returns
    -------
    (d_k, d_k) array
        Its eigenvalues tell what the step does: for the delta rule 1, and ``1 - beta |k|^2`` along the key
        (Yang et al. 2024; Grazzi et al. 2025).

    Raises
    ------
    ValueError
        For a rule whose W chooses the keys: each block of its rows has a transition of its own.

    >>> import numpy as np
    >>> np.linalg.eigvalsh(transition("delta", [0.6, 0.8], beta=2.0)).round(6).tolist()
    [-1.0, 1.0]
    """
    rule = get_rule(rule)
    if not rule.uses_keys:
        raise ValueError(f"rule {rule.name!r} has no transition of a key; its W chooses the keys, see its eigenvalues.")
    key = np.asarray(k, float)[None, None]
    gate = None if decay is None else np.asarray(decay, float)[None, None]
    p, r = (None, None) if erase is None else (np.asarray(x, float)[None, None] for x in erase)
    pair = None if p is None or r is None else (p, r)
    return transitions(coefficients(rule, key, np.full((1, 1), float(beta)), gate, pair), key)[0, 0]


def transitions(c: Coefficients, k: Array) -> Array:
    """All matrices M of a run, (n, T, d_k, d_k)."""
    ones = np.ones_like(k)
    retain: Any = c.a_key if c.a is None else c.a[..., None] * ones
    retain = ones if retain is None else retain
    matrix = np.einsum("...i,ij->...ij", retain, np.eye(k.shape[-1], dtype=k.dtype))
    if c.erase is not None:
        p, r = (k if x is None else x for x in (c.p, c.r))
        matrix = matrix - np.einsum("...,...i,...j->...ij", c.erase, p, r)
    return matrix


def step_ratio(rule: Rule, k: Array, beta: Array, decay: Array | None, pair: Pair | None = None) -> float:
    """Largest step over its bound: above 1 the transition has an eigenvalue outside [-1, 1].

    With a_j the decay, the lowest eigenvalue is at least -1 exactly when ``erase sum_j s_j k_j^2 / (1 + a_j) <= 1``,
    where s_j = a_j if the rule decays first and 1 if not (both transitions are similar to a symmetric matrix). A row
    of negative ``erase`` adds what it predicts: its highest is at most 1 when ``-erase sum_j s_j k_j^2 / (1 - a_j)
    <= 1``. With a pair (p, r) it is the spectral radius itself, of the 64 steps with the largest ``|p . r|``. What a
    rule that writes itself will do is not known before it runs: 0.
    """
    if rule.erase is None or rule.self_reference or k.size == 0:
        return 0.0
    if pair is not None:
        c = coefficients(rule, k, beta, decay, pair)
        size = np.abs(np.einsum("...i,...i->...", *pair))
        most, steps = np.argsort(size, axis=None)[-64:], size.ndim
        chosen: list[Any] = [
            None if x is None else x.reshape(size.size, *x.shape[steps:])[most].astype(float) for x in (*c, k)
        ]
        radius = float(np.abs(np.linalg.eigvals(transitions(Coefficients(*chosen[:-1]), chosen[-1]))).max())
        return radius if radius > 1 + 1e-6 else min(radius, 1.0)  # p . r = 0 at a = 1 is defective: known to sqrt(eps)
    erase = _stream(rule.erase, beta, k)
    grows = bool(np.any(erase < 0))
    if decay is None and not grows:
        return float(np.max(erase * np.einsum("...i,...i", k, k))) / 2
    a = np.ones_like(beta) if decay is None else decay
    a = a if rule.retain == "key" else a[..., None]
    load = (a if rule.order == "decay_first" else np.ones_like(a)) * k * k * np.abs(erase)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):  # at a = 1 nothing may be added
        return float(np.max(np.sum(np.where(load > 0, load / (1 - a if grows else 1 + a), 0), axis=-1)))
