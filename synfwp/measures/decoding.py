"""What decoders read out of responses or weights: held-out trials, shuffled controls, and what would be seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from synfwp import checks, seeds
from synfwp.measures import held_out, samples

Array = np.ndarray
LEVEL = 0.05  # of a test in `detection_power`
SHARE = {"units": "1"}


def decode(
    X: Array,
    labels: Array,
    decoder: str = "centroid",
    folds: int = 5,
    groups: Array | None = None,
    shuffles: int = 0,
    strength: float = 1.0,
    seed: seeds.Seed = 0,
) -> xr.Dataset:
    """Share of held-out trials whose label a decoder finds, beside the same with shuffled labels.

    Features are scaled by mean and standard deviation of the trials that a decoder learns from. Trials are dealt to
    folds so that each holds as many of a class; groups stay together. The control exchanges labels between trials, and
    of groups between whole groups, each with its fold: classes keep their shares of all folds, without which a decoder
    that knows how frequent they are falls below chance.

    Parameters
    ----------
    X : (trials, features) array
        Responses of neurons, or weights, one row for each trial.
    labels : (trials,) array
        Numbers or text.
    decoder : str
        ``"centroid"``: the nearest mean. By scikit-learn: ``"logistic"`` (L2 penalty), ``"ridge"`` (least squares on
        classes), ``"lda"`` (linear discriminants with the shrinkage of Ledoit and Wolf).
    folds : int
        Parts, each held out once; as many as trials: leave one out.
    groups : (trials,) array, optional
        Trials with the same entry are held out together: pictures of one trial, trials of one block.
    shuffles : int
        Permutations of the control.
    strength : float
        Penalty of "logistic" and "ridge", above 0.
    seed : int, SeedSequence or Generator

    Returns
    -------
    xarray.Dataset
        ``accuracy``, ``chance`` (one over the number of classes), ``p`` (NaN without control: share of permutations at
        least as good, what was found counted once); along ``shuffle``: ``shuffled_accuracy``; along ``trial``:
        ``predicted`` and ``fold``; along ``label`` and ``predicted_label``: ``confusion`` (trials).

    Raises
    ------
    TypeError, ValueError
        For what is no finite number, labels or groups of another length, fewer than two classes, folds that cannot be
        filled, a class that lies in one fold alone, or a control of groups of several sizes and labels.
    ImportError
        If a decoder needs scikit-learn, which is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> rng, labels = np.random.default_rng(0), np.repeat(["cat", "dog"], 20)
    >>> X = rng.normal(size=(40, 5)) + 3.0 * (labels == "dog")[:, None]
    >>> found = decode(X, labels, shuffles=99)
    >>> float(found.accuracy), float(found.chance), float(found.p)
    (1.0, 0.5, 0.01)
    """
    trials = held_out.trials_of(samples.table("X", X), labels, decoder, folds, groups, strength, seed)
    n, rng = len(trials.names), samples.parts(seed, "shuffles")[0]
    checks.count("shuffles", shuffles, 0)
    with threadpool_limits(1):  # products are small: threads of BLAS would wait for each other
        predicted, null = held_out.predicted(trials), held_out.null(trials, shuffles, rng)
    accuracy = float((predicted == trials.codes).mean())
    confusion = np.zeros((n, n), int)
    np.add.at(confusion, (trials.codes, predicted), 1)
    p = samples.chance_of(accuracy, null) if shuffles else np.nan
    return xr.Dataset(
        {
            "accuracy": ((), accuracy, SHARE | {"long_name": "share of right labels"}),
            "chance": ((), 1 / n, SHARE | {"long_name": "one over the number of classes"}),
            "p": ((), p, SHARE | {"long_name": "p value by permutation of labels"}),
            "shuffled_accuracy": ("shuffle", null, SHARE | {"long_name": "share of right labels, labels shuffled"}),
            "predicted": ("trial", trials.names[predicted]),
            "fold": ("trial", trials.fold),
            "confusion": (("label", "predicted_label"), confusion, {"long_name": "number of trials"}),
        },
        {"label": trials.names, "predicted_label": trials.names},
        {"decoder": decoder},
    )


def decode_across_times(
    X: Array,
    labels: Array,
    decoder: str = "centroid",
    folds: int = 5,
    groups: Array | None = None,
    shuffles: int = 0,
    strength: float = 1.0,
    seed: seeds.Seed = 0,
) -> xr.Dataset:
    """Share of right labels of a decoder that learns at one time and is asked at another (cross-temporal decoding).

    A code that stays gives a square, one that changes a diagonal. The same trials are held out at all times. At each
    time features are scaled by the trials of that time that the decoder learns from, so that a change of all rates
    alone is none of the code.

    Parameters
    ----------
    X : (trials, features, times) array
    labels : (trials,) array
    decoder : str
        As in `decode`.
    folds : int
    groups : None or (trials,) array
        Trials that are held out together.
    shuffles : int
        Of the labels, for the p value.
    strength : float
        Of the regularisation, as in `decode`.
    seed : int, SeedSequence or Generator

    Returns
    -------
    xarray.Dataset
        Along ``train_time`` and ``test_time`` (indices): ``accuracy``, ``p``; with ``shuffle`` first:
        ``shuffled_accuracy``; with ``trial`` first: ``predicted``; and ``chance``.

    Raises
    ------
    TypeError, ValueError, ImportError
        As `decode`.

    References
    ----------
    King & Dehaene 2014, Trends Cogn Sci 18:203.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.tile([0, 1], 10)
    >>> X = np.random.default_rng(0).normal(size=(20, 3, 2))
    >>> X[:, :, 1] += 9.0 * labels[:, None]  # nothing at the first time
    >>> float(decode_across_times(X, labels, folds=2).accuracy.sel(train_time=1, test_time=1))
    1.0
    """
    given = samples.table("X", X, ndim=3)
    trials = held_out.trials_of(given, labels, decoder, folds, groups, strength, seed)
    rng, n = samples.parts(seed, "shuffles")[0], checks.count("shuffles", shuffles, 0)
    orders = [trials, *(held_out.shuffled(trials, rng) for _ in range(n))]
    with threadpool_limits(1):
        every = [held_out.across(one) for one in orders]
    right = [(x == one.codes[:, None, None]).mean(axis=0) for x, one in zip(every, orders, strict=True)]
    accuracy, null = right[0], np.array(right[1:], float).reshape(-1, *right[0].shape)
    p = (1 + (null >= accuracy - 1e-12).sum(axis=0)) / (1 + n) if n else np.full(accuracy.shape, np.nan)
    of = ("train_time", "test_time")
    return xr.Dataset(
        {
            "accuracy": (of, accuracy, SHARE | {"long_name": "share of right labels"}),
            "p": (of, p, SHARE | {"long_name": "p value by permutation of labels, of each pair of times"}),
            "predicted": (("trial", *of), trials.names[every[0]]),
            "shuffled_accuracy": (("shuffle", *of), null, SHARE | {"long_name": "the same, labels shuffled"}),
            "chance": ((), 1 / len(trials.names), SHARE | {"long_name": "one over the number of classes"}),
        },
        {name: np.arange(given.shape[2]) for name in of},
        {"decoder": decoder},
    )


def compare_decoding(sources: Mapping[str, Array], labels: Array, **options: Any) -> xr.Dataset:
    """Decode the same labels from several sources, such as weights and activity, with the same folds and shuffles.

    Parameters
    ----------
    sources : mapping of names to (trials, ...) arrays
        Axes after the first are features: weights (trials, d_v, d_k), activity (trials, neurons).
    labels : (trials,) array
        Numbers or text.
    **options
        Of `decode`.

    Returns
    -------
    xarray.Dataset
        As that of `decode`, along ``source``.

    Raises
    ------
    TypeError, ValueError, ImportError
        As `decode`; for no source.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.tile([0, 1], 10)
    >>> W = labels[:, None, None] + np.random.default_rng(0).normal(size=(20, 3, 4)) / 9
    >>> found = compare_decoding({"weights": W, "activity": np.zeros((20, 4))}, labels, folds=2)
    >>> found.accuracy.values.tolist()
    [1.0, 0.5]
    """
    if not isinstance(sources, Mapping) or not sources:
        raise TypeError(f"sources is {checks.short(sources)}; pass a mapping of names to arrays (trials, ...).")
    found = []
    for name, X in sources.items():
        given = checks.array(f"sources[{name!r}]", X)
        if given.ndim < 2 or 0 in given.shape:
            raise ValueError(f"sources[{name!r}] has shape {given.shape}; pass (trials, ...), at least one feature.")
        found.append(decode(given.reshape(len(given), -1), labels, **options))
    names = xr.DataArray([str(name) for name in sources], dims="source", name="source")
    return xr.concat(found, names)


def detection_power(
    X: Array,
    labels: Array,
    sizes: Array,
    code: Array | None = None,
    repeats: int = 100,
    folds: int = 5,
    groups: Array | None = None,
    seed: seeds.Seed = 0,
) -> xr.Dataset:
    r"""How often a decoder would find a code of a given size in these responses: what "at chance" can exclude.

    Labels are exchanged as in the control of `decode`, so that no code is left, and ``size * code[label]`` is added to
    the response of each trial. The nearest-centroid decoder is then significant if its accuracy exceeds all but 5 % of
    ``repeats`` permutations without a code.

    Parameters
    ----------
    X : (trials, features) array
        Responses as recorded.
    labels : (trials,) array
        Numbers or text.
    sizes : (sizes,) array
        At least 0; 0 is the test itself, which is positive in at most 5 %.
    code : (classes, features) array, optional
        Response to each label (in their order), such as the means of another time: a size is then the share of these
        that is left. None: normal patterns, drawn anew, in standard deviations of each feature.
    repeats : int
        Of each size, and permutations without a code; at least 19.
    folds : int
        As in `decode`.
    groups : (trials,) array, optional
        As in `decode`.
    seed : int, SeedSequence or Generator

    Returns
    -------
    xarray.Dataset
        Along ``size``: ``power`` with its 95 % interval ``power_low`` and ``power_high`` (Wilson), and the mean
        ``accuracy``; ``threshold``: the accuracy that is significant.

    Raises
    ------
    TypeError, ValueError
        As `decode`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(60, 10))
    >>> detection_power(X, np.tile([0, 1, 2], 20), [0.0, 2.0], repeats=40).power.values.round(1).tolist()
    [0.0, 1.0]
    """
    from scipy.stats import binomtest

    checks.count("repeats", repeats, 19)
    size = checks.array("sizes", sizes, 0.0, 1e6, ndim=1)
    given = checks.array("X", X, ndim=2)
    scaled, power = samples.ordinary(given)
    trials = held_out.trials_of(samples.table("X", given), labels, "centroid", folds, groups, 1.0, seed)
    planted = None if code is None else _planted(code, (len(trials.names), scaled.shape[1]), power)
    if not size.size:
        raise ValueError("sizes is empty; pass at least one.")
    rng, null_rng = samples.parts(seed, "planted", "shuffles")
    with threadpool_limits(1):
        null = np.sort(held_out.null(trials, repeats, null_rng))
        accuracy = _with_code(trials._replace(X=scaled), size, planted, repeats, rng)
    threshold = null[repeats - int(LEVEL * (repeats + 1) + 1e-9)]  # of that rank, what is above it has p <= LEVEL
    hits = (accuracy > threshold + 1e-12).sum(axis=1)
    bounds = [binomtest(int(one), repeats).proportion_ci(method="wilson") for one in hits]
    return xr.Dataset(
        {
            "power": ("size", hits / repeats, SHARE | {"long_name": "share of planted codes that are found"}),
            "power_low": ("size", [one.low for one in bounds], SHARE | {"long_name": "lower 95 % limit"}),
            "power_high": ("size", [one.high for one in bounds], SHARE | {"long_name": "upper 95 % limit"}),
            "accuracy": ("size", accuracy.mean(axis=1), SHARE | {"long_name": "mean share of right labels"}),
            "threshold": ((), threshold, SHARE | {"long_name": "accuracy above which a code counts as found"}),
        },
        {"size": ("size", size, SHARE | {"long_name": "size of the planted code"})},
    )


def _planted(code: Any, shape: tuple[int, int], power: int) -> Array:
    """A code in the scale of the responses."""
    found = checks.array("code", code, ndim=2)
    if found.shape != shape:
        raise ValueError(
            f"code has shape {found.shape}; pass one row for each label and one entry for each feature, {shape}."
        )
    scaled = np.ldexp(found, -power)
    if np.abs(scaled).max() > 1e100:
        raise ValueError(
            f"code holds {np.abs(found).max():g}, beyond all responses; pass the mean response to each label."
        )
    return scaled


def _with_code(trials: held_out.Trials, size: Array, code: Array | None, repeats: int, rng: Any) -> Array:
    """Accuracies (sizes, repeats) with exchanged labels and a code of each size."""
    found, shape = np.empty((size.size, repeats)), (len(trials.names), trials.X.shape[1])
    spread = trials.X.std(axis=0)
    for i, one in enumerate(size):
        for j in range(repeats):
            other = held_out.shuffled(trials, rng)
            pattern = rng.normal(size=shape) * spread if code is None else code
            found[i, j] = held_out.accuracy_of(other._replace(X=trials.X + one * pattern[other.codes]))
    return found
