"""Which closed form belongs to a curve: by its rule, its keys and its decoder."""

from typing import Any

import numpy as np

from synfwp.memory.decoders import Decoder
from synfwp.memory.episodes import Items
from synfwp.memory.systems import Store

NONE = (np.nan, "")


def expected(system: Store, cell: Any, load: int, items: Items, decoder: Decoder) -> tuple[float, str]:
    """The score that theory expects of a system, and the kind of the formula; NaN where none is known."""
    return NONE


def tracked(system: Store, cell: Any, step: float, at: Any) -> tuple[float, str]:
    """Less the error of tracking that theory expects, and the kind of the formula."""
    return NONE


def remembered(system: Store, knobs: Any, ages: Any, items: Items, writes: int) -> tuple[Any, Any]:
    """Signal and variance of the noise at ages that theory expects; NaN where none is known."""
    return np.full(len(ages), np.nan), np.full(len(ages), np.nan)
