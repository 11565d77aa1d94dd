"""Errors on conditions that were left out of a fit, and which of them the others do not predict.

Without one condition a fit may leave parameters, and with them the prediction of that condition, open: many values are
equally good. So each fit is repeated with the condition put back as one far datum of faint weight, on either side of
its prediction, and at its own place. A prediction that is determined hardly moves; one that moves by more than a
standard error of its datum is open, and its nearest and farthest residuals stand for it. They do not depend on where a
search began.
"""

from typing import Any, NamedTuple

import numpy as np

from synfwp.inference.engine import Estimate, Problem, minimise, refitted

FAINT = 100.0  # standard errors of the datum that is put back, and its distance, in its own standard errors
MOVES = 1.0  # standard error by which a prediction moves at most if it is determined


class LeftOut(NamedTuple):
    """Standardised residuals of each condition under the fit to all others.

    Parameters
    ----------
    nearest : (points,) array
        ``(data - model) / sem``, of an open prediction the one nearest to 0; NaN at points that are not used, and where
        nothing else is left to fit.
    farthest : (points,) array
        The same where the prediction is determined, the farthest from 0 where it is open.
    undetermined : tuple
        Labels of conditions with an open prediction (the number of the point where there are no labels).
    """

    nearest: np.ndarray
    farthest: np.ndarray
    undetermined: tuple[Any, ...]


def left_out(estimate: Estimate, *, starts: int = 3, seed: Any = 0) -> LeftOut:
    """Residuals of each condition under the fit to all others.

    Parameters
    ----------
    estimate : Estimate
    starts : int
        Random starts of each fit, beside the best values of all conditions.
    seed : int

    Returns
    -------
    LeftOut

    Examples
    --------
    A slope predicts a third point; alone it does not tell an offset, which the first point has for itself:

    >>> from synfwp.inference.engine import Parameter
    >>> x, own = np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, 0.0, 0.0, 0.0])
    >>> model = lambda p: p["slope"] * x + p["offset"] * own
    >>> free = Parameter("slope", -np.inf, np.inf), Parameter("offset", 0.0, 9.0)
    >>> data = model({"slope": 2.0, "offset": 1.0}) + [0.0, 0.5, 0.0, 0.0]
    >>> found = left_out(minimise(Problem(model, data, free, sem=np.ones(4), linear=("slope", "offset"))))
    >>> found.undetermined, found.nearest[1:].round(1).tolist(), found.farthest.round(1).tolist()
    ((0,), [0.5, -0.1, -0.3], [-8.0, 0.5, -0.1, -0.3])
    """
    problem = estimate.problem
    used = problem.weights > 0
    labels = np.arange(used.size) if problem.condition is None else np.asarray(problem.condition)
    nearest, farthest = np.full((2, used.size), np.nan)
    sem = np.ones(used.size) if problem.sem is None else problem.sem
    open_ones = []
    for label in dict.fromkeys(labels[used].tolist()):
        out = used & (labels == label)
        if out.sum() == used.sum():
            continue
        fit = minimise(refitted(problem, used=used & ~out), starts=starts, seed=seed, near=[estimate.values], tol=1e-7)
        ends = [((problem.data - one.model) / sem)[out] for one in (fit, *_pulled(estimate, fit, out))]
        unit = 1.0 if problem.sem is not None else _unit(estimate)
        moved = unit * max(float(np.abs(one - ends[0]).max()) for one in ends)
        ranked = sorted(ends, key=lambda one: float(one @ one)) if moved > MOVES else ends[:1]
        nearest[out], farthest[out] = ranked[0], ranked[-1]
        if moved > MOVES:
            open_ones.append(label)
    return LeftOut(nearest, farthest, tuple(open_ones))


def _unit(estimate: Estimate) -> float:
    """One over the spread of data without standard errors; 0 where it is not known."""
    return float(1 / np.sqrt(estimate.variance)) if 0 < estimate.variance < np.inf else 0.0


def _pulled(estimate: Estimate, fit: Estimate, out: np.ndarray) -> list[Estimate]:
    """Fits with a faint datum at its place, far above and far below what was predicted."""
    problem = estimate.problem
    spread = problem.sem
    if spread is None:
        if not _unit(estimate):
            return []
        spread = np.full(out.size, 1 / _unit(estimate))
    found = []
    for target in (problem.data, fit.model + FAINT * spread, fit.model - FAINT * spread):
        again: Problem = refitted(
            problem, data=np.where(out, target, problem.data), sem=np.where(out, FAINT * spread, spread)
        )
        found.append(minimise(again, starts=0, near=[fit.values, estimate.values], tol=1e-10))
    return found
