"""Fits to the same data side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from synfwp import checks
from synfwp.inference.fits import Fit


def compare(fits: Mapping[str, Fit] | Sequence[Fit]) -> pd.DataFrame:
    """Fits to the same data side by side.

    Parameters
    ----------
    fits : dict of str to Fit, or sequence of Fit

    Returns
    -------
    pandas.DataFrame
        One line for each: ``free`` parameters, ``constrained`` ones, ``error`` (E), ``left_out`` (E of conditions under
        the fit to all others), ``aicc`` and ``delta_aicc``, the difference from the lowest.

    Raises
    ------
    ValueError, TypeError
        For no fits, objects of another kind, or fits to different data.

    Examples
    --------
    >>> from synfwp.inference import fit
    >>> from synfwp.plasticity import PairSTDP, TripletSTDP
    >>> name, times = "sjostrom2001_frequency_timing", {"tau_plus": 16.8, "tau_minus": 33.7}
    >>> minimal = times | {"A2_plus": 0.0, "A3_minus": 0.0, "tau_x": 101.0}
    >>> both = compare({"pair": fit(PairSTDP, name), "minimal": fit(TripletSTDP, name, fixed=minimal)})
    >>> both[["free", "error", "left_out"]].round(2).values.tolist()
    [[4.0, 2.29, 14.45], [3.0, 0.32, 0.44]]
    """
    by_name = dict(fits) if isinstance(fits, Mapping) else {f"{one.name} {i}": one for i, one in enumerate(_fits(fits))}
    if not by_name:
        raise ValueError("fits is empty; pass at least one Fit.")
    first = next(iter(_fits(list(by_name.values())))).estimate.problem
    rows = {}
    for name, one in by_name.items():
        p = one.estimate.problem
        same = p.data.shape == first.data.shape and (p.data == first.data).all() and (p.weights == first.weights).all()
        if not same or (p.cells is None) != (first.cells is None):
            raise ValueError(f"fit {name!r} is to other data than the first; compare fits to the same points.")
        rows[name] = {
            "free": len(p.free),
            "constrained": sum(x.constrained for x in one.intervals.values()),
            "error": one.error,
            "left_out": one.left_out,
            "aicc": one.aicc,
        }
    made = pd.DataFrame.from_dict(rows, orient="index")
    lowest = made.aicc.min()
    made["delta_aicc"] = made.aicc - lowest if np.isfinite(lowest) else np.nan
    return made


def _fits(fits: Any) -> Sequence[Fit]:
    """A sequence of fits, or an error."""
    if isinstance(fits, Fit) or not isinstance(fits, Sequence) or not all(isinstance(one, Fit) for one in fits):
        raise TypeError(f"fits is {checks.short(fits)}; pass a list of results of fit, or a dict of them by name.")
    return fits
