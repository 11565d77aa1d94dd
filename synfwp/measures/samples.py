"""What measures of responses share: tables of trials, labels of these, spikes of neurons, folds, and exact scaling."""

from typing import Any

import numpy as np

from synfwp import checks, seeds

Array = np.ndarray


def table(what: str, X: Any, ndim: int = 2, least: int = 2) -> Array:
    """Finite numbers with trials along the first of ``ndim`` axes, divided by a power of two so that squares are kept.

    What is measured of them does not depend on their size.

    Raises
    ------
    TypeError, ValueError
        For another number of axes, fewer than ``least`` rows, an empty axis, or what is no finite number.

    Examples
    --------
    >>> table("X", [[2.0, 0.0], [4.0, 1.0]]).tolist()
    [[2.0, 0.0], [4.0, 1.0]]
    >>> float(table("X", [[1e300], [0.0]]).max()) < 1
    True
    """
    found = checks.array(what, X, ndim=ndim)
    if found.shape[0] < least or 0 in found.shape:
        raise ValueError(f"{what} has shape {found.shape}; pass at least {least} rows, and no empty axis.")
    return ordinary(found)[0]


def ordinary(x: Array) -> tuple[Array, int]:
    """An array times ``2^-n`` and n, which is 0 unless squares of its largest entry would be lost.

    Examples
    --------
    >>> ordinary(np.array([3.0]))[1], ordinary(np.array([2.0**500]))[1]
    (0, 501)
    """
    largest = float(np.abs(x).max(initial=0.0))
    if largest == 0 or 2.0**-300 < largest < 2.0**300:
        return x, 0
    power = int(np.frexp(largest)[1])
    return np.ldexp(x, -power), power


def coded(what: str, labels: Any, n: int) -> tuple[Array, Array]:
    """The different labels in order, and the index (n,) of each trial's among them; numbers or text.

    Raises
    ------
    TypeError, ValueError
        For another number of labels, what is neither a number nor text, or NaN.

    Examples
    --------
    >>> [x.tolist() for x in coded("labels", ["b", "a", "b"], 3)]
    [['a', 'b'], [1, 0, 1]]
    """
    checks.bare(what, labels)
    try:
        found = np.asarray(labels)
    except ValueError:
        raise ValueError(f"{what} is a ragged list; pass one label for each trial.") from None
    if found.dtype.kind not in "fiubU":
        raise TypeError(f"{what} is {checks.short(labels)}; pass one number or text for each trial.")
    if found.shape != (n,):
        raise ValueError(f"{what} has shape {found.shape} for {n} trials; pass one label for each.")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise ValueError(f"{what} holds NaN or infinity; leave such trials out.")
    names, codes = np.unique(found, return_inverse=True)
    return names, codes


def folded(codes: Array, folds: int, groups: Any, rng: np.random.Generator) -> Array:
    """The fold (n,) of each trial: classes in equal shares, or groups of trials that stay together.

    Raises
    ------
    TypeError, ValueError
        For fewer than two folds, or more than there are trials (or groups), or a class that one fold holds alone.

    Examples
    --------
    >>> fold = folded(np.repeat([0, 1], 4), 2, None, np.random.default_rng(0))
    >>> np.bincount(fold).tolist(), np.bincount(fold[:4]).tolist()
    ([4, 4], [2, 2])
    """
    n = len(codes)
    checks.count("folds", folds, 2)
    if groups is None:
        order = np.lexsort((rng.permutation(n), codes))
        fold, most, what = np.empty(n, int), n, "trials"
        fold[order] = np.arange(n) % folds
    else:
        names, member = coded("groups", groups, n)
        most, what = len(names), "groups"
        fold = (rng.permutation(most) % folds)[member]
    if folds > most:
        raise ValueError(f"folds is {folds} for {most} {what}; pass at most that many.")
    held = np.zeros((codes.max() + 1, folds), bool)
    held[codes, fold] = True
    if (held.sum(axis=1) < 2).any():
        raise ValueError(
            f"labels hold class {int(np.argmin(held.sum(axis=1)))} of {len(held)} (in order) in one fold alone, so "
            "that no other can learn it; pass at least two trials of each class, in different groups, or leave it out."
        )
    return fold


def spikes(time: Any, unit: Any, n: int) -> tuple[Array, Array]:
    """Spikes in order of time, and the neuron (0 to n - 1) of each.

    Raises
    ------
    TypeError, ValueError
        For arrays of different lengths, or a neuron beyond ``n``.

    Examples
    --------
    >>> [x.tolist() for x in spikes([0.2, 0.1], [0, 1], 2)]
    [[0.1, 0.2], [1, 0]]
    """
    time, unit = checks.array("time", time, ndim=1), checks.array("unit", unit, ndim=1)
    checks.count("n", n)
    if len(time) != len(unit):
        raise ValueError(f"time has {len(time)} entries and unit {len(unit)}; pass the neuron of each spike.")
    if len(unit) and (unit.min() < 0 or unit.max() >= n or (unit != np.round(unit)).any()):
        raise ValueError(f"unit runs from {unit.min():g} to {unit.max():g}; pass neurons from 0 to n - 1 = {n - 1}.")
    order = np.argsort(time, kind="stable")
    return time[order], unit[order].astype(int)


def rising(what: str, edges: Any) -> Array:
    """Edges of bins, at least two, which increase.

    Examples
    --------
    >>> rising("edges", [0.0, 1.0]).tolist()
    [0.0, 1.0]
    """
    found = checks.array(what, edges, ndim=1)
    if len(found) < 2 or not (found[1:] > found[:-1]).all():
        raise ValueError(f"{what} start with {found[:3].tolist()}; pass at least two, which increase.")
    return found


def chance_of(found: float, null: Array) -> float:
    """Share of a null distribution that is at least as large, what was found counted once: a valid p value.

    Examples
    --------
    >>> chance_of(3.0, np.array([1.0, 2.0, 3.0]))
    0.5
    """
    slack = 1e-12 * abs(found)  # equal but for rounding counts as equal
    return float((1 + (null >= found - slack).sum()) / (1 + null.size))


def parts(seed: seeds.Seed, *names: str) -> list[np.random.Generator]:
    """One generator for each named part.

    Examples
    --------
    >>> len(parts(0, "folds", "shuffles"))
    2
    """
    return [seeds.generator(seed, name) for name in names]
