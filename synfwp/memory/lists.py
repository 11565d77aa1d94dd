"""What experiments on human memory ask of a matrix: recall by place in a list, what is recalled next, and one feature.

Keys and values of a list are directions at random; the keys of neighbours overlap where context drifts.
"""

import numpy as np

from synfwp import fastweights

Array = np.ndarray


def draw_lists(rng: np.random.Generator, n: int, places: int, d: int, overlap: float = 0.0) -> tuple[Array, Array]:
    """Keys and values (n, places, d) of length 1, values independent, keys of neighbours with an overlap.

    Parameters
    ----------
    rng : numpy.random.Generator
    n, places, d : int
        Lists, items of a list and features.
    overlap : float
        Mean cosine of neighbouring keys, about; that of keys further apart is a power of it.

    Returns
    -------
    (n, places, d) array, (n, places, d) array

    References
    ----------
    Kahana et al. 2024 (kahana2024; free recall of lists).

    Examples
    --------
    >>> k, v = draw_lists(np.random.default_rng(0), 1000, 3, 100, overlap=0.8)
    >>> np.einsum("npd,npd->p", k[:, :2], k[:, 1:]).round(-1) / 1000
    array([0.8, 0.8])
    """
    k, v = rng.standard_normal((2, n, places, d))
    for i in range(1, places):
        k[:, i] = overlap * k[:, i - 1] + np.sqrt(1 - overlap**2) * k[:, i]
    return k / np.linalg.norm(k, axis=2, keepdims=True), v / np.linalg.norm(v, axis=2, keepdims=True)


def likeness(rule: str, k: Array, v: Array, knob: float) -> Array:
    """What each key of a list reads after the last write, times each value (n, places, places).

    Parameters
    ----------
    rule : "leaky_hebb" or "delta"
    k, v : (n, places, d) array
    knob : float
        The decay of leaky Hebb; beta of delta.

    Returns
    -------
    array

    Examples
    --------
    >>> likeness("leaky_hebb", np.eye(2)[None], np.eye(2)[None], 0.5).tolist()
    [[[0.5, 0.0], [0.0, 1.0]]]
    """
    gates = np.full(k.shape[:2], knob)
    fades = rule == "leaky_hebb"
    W = fastweights.scan(rule, k, k, v, None if fades else gates, decay=gates if fades else None).W
    return np.asarray(k @ np.swapaxes(W, 1, 2) @ np.swapaxes(v, 1, 2))


def right_by_place(scores: Array) -> Array:
    """Share of lists in which each key reads its own value best.

    Parameters
    ----------
    scores : (n, places, places) array
        As `likeness` gives them.

    Returns
    -------
    (places,) array

    Examples
    --------
    >>> right_by_place(np.array([[[1.0, 0.0], [2.0, 1.0]]])).tolist()
    [1.0, 0.0]
    """
    return np.asarray((scores.argmax(axis=2) == np.arange(scores.shape[1])).mean(axis=0))


def next_by_lag(scores: Array, lags: tuple[int, ...]) -> Array:
    """Which item the key of the last one reads best, itself left out: shares by lag, of the pairs with that lag.

    Parameters
    ----------
    scores : (n, places, places) array
        As `likeness` gives them.
    lags : tuple of int

    Returns
    -------
    (lags,) array

    Examples
    --------
    >>> next_by_lag(np.array([[[9.0, 1, 0], [2, 9, 1], [0, 1, 9]]]), (-1, 1)).tolist()
    [1.0, 0.5]
    """
    places = scores.shape[1]
    off = np.arange(places) - np.arange(places)[:, None]
    others = np.where(off == 0, -np.inf, scores)
    went = (others == others.max(axis=2, keepdims=True)).sum(axis=0)
    return np.array([went[off == lag].sum() / ((off == lag).sum() * len(scores)) for lag in lags])


def read_angles(rule: str, rng: np.random.Generator, n: int, items: int, d: int, beta: float) -> Array:
    """Reads (n, 2) of one of several angles, each a unit vector under a key of its own, turned so that it is (1, 0).

    Parameters
    ----------
    rule : str
        With a beta.
    rng : numpy.random.Generator
    n, items, d : int
        Lists, items of a list and features of keys.
    beta : float

    Returns
    -------
    (n, 2) array

    Examples
    --------
    >>> read_angles("delta", np.random.default_rng(0), 1, 1, 4, 1.0).round(12).tolist()
    [[1.0, 0.0]]
    """
    k, turn = rng.standard_normal((n, items, d)), rng.uniform(0, 2 * np.pi, (n, items))
    k /= np.linalg.norm(k, axis=2, keepdims=True)
    v, at = np.stack([np.cos(turn), np.sin(turn)], axis=2), (np.arange(n), rng.integers(items, size=n))
    W = fastweights.scan(rule, k, k, v, np.full((n, items), beta)).W
    y, c, s = np.einsum("nij,nj->ni", W, k[at]), np.cos(turn[at]), np.sin(turn[at])
    return np.stack([c * y[:, 0] + s * y[:, 1], c * y[:, 1] - s * y[:, 0]], axis=1) + 0.0


def circular_sd(reads: Array) -> float:
    """Circular standard deviation (rad) of the directions of vectors: ``sqrt(-2 ln |mean direction|)``.

    Parameters
    ----------
    reads : (n, 2) array

    Returns
    -------
    float

    References
    ----------
    Zhang & Luck 2008, Nature 453:233 (reports on a circle).

    Examples
    --------
    >>> round(circular_sd(np.array([[1.0, 1.0], [1.0, -1.0]])), 3)
    0.833
    """
    unit = reads / np.linalg.norm(reads, axis=1, keepdims=True)
    return float(np.sqrt(-2 * np.log(np.linalg.norm(unit.mean(axis=0)))))
