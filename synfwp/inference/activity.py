"""From activity: what came, checked, and the Taylor rule with its name, labelled."""

from typing import TYPE_CHECKING, Any

import numpy as np

from synfwp import checks, results
from synfwp.inference import taylor
from synfwp.inference.how import FromActivity

if TYPE_CHECKING:
    import xarray as xr

LARGEST = 1e30  # products of powers and their squares stay finite


def layered(pre: Any, post: Any, reward: Any, W0: Any, how: FromActivity) -> taylor.Layer:
    """Arrays of the activity of one layer, checked."""
    x, y = (checks.array(*one, -LARGEST, LARGEST) for one in (("pre", pre), ("post", post)))
    for what, one in (("pre", x), ("post", y)):
        if one.ndim != 3 or 0 in one.shape:
            raise ValueError(f"{what} has shape {one.shape}; pass (session, step, neuron), as sessions are left out.")
    if x.shape[:2] != y.shape[:2]:
        raise ValueError(f"pre has shape {x.shape} and post {y.shape}; sessions and steps are the same.")
    if len(x) <= how.left_out:
        raise ValueError(
            f"pre has {len(x)} sessions and left_out is {how.left_out}; pass more sessions, or leave out fewer."
        )
    r = np.ones(x.shape[:2]) if reward is None else checks.array("reward", reward, -LARGEST, LARGEST)
    if r.shape != x.shape[:2]:
        raise ValueError(f"reward has shape {r.shape}; pass (session, step), {x.shape[:2]}.")
    start = np.zeros((y.shape[2], x.shape[2])) if W0 is None else checks.array("W0", W0, -LARGEST, LARGEST)
    wanted = (len(x), y.shape[2], x.shape[2])
    if start.shape not in (wanted, wanted[1:]):
        raise ValueError(f"W0 has shape {start.shape}; pass {wanted} or {wanted[1:]}.")
    start = np.array(np.broadcast_to(start, wanted), float, order="C")
    powers = taylor.powers(how.order, reward is not None)
    x, y, r = (np.ascontiguousarray(one, float) for one in (x, y, r))
    return taylor.Layer(taylor.PHI[how.phi], x, y, r, start, powers)


def from_activity(layer: taylor.Layer, how: FromActivity) -> "xr.Dataset":
    """Taylor rule, its name and labels."""
    fit = taylor.infer(layer, how.left_out)
    terms = [taylor.name(one) for one in layer.powers]
    name, reason = taylor.verdict({t: c for t, c in zip(terms, fit.coefficient, strict=True) if c})
    noise = max(fit.inside, 1e-300)
    likelihood = [-0.5 * np.log(2 * np.pi * noise) - error / (2 * noise) for error in (fit.outside, fit.still)]
    variables = {
        "coefficient": ("term", fit.coefficient, _text("coefficient, per step")),
        "sem": ("term", fit.sem, _text("standard error of the coefficient")),
        "log_likelihood": (
            (),
            likelihood[0],
            _text("log likelihood per number"),
        ),
        "log_likelihood_still": (
            (),
            likelihood[1],
            _text("the same without plasticity"),
        ),
        "r2_held_out": ((), 1 - fit.outside / max(fit.still, 1e-300), _text("share of the error without plasticity")),
        "coefficient_path": (("penalty", "term"), fit.path, _text("coefficient, per step")),
        "error_path": ("penalty", fit.errors, _text("mean squared error of sessions left out")),
    }
    coords = {
        "term": ("term", terms, {"long_name": "term of the Taylor rule"}),
        "penalty": ("penalty", fit.penalties, _text("L1 penalty")),
    }
    attrs: dict[str, Any] = {"verdict": name, "reason": reason, "penalty_chosen": fit.penalty}
    return results.dataset(variables, coords, **results.provenance({"how": how}, seed=0), **attrs)


def _text(long_name: str) -> dict[str, str]:
    """Attributes of a number without units."""
    return {"long_name": long_name, "units": "1"}
