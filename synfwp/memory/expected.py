"""Which closed form belongs to a curve: by its rule, its keys and its decoder; NaN where none is known."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from synfwp import theory
from synfwp.memory.decoders import Decoder
from synfwp.memory.episodes import Items
from synfwp.memory.pairwise import Kernel, Ridge
from synfwp.memory.systems import Own, Store, System

Array = np.ndarray
NONE = (np.nan, "")
OVERLAPS: Mapping[str, float] = MappingProxyType({"normal": 0.0, "binary": 0.0, "relu": theory.RELU_OVERLAP})
CENTRED = ("normal", "binary", "unit")  # values of mean zero


class Point(NamedTuple):
    """Where a curve is compared: pairs, the sets that they come from, and what was chosen."""

    pairs: int
    items: Items
    knobs: Mapping[str, float]

    @property
    def d(self) -> int:
        """Features of keys."""
        return self.items.d_key

    @property
    def overlap(self) -> float | None:
        """Squared mean of a key feature over its mean square."""
        return OVERLAPS.get(self.items.keys.name)


def expected(system: Store, cell: Any, pairs: int, items: Items, decoder: Decoder) -> tuple[float, str]:
    """The score that theory expects of a system, and the kind of the formula.

    Parameters
    ----------
    system : Store
    cell : Measured
    pairs : int
    items : Items
    decoder : Decoder

    Returns
    -------
    tuple of float and str
    """
    family, centred = _family(system, cell.knobs), items.values.name in CENTRED or decoder.familiarity
    form = SCORES.get((family, decoder.name))
    if form is None or not centred or pairs < 2:
        return NONE
    return form(system, Point(pairs, items, cell.knobs))


def _family(system: Store, knobs: Mapping[str, float]) -> str:
    """Systems of one formula."""
    if isinstance(system, Own):
        return {Kernel: "kernel", Ridge: "least squares"}.get(type(system.function), "")
    if not isinstance(system, System) or not system.exact or system.feature != "identity" or knobs.get("decay", 1) < 1:
        return ""
    row = system.row
    if row.solver == "mesa":
        return "least squares"
    if row.solver != "linear" or row.erase is not None or row.normalised or row.centred or row.error == "key":
        return ""
    return "hebb"


def _formula(name: str, value: float) -> tuple[float, str]:
    """A value and the kind of its formula."""
    return float(value), theory.FORMULAS[name].kind


def _hebb_cosine(system: Store, at: Point) -> tuple[float, str]:
    if at.overlap is not None:
        return _formula("hebb_cosine", theory.hebb_cosine(at.pairs, at.d, at.overlap))
    if at.items.keys.rows is None:
        return NONE
    law = theory.kernel_snr(at.pairs, theory.key_interference(at.items.keys.rows))
    return _formula("snr_cosine", theory.snr_cosine(law))


def _hebb_sign(system: Store, at: Point) -> tuple[float, str]:
    if at.overlap is None:
        return NONE
    return _formula("hebb_sign_error", 1 - theory.hebb_sign_error(at.pairs, at.d, at.overlap))


def _hebb_argmax(system: Store, at: Point) -> tuple[float, str]:
    if at.items.keys.name not in ("normal", "binary") or min(at.d, at.items.d_value) < 16:
        return NONE
    if not at.items.candidates:
        return _formula("stored_accuracy", theory.stored_accuracy(max(at.pairs, 3), at.d, at.items.d_value))
    if at.items.candidates < 2 * at.pairs:  # most candidates were stored
        return NONE
    found = theory.argmax_accuracy(at.pairs, at.d, at.items.d_value, at.items.candidates)
    return _formula("argmax_accuracy", found)


def _least_cosine(system: Store, at: Point) -> tuple[float, str]:
    rows = at.items.keys.rows
    d = at.d if rows is None else int(np.linalg.matrix_rank(rows))
    return _formula("least_squares_cosine", theory.least_squares_cosine(at.pairs, d))


def _least_sign(system: Store, at: Point) -> tuple[float, str]:
    if at.overlap != 0:
        return NONE
    return _formula("least_squares_sign_error", 1 - theory.least_squares_sign_error(at.pairs, at.d))


def _kernel_cosine(system: Any, at: Point) -> tuple[float, str]:
    kernel = system.function
    if at.items.keys.name != "normal":
        return NONE
    if kernel.kind == "power":
        interference = theory.power_interference(at.d, int(kernel.parameter))
    else:
        interference = theory.exponential_interference(at.d, kernel.parameter)
    law = theory.kernel_snr(at.pairs, interference)
    return _formula("snr_cosine", theory.snr_cosine(law))


SCORES: Mapping[tuple[str, str], Callable[[Any, Point], tuple[float, str]]] = MappingProxyType(
    {
        ("hebb", "cosine"): _hebb_cosine,
        ("hebb", "sign"): _hebb_sign,
        ("hebb", "argmax"): _hebb_argmax,
        ("least squares", "cosine"): _least_cosine,
        ("least squares", "sign"): _least_sign,
        ("kernel", "cosine"): _kernel_cosine,
    }
)


def tracked(system: Store, cell: Any, step: float, at: Any) -> tuple[float, str]:
    """Less the error of tracking that theory expects, and the kind of the formula."""
    return NONE


def remembered(system: Store, knobs: Any, ages: Any, items: Items, writes: int) -> tuple[Array, Array]:
    """Signal and variance of the noise at ages that theory expects; NaN where none is known."""
    return np.full(len(ages), np.nan), np.full(len(ages), np.nan)
