"""From recorded weights: what came, checked, and the regression with its verdict, labelled."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from synfwp import checks, results
from synfwp.inference import candidates, regression
from synfwp.inference.how import FromWeights
from synfwp.inference.regression import Array

if TYPE_CHECKING:
    import xarray as xr

LARGEST = 1e30  # products of three and their squares stay finite


def _activity(what: str, value: Any) -> Array:
    """``(session, trial, event, d)`` of anything with fewer axes."""
    x = checks.array(what, value, -LARGEST, LARGEST)
    if x.ndim not in (2, 3, 4) or 0 in x.shape:
        raise ValueError(
            f"{what} has shape {x.shape}; pass (trial, d), (session, trial, d) or (session, trial, event, d)."
        )
    x = x[None] if x.ndim == 2 else x
    return np.ascontiguousarray(x[:, :, None] if x.ndim == 3 else x)


def recorded(pre: Any, post: Any, W: Any, W_split: Any, trace: Any) -> regression.Recording:
    """Arrays of one recording, checked."""
    if W is None:
        raise ValueError("W is None; pass weights (trial + 1, d_post, d_pre), or how=FromActivity().")
    k, v = _activity("pre", pre), _activity("post", post)
    if k.shape[:3] != v.shape[:3]:
        raise ValueError(f"pre has shape {np.shape(pre)} and post {np.shape(post)}; only their last axes may differ.")
    sessions, trials = k.shape[:2]
    wanted = (sessions, trials + 1, v.shape[-1], k.shape[-1])

    def weights(what: str, value: Any) -> Array:
        x = checks.array(what, value, -LARGEST, LARGEST)
        x = x[None] if x.ndim == 3 else x
        if x.shape != wanted:
            raise ValueError(
                f"{what} has shape {np.shape(value)} beside {sessions} x {trials} trials; pass {wanted}: weights "
                "before each trial and after the last one."
            )
        return x

    if sessions * (trials - 1) * wanted[2] * wanted[3] < 100 or wanted[2] * wanted[3] * sessions < 10:
        raise ValueError(
            f"W has {wanted[2] * wanted[3]} synapses in {sessions} sessions of {trials} trials; standard errors need "
            "at least 10 synapses (of all sessions together) and 100 changes after each session's first one."
        )
    mean = regression.running_mean(k) if trace is None else _activity("trace", trace)
    if mean.shape != k.shape:
        raise ValueError(f"trace has shape {np.shape(trace)}; pass that of pre, {np.shape(pre)}.")
    return regression.Recording(weights("W", W), k, v, mean, None if W_split is None else weights("W_split", W_split))


class Judged(NamedTuple):
    """What the regression of one recording gives."""

    verdict: str
    reason: str
    fit: regression.Fit  # of all terms
    five: regression.Fit  # of the five alone
    candidates: Sequence[candidates.Candidate]
    explained: float
    instrument: str


def judge(recording: regression.Recording, how: FromWeights) -> Judged:
    """Regression and verdict."""
    instrument = how.instrument or ("lag" if recording.split is None else "split")
    if instrument == "split" and recording.split is None:
        raise ValueError("instrument is 'split', but W_split is None; pass a second measurement, or instrument='lag'.")
    data = regression.design(recording, instrument)
    n = len(regression.TERMS)
    fit, five = regression.two_stages(data, data.X.shape[1]), regression.two_stages(data, n)
    found = candidates.compared(fit, recording)
    name, reason = candidates.verdict(found, fit, how.level, how.smallest)
    return Judged(name, reason, fit, five, found, regression.held_out(data, n), instrument)


def from_weights(recording: regression.Recording, how: FromWeights) -> "xr.Dataset":
    """Regression and verdict, labelled."""
    name, reason, fit, five, found, explained, instrument = judge(recording, how)
    value = dict(zip(regression.TERMS, five.coefficient, strict=True))
    variables = {
        "coefficient": ("term", five.coefficient, _text("coefficient, per trial")),
        "sem": ("term", five.sem, _text("standard error of the coefficient")),
        "vif": ("term", five.vif, _text("variance inflation factor")),
        "retain": ((), 1 + value["W"], _text("share of a weight that a trial leaves")),
        "erase": ((), -value["(W k) k"], _text("erasure per trial")),
        "write": ((), value["v k"], _text("write per trial")),
        "condition_number": ((), fit.condition, _text("condition number of all terms")),
        "r2_held_out": ((), explained, _text("share explained in trials left out")),
        "p": ("rule", np.array([one.p for one in found]), _text("p value of a rule")),
        "amount": ("rule", np.array([one.amount for one in found]), _text("amount that fits, per trial")),
    }
    coords = {
        "term": ("term", list(regression.TERMS), {"long_name": "term of the change"}),
        "rule": ("rule", [one.name for one in found], {"long_name": "rule"}),
    }
    attrs: dict[str, Any] = {"verdict": name, "reason": reason, "instrument": instrument}
    return results.dataset(variables, coords, **results.provenance({"how": how}, seed=0), **attrs)


def _text(long_name: str) -> dict[str, str]:
    """Attributes of a number without units."""
    return {"long_name": long_name, "units": "1"}
