"""Results that are not finite though all arguments were: one warning that names them, for every door to exact rules."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from synfwp import checks
from synfwp.fastweights.problem import Call, Outputs

Array = np.ndarray


def silent() -> np.errstate:
    """A context in which NumPy does not warn of what `warn` will name."""
    return np.errstate(over="ignore", invalid="ignore")


def warn(call: Call, results: Mapping[str, Any]) -> None:
    """A RuntimeWarning if any of the results (None: not there) holds inf or nan, with the largest arguments.

    Sums of squares find it in a third of the time that a test of every entry takes; where a sum alone overflows, every
    entry is tested.
    """
    broken = [name for name, x in results.items() if x is not None and not _finite(x)]
    if not broken:
        return
    p, r = call.pair or (None, None)
    given = {"q": call.q, "k": call.k, "v": call.v, "beta": call.beta, "p": p, "r": r, "W0": call.W0}
    sizes = {name: float(np.abs(x).max(initial=0)) for name, x in given.items() if x is not None}
    largest = ", ".join(f"{name} {size:.3g}" for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:3])
    dtype = call.q.dtype
    wider = "" if dtype == np.float64 else ", or pass float64"
    checks.warn(
        f"rule {call.rule.name!r} overflows {dtype}: {', '.join(broken)} hold inf or nan though every argument is "
        f"finite (largest: {largest}); make them smaller, or W by a decay{wider}."
    )


def checked(call: Call, found: Outputs) -> Outputs:
    """The outputs, after a warning if they are not finite; of aux the number of keys may be infinite."""
    if found.sizes is not None and np.isfinite(found.sizes.found).all():
        return found
    aux = found.aux if found.aux is None or not call.rule.centred else found.aux[:, :-1]
    warn(call, {"y": found.y, "W": found.W, "aux": aux})
    return found


def _finite(x: Array) -> bool:
    """Whether all entries are finite."""
    flat = x.ravel()
    return math.isfinite(np.vdot(flat, flat)) or bool(np.isfinite(flat).all())
