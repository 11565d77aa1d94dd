"""Stability in closed form: the transition of a step, its bound, and the bounds that the noise of spikes leaves."""

from __future__ import annotations

from typing import Any

import numpy as np

from synfwp import checks
from synfwp.coefficients import Coefficients, Pair, coefficient, coefficients
from synfwp.rules import Rule, get_rule
from synfwp.theory.budget import MOST
from synfwp.theory.formulas import formula

Array = np.ndarray


@formula(
    kind="exact",
    condition="a rule whose W is a linear function of the last one and its key",
    source="yang2024deltanet; grazzi2025",
)
def transition(
    rule: Rule | str, k: Any, beta: float = 1.0, decay: Any = None, erase: Any = None, momentum: float | None = None
) -> Array:
    """The matrix of one step: ``W_t = W_{t-1} M + write v_t k_t^T`` (one write, error of the value).

    Parameters
    ----------
    rule : Rule or str
    k : (d_k,) array
        The key of the step.
    beta : float
    decay : None, float or (d_k,) array
        As the row needs it.
    erase : None or pair of (d_k,) arrays
        (p, r) for a row that erases with keys of its own.
    momentum : None or float
        For a row with momentum, whose step moves W and M together: the matrix is that of ``[W, M]``, side by side.

    Returns
    -------
    (d_k, d_k) array, or (2 d_k, 2 d_k) with momentum
        Its eigenvalues are what the step does: for the delta rule 1, and ``1 - beta |k|^2`` along the key
        (Yang et al. 2024; Grazzi et al. 2025).

    Raises
    ------
    ValueError
        For a rule whose W is no linear function of the last one and its key alone.

    Examples
    --------
    >>> import numpy as np
    >>> np.linalg.eigvalsh(transition("delta", [0.6, 0.8], beta=2.0)).round(6).tolist()
    [-1.0, 1.0]
    """
    rule = get_rule(rule)
    if rule.solver not in ("linear", "momentum"):
        raise ValueError(f"rule {rule.name!r} has no transition of a key; see its eigenvalues.")
    key = checks.array("k", k, ndim=1)[None, None]
    gate = None if decay is None else checks.array("decay", decay, 0, 1)[None, None]
    p, r = (None, None) if erase is None else (checks.array("erase", x, ndim=1)[None, None] for x in erase)
    beta = checks.number("beta", beta, 0)
    pair = None if p is None or r is None else (p, r)
    M = transitions(coefficients(rule, key, np.full((1, 1), beta), gate, pair), key)[0, 0]
    if not rule.uses_momentum:
        return M
    if momentum is None:
        raise ValueError(f"rule {rule.name!r} needs momentum; pass a number in [0, 1].")
    kept = np.eye(len(M))
    step = (M - np.diag(np.broadcast_to(1.0 if gate is None else gate[0, 0], len(M)))) if len(M) else M
    return np.block([[M, step], [momentum * kept, momentum * kept]])


@formula(
    kind="exact",
    condition="a linear rule with one write per step",
    source="yang2024deltanet",
)
def transitions(c: Coefficients, k: Array) -> Array:
    """All matrices M of a run, (n, T, d_k, d_k).

    Parameters
    ----------
    c : Coefficients
        Of a rule and a run.
    k : (n, T, d_k) array
        Its keys.

    Returns
    -------
    (n, T, d_k, d_k) array

    Examples
    --------
    >>> k = np.array([[[1.0, 0.0]]])
    >>> transitions(coefficients(get_rule("delta"), k, np.array([[0.5]]), None), k).tolist()
    [[[[0.5, 0.0], [0.0, 1.0]]]]
    """
    ones = np.ones_like(k)
    retain: Any = c.a_key if c.a is None else c.a[..., None] * ones
    retain = ones if retain is None else retain
    matrix = np.einsum("...i,ij->...ij", retain, np.eye(k.shape[-1], dtype=k.dtype))
    if c.erase is not None:
        p, r = (k if x is None else x for x in (c.p, c.r))
        matrix = matrix - np.einsum("...,...i,...j->...ij", c.erase, p, r)
    return matrix


@formula(
    kind="exact",
    condition="an upper bound of the growth of W in the 2-norm, where nothing is written",
    source="horn2013, section 5.6",
)
def step_ratio(
    rule: Rule,
    k: Array,
    beta: Array,
    decay: Array | None,
    pair: Pair | None = None,
    momentum: Array | None = None,
    squares: Array | None = None,
) -> float:
    """Largest step over its bound. While no step is above 1, no product of steps makes W larger in the 2-norm.

    Each bound makes a step a contraction: ``|M| <= 1`` in the 2-norm for ``W_t = W_{t-1} M_t``. A bound on the
    eigenvalues alone would not do, since products of matrices that are not symmetric can grow with all of them below 1.
    With a_j the decay, s_j = a_j if the rule decays first and 1 if not:

    - without a decay, with a scalar one, and from the undecayed W, M is symmetric, and the bound is exact:
      ``erase sum_j s_j k_j^2 / (1 + a_j) <= 1``, where the lowest eigenvalue is -1;
    - with a decay per key first, ``M = diag(a) (I - erase k k^T)`` is the product of two contractions where
      ``erase |k|^2 <= 2``: sufficient, whatever the decays;
    - a row of negative ``erase`` adds what it predicts: ``-erase sum_j s_j k_j^2 / (1 - a_j) <= 1``, with the largest
      decay for all a_j where a decay per key comes first;
    - with a pair, ``M = diag(a) - p r^T``, the ratio is ``|M|`` itself. ``|M| <= 1`` is ``I - M^T M >= 0``, and the
      determinant of this diagonal matrix of rank-two change gives, exactly, ``(1 + sum_j a_j p_j r_j / (1 - a_j^2))^2
      >= sum_j p_j^2 / (1 - a_j^2)  sum_j r_j^2 / (1 - a_j^2)``. The norm of the worst steps that fail it is computed;
    - with momentum the bound is ``beta |k|^2 <= (1 + a) (1 + mu)``, of each step alone: products may grow below it.

    What a rule that writes itself will do is not known before it runs: 0.

    Parameters
    ----------
    rule : Rule
    k : (..., d_k) array
        The keys of the steps (centred, where the rule centres them), or the values of a rule that predicts the key.
    beta : (...) array
        Write strengths of the steps.
    decay : None, (...) or (..., d_k) array
        What is kept at each step, as the row has it.
    pair : None or two (..., d_k) arrays
        p and r of a row with keys of its own.
    momentum : None or (...) array
        The share of the momentum that is kept.
    squares : None or (...) array
        ``|k|^2``, where it is known already.

    Returns
    -------
    float

    References
    ----------
    Horn & Johnson 2013, Matrix Analysis, section 5.6 (norms of products) and 4.3 (changes of low rank).

    Examples
    --------
    >>> import numpy as np
    >>> from synfwp.rules import KEY_GATED_DELTA
    >>> k, a = np.array([[0.6, 0.8]]), np.array([[0.5, 0.9]])
    >>> round(step_ratio(KEY_GATED_DELTA, k, np.array([3.0]), a), 6)
    1.5
    """
    if rule.erase is None or not rule.uses_keys or k.size == 0:
        return 0.0
    with np.errstate(all="ignore"):
        if momentum is not None:
            bound = (1 + momentum) * (2.0 if decay is None else 1 + decay)
            return float(np.max(beta * _squares(k, squares) / bound))
        if pair is not None:
            return _largest_norm(coefficients(rule, k, beta, decay, pair), k)
        erase = coefficient(rule.erase, beta, k)
        grows, first = bool(erase.min() < 0), rule.order == "decay_first"
        if decay is not None and rule.retain == "key" and not first:
            load = np.abs(erase) * np.einsum("...i,...i,...i->...", k, k, 1 / (1 - decay if grows else 1 + decay))
            return float(np.max(np.where(erase == 0, 0, load)))
        load = np.abs(erase) * _squares(k, squares)
        if decay is None or (rule.retain == "key" and not grows):
            return float(np.inf if grows and np.max(load) > 0 else np.max(load) / 2)
        a = decay.max(axis=-1) if rule.retain == "key" else decay
        load = load * a if first else load
        return float(np.max(np.where(load > 0, load / (1 - a if grows else 1 + a), 0)))  # at a = 1 nothing may be added


def _squares(k: Array, squares: Array | None) -> Array:
    """``|k|^2`` of every key."""
    return np.einsum("...i,...i->...", k, k) if squares is None else squares


def _largest_norm(c: Coefficients, k: Array) -> float:
    """The 2-norm of the worst ``diag(a) - p r^T``, or 1 where all of them are contractions."""
    wide: list[Any] = [
        None if x is None else x.reshape(-1, *x.shape[k.ndim - 1 :]).astype(float, copy=False) for x in c
    ]
    c, k = Coefficients(*wide), k.reshape(-1, k.shape[-1])
    p, r = (k if x is None else x for x in (c.p, c.r))
    p = p if c.erase is None else p * c.erase[:, None]
    a: Any = c.a_key if c.a_key is not None else 1.0 if c.a is None else c.a[:, None]
    a = np.minimum(a, 1 - 1e-8)  # at a = 1 the condition is a limit; so it is right to 1e-8
    room = 1 / ((1 - a) * (1 + a)) * np.ones_like(p)
    allowed = (1 + np.einsum("ij,ij->i", p * a, r * room)) ** 2
    needed = np.einsum("ij,ij->i", p, p * room) * np.einsum("ij,ij->i", r, r * room)
    over = np.nan_to_num(needed / allowed, nan=np.inf)
    worst = np.argsort(over)[-8:] if len(over) > 8 else np.arange(len(over))
    worst = worst[over[worst] > 1]
    if not len(worst):
        return 1.0
    chosen: list[Any] = [None if x is None else x[worst] for x in c]
    M = transitions(Coefficients(*chosen), k[worst].astype(float))
    return float(np.linalg.norm(M, 2, axis=(1, 2)).max()) if np.isfinite(M).all() else np.inf


@formula(
    kind="exact",
    condition="delta rule whose keys are Poisson counts, drawn anew for each write; in the mean square",
    source="widrow1985",
)
def stability_bound(k: Any, spikes: float) -> float:
    """Largest beta for which a delta rule that reads keys from Poisson counts is stable in the mean square.

    ``beta < 2 E|n|^2 / E|n|^4`` with ``n_j = Poisson(k_j spikes) / spikes``; for exact unit keys it is 2. At 2 and 5
    spikes of a feature of the size of the root mean square, the mean over random unit keys of 64 features is 1.35 and
    1.68 where they are uniform, 1.47 and 1.75 where they are rectified normal; with 16 features 1.24 and 1.61, and 1.27
    and 1.63.

    Parameters
    ----------
    k : (d_k,) array
        A key, as rates relative to the one that gives ``spikes`` spikes.
    spikes : float
        Expected spikes for a rate of 1, over all neurons of a feature in one window.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(stability_bound([1.0], 80), 3)
    1.882
    """
    k = checks.array("k", k, 0, MOST, ndim=1)
    spikes = checks.number("spikes", spikes, 1 / MOST, MOST)
    second = k**2 + k / spikes
    fourth = k**4 + 6 * k**3 / spikes + 7 * k**2 / spikes**2 + k / spikes**3
    total = second.sum()
    return float(2 * total / (total**2 + (fourth - second**2).sum()))


@formula(
    kind="exact",
    condition="delta rule, one key at peak again and again, Poisson counts of several neurons; in the mean square",
    source="widrow1985",
)
def repeated_bound(spikes: float, neurons: int) -> float:
    """Largest beta for which one key at peak, sent by several neurons again and again, is stable in the mean square.

    A synapse of neuron c changes by ``-beta n_c sum_d n_d W_d / neurons``, ``n_c = Poisson(spikes) / spikes``. Second
    moments ``a I + b J`` of their weights (J: all ones) stay of that kind, so that one item is a matrix (2, 2),
    exactly, and the bound is where it gets an eigenvalue of 1. With one neuron it is ``2 E n^2 / E n^4``; weights
    that drift apart lower it.

    Parameters
    ----------
    spikes : float
        Expected spikes of one neuron in one window.
    neurons : int
        Neurons that send the key.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(repeated_bound(80, 1), 3), round(repeated_bound(10, 8), 3)
    (1.882, 1.736)
    """
    n, C = checks.number("spikes", spikes, 1 / MOST, MOST), checks.count("neurons", neurons)
    m2, m3 = 1 + 1 / n, 1 + 3 / n + 1 / n**2
    m4 = 1 + 6 / n + 7 / n**2 + 1 / n**3
    # E[n n^T S n n^T] for S = I and S = J: entry on the diagonal, entry off it
    eye = m4 + (C - 1) * m2**2, 2 * m3 + (C - 2) * m2
    ones = (
        m4 + 2 * (C - 1) * m3 + (C - 1) * m2**2 + (C - 1) * (C - 2) * m2,
        2 * m3 + 2 * m2**2 + 5 * (C - 2) * m2 + (C - 2) * (C - 3),
    )
    second = np.array([[eye[0] - eye[1], ones[0] - ones[1]], [eye[1], ones[1]]]) / C**2  # columns: S = I, S = J
    first = 2 * np.array([[1 / n, 0.0], [1.0, C + 1 / n]]) / C
    if C == 1:
        return float(2 * m2 / m4)
    bounds = np.linalg.eigvals(np.linalg.solve(second, first))
    return float(min(bound.real for bound in bounds if abs(bound.imag) < 1e-9 and bound.real > 0))


@formula(
    kind="exact",
    condition="a delta rule without a decay or with a scalar one, one write per step",
    source="yang2024deltanet; eckmann1985",
)
def lyapunov_sum(squared_norms: Any, beta: Any, decay: float = 1.0, d_key: int = 1) -> float:
    """Sum of the Lyapunov exponents of W along a run, per step: ``E ln |1 - beta |k|^2| + d ln a``.

    It is the mean logarithm of the determinant of ``a (I - beta k k^T)``, whatever the directions of the keys. Where
    ``beta |k|^2 = 1`` a step deletes a direction: the sum is minus infinity, and the rank is what there is to tell.

    Parameters
    ----------
    squared_norms : (T,) array
        ``|k_t|^2``.
    beta : float or (T,) array
        Write strengths.
    decay : float
        a, above 0.
    d_key : int
        d, which counts where there is a decay.

    Returns
    -------
    float
        In nats per step.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(lyapunov_sum([1.0, 1.0], 0.5), 4), lyapunov_sum([1.0], 1.0)
    (-0.6931, -inf)
    """
    size, rate = checks.array("squared_norms", squared_norms, 0, 1e100), checks.array("beta", beta, 0, 1e100)
    a, d = checks.number("decay", decay, 1e-100, 1), checks.count("d_key", d_key)
    if size.ndim != 1 or not size.size or (rate.ndim and rate.shape != size.shape):
        raise ValueError(f"squared_norms has shape {size.shape} and beta {rate.shape}; pass (T,) of both, or one beta.")
    left = np.abs(1 - rate * size)
    with np.errstate(divide="ignore"):
        return float(np.log(left).mean() + d * np.log(a))
