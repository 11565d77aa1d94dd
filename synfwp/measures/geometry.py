"""Geometry of representations: distances between conditions, and how alike two sets of responses are."""

from __future__ import annotations

import numpy as np
import xarray as xr

from synfwp import checks, seeds
from synfwp.measures import samples

Array = np.ndarray
METRICS = ("correlation", "cosine", "euclidean", "sqeuclidean", "cityblock")
METHODS = ("spearman", "pearson")


def rdm(X: Array, metric: str = "correlation") -> Array:
    """Representational dissimilarity matrix: distances between the responses to all pairs of conditions.

    Parameters
    ----------
    X : (conditions, features) array
        Mean response to each condition.
    metric : str
        ``"correlation"`` (one minus Pearson's), ``"cosine"``, ``"euclidean"``, ``"sqeuclidean"`` or ``"cityblock"``, as
        in SciPy.

    Returns
    -------
    (conditions, conditions) array
        Symmetric, 0 on the diagonal.

    Raises
    ------
    TypeError, ValueError
        For what is no finite number, fewer than two conditions, or a condition without a correlation or cosine.

    References
    ----------
    Kriegeskorte, Mur & Bandettini 2008, Front Syst Neurosci 2:4.

    Examples
    --------
    >>> rdm([[0.0, 1.0, 2.0], [5.0, 6.0, 7.0], [2.0, 1.0, 0.0]]).round(6).tolist()
    [[0.0, 0.0, 2.0], [0.0, 0.0, 2.0], [2.0, 2.0, 0.0]]
    """
    from scipy.spatial.distance import pdist, squareform

    checks.one_of("metric", metric, METRICS)
    given = checks.array("X", X, ndim=2)
    samples.table("X", given)
    scaled, power = samples.ordinary(given)
    if metric in ("correlation", "cosine"):
        largest = np.abs(scaled).max(axis=1, keepdims=True)
        scaled = scaled / np.where(largest > 0, largest, 1)  # each by itself, so that no square is lost
        centred = scaled - (scaled.mean(axis=1, keepdims=True) if metric == "correlation" else 0)
        none = np.linalg.norm(centred, axis=1) <= 1e-14 * scaled.shape[1]
        if none.any():
            raise ValueError(
                f"X has the same response of all features (or none) in condition {int(none.argmax())}, which has no "
                f"{metric}; leave it out, or pass metric='euclidean'."
            )
        power = 0
    found = pdist(scaled, metric)
    with np.errstate(over="ignore"):
        found = np.ldexp(found, 2 * power if metric == "sqeuclidean" else power)
    if not np.isfinite(found).all():
        raise ValueError("X holds numbers whose distances no float holds; divide them first.")
    return squareform(np.maximum(found, 0))


def rsa(
    one: Array, other: Array, method: str = "spearman", permutations: int = 1000, seed: seeds.Seed = 0
) -> xr.Dataset:
    """How alike two dissimilarity matrices are, with a test that permutes the conditions of one.

    Parameters
    ----------
    one, other : (conditions, conditions) arrays
        Symmetric; the entries above the diagonal are compared.
    method : str
        ``"spearman"`` or ``"pearson"``.
    permutations : int
        Of conditions; entries of one matrix depend on each other, so that a test of single entries would not hold.
    seed : int, SeedSequence or Generator

    Returns
    -------
    xarray.Dataset
        ``correlation``, ``p`` (one-sided; NaN without permutations), and ``null`` along ``permutation``.

    Raises
    ------
    TypeError, ValueError
        For matrices that are not symmetric or of different size, fewer than three conditions, or constant entries.

    References
    ----------
    Kriegeskorte, Mur & Bandettini 2008, Front Syst Neurosci 2:4.

    Examples
    --------
    >>> import numpy as np
    >>> x = rdm(np.random.default_rng(0).normal(size=(8, 20)))
    >>> found = rsa(x, x**2, permutations=99)
    >>> round(float(found.correlation), 6), float(found.p)
    (1.0, 0.01)
    """
    checks.one_of("method", method, METHODS)
    n, rng = checks.count("permutations", permutations, 0), samples.parts(seed, "permutations")[0]
    pair = [_scored(name, x, method) for name, x in (("one", one), ("other", other))]
    if pair[0].shape != pair[1].shape:
        raise ValueError(
            f"one has shape {pair[0].shape} and other {pair[1].shape}; pass matrices of the same conditions."
        )
    above = np.triu_indices(len(pair[0]), 1)
    found = float(pair[0][above] @ pair[1][above])
    null = np.empty(n)
    for i in range(n):
        order = rng.permutation(len(pair[1]))
        null[i] = pair[0][above] @ pair[1][order][:, order][above]
    p = samples.chance_of(found, null) if n else np.nan
    share = {"units": "1"}
    return xr.Dataset(
        {
            "correlation": ((), found, share | {"long_name": f"{method} correlation of dissimilarities"}),
            "p": ((), p, share | {"long_name": "p value by permutation of conditions"}),
            "null": ("permutation", null, share | {"long_name": "correlation, conditions permuted"}),
        }
    )


def linear_cka(X: Array, Y: Array, debiased: bool = False) -> float:
    r"""Linear centred kernel alignment of two sets of responses to the same trials.

    ``|Y^T X|_F^2 / (|X^T X|_F |Y^T Y|_F)`` with columns of mean zero: blind to rotations, to one factor, and to which
    neuron is which; not to any other linear map. With few trials and many features it nears 1 for unrelated responses;
    the debiased one, with the unbiased estimate of the three terms, is then near 0, and may be below.

    Parameters
    ----------
    X : (trials, features) array
    Y : (trials, other features) array
    debiased : bool
        Whether to use the unbiased estimates of Song et al. 2012; at least 4 trials.

    Returns
    -------
    float
        From 0 to 1; debiased: at most about 1. NaN where one of them does not vary (debiased: where its own estimate
        is not above 0).

    Raises
    ------
    TypeError, ValueError
        For different numbers of trials, too few of them, or what is no finite number.

    References
    ----------
    Kornblith et al. 2019, ICML, arXiv:1905.00414; Song et al. 2012, J Mach Learn Res 13:1393 (unbiased estimate).

    Examples
    --------
    >>> import numpy as np
    >>> X, Y = np.random.default_rng(0).normal(size=(2, 20, 200))
    >>> round(linear_cka(X, Y), 2), round(linear_cka(X, Y, debiased=True), 2)
    (0.92, 0.12)
    """
    one, two = _centred(X, Y, 4 if debiased else 2)
    if one is None or two is None:
        return float("nan")
    grams = [x @ x.T for x in (one, two)]
    if debiased:
        grams = [_u_centred(x) for x in grams]
    across, own, other = ((a * b).sum() for a, b in ((grams[0], grams[1]), (grams[0],) * 2, (grams[1],) * 2))
    return float(across / np.sqrt(own * other)) if own > 0 and other > 0 else float("nan")


def procrustes_distance(X: Array, Y: Array) -> float:
    r"""Distance of two sets of responses to the same trials after the best rotation of one onto the other.

    ``min_Q |X - Y Q|_F = sqrt(2 - 2 |X^T Y|_*)`` over orthogonal Q, both with columns of mean zero and Frobenius norm
    1; where one has fewer features, it is filled up with zeros. It is a metric: symmetric, with the triangle
    inequality.

    Parameters
    ----------
    X : (trials, features) array
    Y : (trials, other features) array

    Returns
    -------
    float
        From 0 to sqrt(2); NaN where one of them does not vary.

    Raises
    ------
    TypeError, ValueError
        For different numbers of trials, or what is no finite number.

    References
    ----------
    Williams et al. 2021, NeurIPS, arXiv:2110.14739.

    Examples
    --------
    >>> import numpy as np
    >>> X, turn = np.random.default_rng(0).normal(size=(9, 2)), np.array([[0.0, 1.0], [-1.0, 0.0]])
    >>> round(procrustes_distance(X, 7 + 3 * X @ turn), 6)
    0.0
    """
    one, two = _centred(X, Y, 2)
    if one is None or two is None:
        return float("nan")
    common = np.linalg.svd(one.T @ two, compute_uv=False).sum()
    return float(np.sqrt(max(2 - 2 * common, 0.0)))


def _centred(X: Array, Y: Array, least: int) -> tuple[Array | None, Array | None]:
    """Two tables of the same trials with columns of mean zero and norm 1; None for one that does not vary."""
    pair = [samples.table(name, x, least=least) for name, x in (("X", X), ("Y", Y))]
    if len(pair[0]) != len(pair[1]):
        raise ValueError(f"X has {len(pair[0])} trials and Y {len(pair[1])}; pass responses to the same trials.")
    found: list[Array | None] = []
    for x in pair:
        centred = x - x.mean(axis=0)
        size = np.linalg.norm(centred)
        found.append(centred / size if size > 1e-14 * np.linalg.norm(x) else None)
    return found[0], found[1]


def _u_centred(gram: Array) -> Array:
    """A Gram matrix without its diagonal, centred so that products of two are unbiased (Song et al. 2012, eq. 5)."""
    n = len(gram)
    K = gram - np.diag(np.diag(gram))
    row = K.sum(axis=0) / (n - 2)
    K = K - row[:, None] - row[None, :] + K.sum() / ((n - 1) * (n - 2))
    return K - np.diag(np.diag(K))


def _scored(name: str, x: Array, method: str) -> Array:
    """A symmetric matrix of ranks or numbers whose entries above the diagonal have mean zero and norm 1."""
    from scipy.stats import rankdata

    given = samples.table(name, x, least=3)
    if given.shape[0] != given.shape[1] or not np.allclose(given, given.T, rtol=1e-9, atol=0):
        raise ValueError(f"{name} of shape {given.shape} is no symmetric matrix; pass what rdm returns.")
    above = np.triu_indices(len(given), 1)
    entries = rankdata(given[above]) if method == "spearman" else given[above]
    entries = entries - entries.mean()
    size = np.linalg.norm(entries)
    if size <= 1e-14 * np.linalg.norm(given[above]):
        raise ValueError(f"{name} has the same dissimilarity everywhere; its correlation with another is undefined.")
    found = np.zeros(given.shape)
    found[above] = entries / size
    return found + found.T
