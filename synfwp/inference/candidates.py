"""Rules as cones of coefficients, what an estimate leaves of them, and the verdict."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from synfwp.inference.regression import COLLINEAR, NAMES, Array, Fit, Recording

RULES: tuple[str, ...] = ("Hebb", "anti-Hebb", "Oja", "covariance", "delta", "decay")
UNKNOWN = "cannot tell"
VERDICTS: tuple[str, ...] = (*RULES, "none", UNKNOWN)
BAND = (0.5, 2.0)  # of the second part of a rule, in units of the first
VANISHES = 0.1  # share of a rule that is too small to be looked for
MOST_HIDDEN = 3.0  # contribution along directions that a design does not show, in units of what it shows
SURE = 2.0  # standard errors


class Candidate(NamedTuple):
    """How far a rule is from the estimate."""

    name: str
    p: float
    amount: float  # of its first part, per trial
    bound: float  # the largest amount that is not excluded


def cones(recording: Recording) -> dict[str, Array]:
    """Generators (term, m) of the rules that a verdict may name, then of others that look like them.

    Sizes of the others are such that they could be taken for a rule: a decay as large as Oja's or a mean erasure, a
    depression by pre- or postsynaptic activity as large as that of covariance.
    """
    k, v = recording.k, recording.v
    square, erasure = float(np.mean(v * v)) * k.shape[2], float(np.square(k).sum(axis=(2, 3)).mean()) / k.shape[3]
    threshold = float(np.mean(v * v) / max(np.mean(np.abs(v)), 1e-300))
    pre, post = float(np.mean(k)), float(np.mean(v))
    found = {
        "Hebb": _cone({"v k": 1}),
        "anti-Hebb": _cone({"v k": -1}),
        "Oja": _cone(*({"v k": 1, "v v W": -one} for one in BAND)),
        "covariance": _cone(*({"v k": 1, "v <k>": -one} for one in BAND)),
        "delta": _cone(*({"v k": 1, "(W k) k": -one} for one in BAND)),
        "decay": _cone({"W": -1}),
        "Hebb and decay": _cone(*({"v k": 1, "W": -one * square} for one in BAND)),
        "erasure alone": _cone({"(W k) k": -1}),
        "Hebb of what is recalled": _cone({"(W k) k": 1}),
        "heterosynaptic depression": _cone(*({"v k": 1, "v": -one * pre} for one in BAND)),
        "presynaptic depression": _cone(*({"v k": 1, "k": -one * post} for one in BAND)),
        "BCM": _cone(*({"v v k": 1, "v k": -one * threshold} for one in BAND)),
    }
    if k.shape[2] > 1:  # summed over the keys of a block, an erasure can be a decay
        found["Hebb and decay as of an erasure"] = _cone(*({"v k": 1, "W": -one * erasure} for one in BAND))
    return found


def _cone(*rays: Mapping[str, float]) -> Array:
    """Columns of coefficients."""
    found = np.zeros((len(NAMES), len(rays)))
    for i, ray in enumerate(rays):
        for name, value in ray.items():
            found[NAMES[name], i] = value
    return found


def compared(fit: Fit, recording: Recording) -> list[Candidate]:
    """ "none" and every cone beside the estimate: its p value, the amount that fits and the largest not excluded."""
    from scipy.optimize import nnls
    from scipy.stats import f

    white = np.linalg.inv(np.linalg.cholesky(fit.covariance))
    target = white @ fit.along
    # what the design does not show may be there, but not so much larger than what it shows that small errors matter
    hidden = np.eye(len(fit.shown)) - fit.shown @ fit.shown.T
    hidden /= MOST_HIDDEN * max(float(np.linalg.norm(fit.along)), 1e-300)
    r, left = len(target), max(1, fit.groups - len(target))

    def p_value(distance: float, free: int) -> float:
        return float(f.sf(distance / free, free, left)) if free > 0 else 1.0

    found = [Candidate("none", p_value(float(target @ target), r), 0.0, 0.0)]
    for name, rays in cones(recording).items():
        scaled = fit.scale[:, None] * rays
        inside = fit.shown.T @ scaled
        if name not in RULES and not _stands_out(scaled):
            continue
        amounts, distance = nnls(np.vstack([white @ inside, hidden @ scaled]), np.append(target, np.zeros(len(hidden))))
        used = int((amounts > 0).sum())
        bound = max((_bound(white @ ray, target) for ray in inside.T), default=np.inf)
        found.append(Candidate(name, p_value(distance**2, r - used), float(amounts.sum()), bound))
    return found


def _stands_out(scaled: Array) -> bool:
    """Whether both parts of a rule are large enough to tell it from one of them alone; a rule of one ray has one."""
    parts = np.sort(np.abs(scaled).max(axis=1))
    return scaled.shape[1] == 1 or bool(parts[-2] > VANISHES * parts[-1])


def _bound(ray: Array, target: Array) -> float:
    """The largest amount of one ray that is not excluded."""
    size = float(ray @ ray)
    return max(0.0, float(ray @ target) / size) + SURE / np.sqrt(size) if size > 0 else np.inf


def verdict(found: Sequence[Candidate], fit: Fit, level: float, smallest: float) -> tuple[str, str]:
    """One of `VERDICTS`, and why."""
    none, others = found[0], found[1:]
    if none.p > level:
        large = [one for one in others if one.name in RULES and not (one.bound < smallest)]
        if not large:
            return "none", f"no change is seen, and every rule is below {smallest:g} per trial"
        worst = max(large, key=lambda one: one.bound)
        size = "any size" if not np.isfinite(worst.bound) else f"{worst.bound:.2g}"
        return UNKNOWN, (
            f"no change is seen, but {worst.name} of up to {size} per trial is not excluded (smallest of interest "
            f"{smallest:g}); more trials, or less noise"
        )
    left = [one.name for one in others if one.p > level]
    if len(left) == 1 and left[0] in RULES:
        return left[0], "the only rule that the changes do not exclude"
    if not left:
        return UNKNOWN, "the changes follow none of the rules, alone and with a constant rate"
    if len(left) == 1:
        return UNKNOWN, f"the changes are those of {left[0]}, which is none of the rules asked for"
    return UNKNOWN, f"the changes exclude neither of {', '.join(left)}; {_why(fit)}"


def _why(fit: Fit) -> str:
    """The terms that the design cannot separate, or the lack of data."""
    joined = [name for name, i in NAMES.items() if not fit.vif[i] < COLLINEAR**2]
    if len(fit.along) < len(NAMES) and joined:
        return f"condition number {fit.condition:.3g}, and these terms are not separate: {', '.join(joined)}"
    if len(fit.along) < len(NAMES):
        return f"condition number {fit.condition:.3g}: the design does not show all terms apart"
    return f"all terms are separate (condition number {fit.condition:.3g}), so more trials, or less noise, would tell"
