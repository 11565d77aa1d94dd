"""Changes of recorded weights as a sum of terms: regressors, and least squares in two stages."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

Array = np.ndarray
TERMS: tuple[str, ...] = ("v k", "(W k) k", "W", "k", "v")
MORE: tuple[str, ...] = ("v v W", "v <k>", "v v k")  # Oja's decay, the mean of covariance, BCM
COLLINEAR = 30.0  # condition number beyond which a direction counts as not observed
FLOOR = 1e-6  # share of the changes that counts as rounding


class Recording(NamedTuple):
    """What is regressed: weights before each trial and after the last, and what was active."""

    W: Array  # (session, trial + 1, d_v, d_k)
    k: Array  # (session, trial, event, d_k)
    v: Array  # (session, trial, event, d_v)
    trace: Array  # as k: the mean that presynaptic activity is compared with
    split: Array | None  # as W: a second measurement with a noise of its own


class Design(NamedTuple):
    """Rows (sample, ...): changes, regressors and instruments; ``shape`` (measurement, session, trial, synapse)."""

    y: Array
    X: Array
    Z: Array
    shape: tuple[int, int, int, int]

    def part(self, chosen: Array) -> tuple[Array, Array, Array]:
        """Changes, regressors and instruments of some trials."""
        y, X, Z = (one.reshape(*self.shape, *one.shape[1:])[:, :, chosen] for one in (self.y, self.X, self.Z))
        return y.ravel(), X.reshape(-1, X.shape[-1]), Z.reshape(-1, Z.shape[-1])


class Fit(NamedTuple):
    """Coefficients of all terms, and what of them the design shows.

    ``shown (term, r)`` holds the directions that it shows, in units of ``scale``; ``along (r,)`` the estimates there
    and ``covariance (r, r)`` their covariance.
    """

    coefficient: Array
    sem: Array
    vif: Array
    condition: float
    shown: Array
    scale: Array
    along: Array
    covariance: Array
    groups: int


def running_mean(k: Array) -> Array:
    """Mean of all keys of a session before each one, 0 before the first; shapes as `Recording.k`."""
    flat = k.reshape(len(k), -1, k.shape[-1])
    before = np.cumsum(flat, axis=1) - flat
    return (before / np.maximum(1, np.arange(flat.shape[1]))[:, None]).reshape(k.shape)


def regressors(W: Array, k: Array, v: Array, trace: Array) -> Array:
    """All terms (session, trial, d_v, d_k, term) for the weights before each trial."""
    recall = np.einsum("stij,stnj->stni", W, k)
    full = np.broadcast_to
    found: Mapping[str, Array] = {
        "v k": np.einsum("stni,stnj->stij", v, k),
        "(W k) k": np.einsum("stni,stnj->stij", recall, k),
        "W": W,
        "k": full(k.sum(2)[:, :, None, :], W.shape),
        "v": full(v.sum(2)[:, :, :, None], W.shape),
        "v v W": np.square(v).sum(2)[..., None] * W,
        "v <k>": np.einsum("stni,stnj->stij", v, trace),
        "v v k": np.einsum("stni,stnj->stij", v * v, k),
    }
    return np.stack([found[name] for name in (*TERMS, *MORE)], axis=-1)


def design(recording: Recording, instrument: str) -> Design:
    """Samples of all sessions; ``instrument`` is where the W of the second stage's regressors come from.

    "split": the other measurement, each in the place of the other; "lag": the weights one trial earlier, so that the
    first trial has none; "none": the weights themselves.
    """
    W, k, v, trace, split = recording
    sessions, trials, d_v, d_k = *k.shape[:2], *W.shape[2:]
    first = 1 if instrument == "lag" else 0
    pairs = [(W, W[:, :-1])]
    if instrument == "lag":
        pairs = [(W[:, 1:], W[:, :-2])]
    elif instrument == "split" and split is not None:
        pairs = [(W, split[:, :-1]), (split, W[:, :-1])]
    k, v, trace = k[:, first:], v[:, first:], trace[:, first:]
    y = [np.diff(one, axis=1).ravel() for one, _ in pairs]
    X = [regressors(one[:, :-1], k, v, trace).reshape(-1, len(TERMS) + len(MORE)) for one, _ in pairs]
    Z = [regressors(other, k, v, trace).reshape(-1, len(TERMS) + len(MORE)) for _, other in pairs]
    shape = (len(pairs), sessions, trials - first, d_v * d_k)
    return Design(np.concatenate(y), np.concatenate(X), np.concatenate(Z), shape)


def solved(Z: Array, y: Array, small: float = 1e-12) -> Array:
    """Least squares by normal equations; directions in which Z is below the root of ``small`` have no coefficient."""
    return np.linalg.pinv(Z.T @ Z, rcond=small, hermitian=True) @ (Z.T @ y)


def two_stages(data: Design, terms: int) -> Fit:
    """Least squares of the first ``terms`` in two stages: X is predicted from Z, and y from that.

    Standard errors are for errors that may be correlated in time within a synapse of a session, as those of differences
    of noisy weights are, and between synapses within a trial, as those of synapses with a neuron in common are.
    """
    y, X, Z = data.y, data.X[:, :terms], data.Z[:, :terms]
    scale = np.sqrt(np.mean(X * X, axis=0))
    scale[scale <= 1e-12 * scale.max(initial=0)] = np.inf  # a term that is 0 throughout
    X, Z = X / scale, Z / scale
    predicted = Z @ solved(Z, X)
    _, size, axes = np.linalg.svd(predicted.T @ predicted / len(y))
    size = np.sqrt(size)
    keep = size > size.max(initial=0) / COLLINEAR
    if not keep.any():
        raise ValueError("W, pre and post are 0 in every trial; pass a recording in which something is active.")
    shown = axes[keep].T
    scores = predicted @ shown
    inverse = np.linalg.inv(scores.T @ scores)
    along = inverse @ (scores.T @ y)
    residual = y - X @ (shown @ along)
    _, sessions, trials, synapses = data.shape
    groups = sessions * min(trials, synapses)
    least = (FLOOR * np.sqrt(np.mean(y * y)) + FLOOR**2) ** 2
    spread = clustered(scores * residual[:, None], data) * groups / max(1, groups - len(along))
    covariance = inverse @ spread @ inverse + least * inverse
    finite = np.where(np.isfinite(scale), scale, 1.0)
    seen = np.isfinite(scale) & (np.square(shown).sum(1) > 1 - 1e-3)  # a term of which a part is not shown has no value
    coefficient = np.where(seen, shown @ along / finite, np.nan)
    sem = np.where(seen, np.sqrt(np.einsum("pr,rs,ps->p", shown, covariance, shown)) / finite, np.nan)
    condition = float(size.max() / size.min()) if size.min() > 1e-6 * size.max() else np.inf
    return Fit(coefficient, sem, vif(predicted), condition, shown, finite, along, covariance, groups)


def clustered(moments: Array, data: Design) -> Array:
    """Covariance of the sum of all moments (sample, r): pairs of samples of one synapse, and of one trial, count.

    What the pairs of a trial add is taken where it is positive, beside the rest.
    """
    parts = moments.reshape(*data.shape, -1)
    by = [_products(parts.sum(axis=axes)) for axes in ((0, 2), (0, 3), 0)]
    size = np.trace(by[0]) or 1.0
    root = np.linalg.cholesky(by[0] + 1e-12 * size * np.eye(len(by[0])))
    back = np.linalg.inv(root)
    values, axes = np.linalg.eigh(back @ (by[1] - by[2]) @ back.T)
    more = root @ axes * np.sqrt(np.maximum(values, 0))
    return by[0] + more @ more.T


def _products(summed: Array) -> Array:
    """Sum over groups of the products of their summed moments (..., r)."""
    flat = summed.reshape(-1, summed.shape[-1])
    return flat.T @ flat


def vif(X: Array) -> Array:
    """Variance inflation factor of each column, without an intercept; inf for one that the others make up, or of 0."""
    products, found = X.T @ X, np.full(X.shape[1], np.inf)
    for i in range(len(found)):
        others = np.delete(np.arange(len(found)), i)
        across = products[others, i]
        whole = products[i, i]
        rest = whole - across @ np.linalg.pinv(products[np.ix_(others, others)], rcond=1e-12, hermitian=True) @ across
        if rest > 1e-10 * whole:  # less is rounding
            found[i] = whole / rest
    return found


def held_out(data: Design, terms: int, every: int = 5) -> float:
    """Share of squared changes that is explained in every so manyth trial by a fit to the others.

    Weights that predict come from the instrument, so that no noise stands on both sides.
    """
    test = np.arange(data.shape[2]) % every == every - 1
    if test.all() or not test.any():
        return np.nan
    y, X, Z = data.part(~test)
    first = solved(Z[:, :terms], X[:, :terms])
    second = solved(Z[:, :terms] @ first, y, 1 / COLLINEAR**2)
    y, _, Z = data.part(test)
    whole = float(y @ y)
    return 1 - float(np.square(y - Z[:, :terms] @ (first @ second)).sum()) / whole if whole > 0 else np.nan


NAMES: Mapping[str, int] = MappingProxyType({name: i for i, name in enumerate((*TERMS, *MORE))})
