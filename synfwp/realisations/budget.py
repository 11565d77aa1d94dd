"""The price of spikes in closed form: how far their noise lets a rule be stable, and agree with the ideal one."""

from typing import Any

import numpy as np


def stability_bound(k: Any, spikes: float) -> float:
    """Largest beta for which a delta rule that reads keys from Poisson counts is stable in the mean square.

    ``beta < 2 E|n|^2 / E|n|^4`` with ``n_j = Poisson(k_j spikes) / spikes``; for exact unit keys it is 2.

    Parameters
    ----------
    k : (d_k,) array
        A key, as rates relative to the one that gives ``spikes`` spikes.
    spikes : float
        Expected spikes for a rate of 1, over all clones in one window.

    >>> round(stability_bound([1.0], 80), 3)
    1.882
    """
    k = np.asarray(k, float)
    second = k**2 + k / spikes
    fourth = k**4 + 6 * k**3 / spikes + 7 * k**2 / spikes**2 + k / spikes**3
    total = second.sum()
    return float(2 * total / (total**2 + (fourth - second**2).sum()))


def repeated_bound(spikes: float, clones: int) -> float:
    """Largest beta for which one key at peak, sent by clones again and again, is stable in the mean square.

    A synapse of clone c changes by ``-beta n_c sum_d n_d W_d / clones``, ``n_c = Poisson(spikes) / spikes``. Second
    moments ``a I + b J`` of the clones' weights (J: all ones) stay of that kind, so that one item is a matrix (2, 2),
    exactly, and the bound is where it gets an eigenvalue of 1. With one clone it is ``2 E n^2 / E n^4``; clones that
    drift apart lower it.

    Parameters
    ----------
    spikes : float
        Expected spikes of one clone in one window.
    clones : int

    >>> round(repeated_bound(80, 1), 3), round(repeated_bound(10, 8), 3)
    (1.882, 1.736)
    """
    n, C = spikes, clones
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


def count_cosine(spikes: float) -> float:
    """Cosine of one outer product of Poisson counts with the ideal one, rates uniform on (0, r_max).

    ``1 / (1 + 1.5 / (r_max T))``, with ``spikes = r_max T``.

    >>> round(count_cosine(10.0), 3)
    0.87
    """
    return 1 / (1 + 1.5 / spikes)


def trace_cosine(rho: float, T: float, tau: float) -> float:
    """Cosine of one outer product written by spike traces with the ideal one.

    ``(1 + 2 rho/T + rho^2/(4 tau T))^(-1/2)`` with
    ``rho = <r> / <r^2>`` in ms, window T and trace time constant tau in ms.

    >>> round(trace_cosine(rho=15.0, T=100.0, tau=20.0), 3)
    0.868
    """
    return float((1 + 2 * rho / T + rho**2 / (4 * tau * T)) ** -0.5)


def hebb_agreement(k: Any, v: Any, spikes: float, tau: float | None = None, T: float = 1.0) -> float:
    """Centred correlation of a Hebbian sum of items, written by spikes, with the ideal one: a ratio of variances.

    ``(S / (S + N))^(1/2)``: S is the variance of the entries of ``sum_t v_t k_t^T``, and N the mean variance that
    Poisson spikes add to them, ``sum_t (k^2 |v| + k v^2) / n + k |v| / m`` for rates relative to the peak, with
    ``m = n^2`` for counts and ``m = 4 tau n^2 / T`` for traces (T long against tau). Values are signed, push and pull.

    Parameters
    ----------
    k, v : (T, d_k) and (T, d_v) array
        Items; the largest key and the largest value are sent at the peak rate.
    spikes : float
        n, expected spikes at the peak rate in one window, over all clones.
    tau, T : float
        Time constant of the traces and window in ms; without tau, counts.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> round(hebb_agreement(rng.uniform(0, 1, (8, 50)), rng.standard_normal((8, 50)), 10.0), 2)
    0.76
    """
    k, v = (np.asarray(x, float) / np.abs(x).max() for x in (k, v))
    size = np.abs(v)
    double = spikes**2 * (1.0 if tau is None else 4 * tau / T)
    single = np.einsum("tj,ti->ij", k**2, size) + np.einsum("tj,ti->ij", k, v**2)
    noise = (single / spikes + np.einsum("tj,ti->ij", k, size) / double).mean()
    signal = np.einsum("tj,ti->ij", k, v).var()
    return float(np.sqrt(signal / (signal + noise)))
