"""Which closed form belongs to a curve: by its rule, its keys and its decoder; NaN where none is known."""

from collections.abc import Callable, Mapping
from statistics import NormalDist
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from synfwp import theory
from synfwp.memory.decoders import Decoder
from synfwp.memory.episodes import Items
from synfwp.memory.kalman import Kalman
from synfwp.memory.pairwise import Kernel, Ridge
from synfwp.memory.synapses import BennaFusi, MultiDecay
from synfwp.memory.systems import Own, Store, System
from synfwp.rules import Rule

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
    return {"beta": "hebb", "-beta": "anti-hebb"}.get(str(row.write), "") if _adds(row) else ""


def _adds(row: Rule) -> bool:
    """Whether a rule does nothing but fade and add ``v k^T``."""
    special = row.normalised or row.centred or row.error == "key"
    return row.solver == "linear" and row.erase is None and not special


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


def _familiar(system: Store, at: Point) -> tuple[float, str]:
    """Each class is ``d / sqrt(8 P)`` SDs from the threshold between them."""
    if at.overlap != 0:
        return NONE
    return _formula("familiarity_capacity", NormalDist().cdf(at.d / np.sqrt(8 * at.pairs)))


SCORES: Mapping[tuple[str, str], Callable[[Any, Point], tuple[float, str]]] = MappingProxyType(
    {
        ("hebb", "cosine"): _hebb_cosine,
        ("hebb", "sign"): _hebb_sign,
        ("hebb", "argmax"): _hebb_argmax,
        ("hebb", "novelty"): _familiar,
        ("anti-hebb", "novelty"): _familiar,
        ("least squares", "cosine"): _least_cosine,
        ("least squares", "sign"): _least_sign,
        ("kernel", "cosine"): _kernel_cosine,
    }
)


def tracked(system: Store, knobs: Mapping[str, float], step: float, at: Any) -> tuple[float, str]:
    """The error of tracking that theory expects in the long run, and the kind of the formula; NaN where none is known.

    Parameters
    ----------
    system : Store
    knobs : mapping
        What was chosen.
    step : float
        Drift.
    at : Drift
        What is tracked.

    Returns
    -------
    tuple of float and str
    """
    if at.keys.name not in ("normal", "binary") or not step or not at.noise:
        return NONE
    target = {"d_key": at.d_key, "noise": at.noise, "drift": step, "keep": at.reversion}
    if isinstance(system, Own):
        filters: Any = system.function
        known = isinstance(filters, Kalman) and (filters.noise, filters.drift, filters.reversion) == (
            at.noise, step, at.reversion,
        )  # fmt: skip
        if not known or _left(step**2 * at.d_key / at.noise**2, at):
            return NONE
        form = "kalman_tracking_error" if filters.full else "scalar_kalman_error"
        return _formula(form, theory.FORMULAS[form].function(**target))
    rule = _forgets(system)
    beta, decay = knobs.get("beta", 1.0), knobs.get("decay", 1.0)
    if rule == "delta" and 0 < beta < 2 and (decay == 1 or at.reversion < 1):
        if _left(beta * (2 - beta) + at.d_key * (1 - decay), at):
            return NONE
        return _formula("delta_tracking_error", theory.delta_tracking_error(beta, decay=decay, **target))
    if rule == "hebb" and decay < 1 and at.reversion < 1 and not _left(at.d_key * (1 - decay), at):
        return _formula("leaky_tracking_error", theory.leaky_tracking_error(beta, decay=decay, **target))
    return NONE


def _left(rate: float, at: Any) -> bool:
    """Whether of the start more than 1 % is left after all writes, of a rate that d writes take."""
    return bool(np.exp(-rate * at.writes / at.d_key) > 0.01)


def _forgets(system: Store) -> str:
    """Of exact rules with one number that fades all weights: "hebb" if they add, "delta" if they correct, else ""."""
    if not isinstance(system, System) or not system.exact or system.feature != "identity":
        return ""
    row = system.row
    if row.retain not in (None, "scalar"):
        return ""
    if _adds(row):
        return "hebb" if row.write == "beta" else ""
    plain = row.solver == "linear" and not row.special and row.order == "decay_first" and row.error == "value"
    return "delta" if plain and row.erase == row.write == "beta" else ""


def remembered(
    system: Store, knobs: Mapping[str, float], ages: Array, items: Items, writes: int
) -> tuple[Array, Array]:
    """Signal and variance of the noise at ages that theory expects; NaN where none is known.

    Parameters
    ----------
    system : Store
    knobs : mapping
        What was chosen.
    ages : (n,) array of int
    items : Items
    writes : int
        All writes.

    Returns
    -------
    tuple of two (n,) arrays
    """
    nothing = np.full(len(ages), np.nan), np.full(len(ages), np.nan)
    overlap, d = OVERLAPS.get(items.keys.name), items.d_key
    if items.values.name not in CENTRED or overlap is None:
        return nothing
    beta, rule = knobs.get("beta", 1.0), _forgets(system)
    if rule == "delta" and overlap == 0 and knobs.get("decay", 1.0) == 1 and 0 < beta < 2:
        return theory.delta_signal(ages, d, beta), theory.delta_noise(ages, d, beta, writes)
    kernel = beta * _kernel(system, knobs, rule, np.arange(writes))
    if np.isnan(kernel).any():
        return nothing
    signal = kernel[ages]
    return signal, (np.square(kernel).sum() - signal**2) * (overlap + (1 - overlap) / d)


def _kernel(system: Store, knobs: Mapping[str, float], rule: str, ages: Array) -> Array:
    """What a memory that adds keeps of an item, by age: a power, or a sum of some."""
    if rule == "hebb":
        return np.asarray(knobs.get("decay", 1.0) ** ages)
    synapse = system.on if isinstance(system, System) and system.row.name == "hebb" else None
    if isinstance(synapse, MultiDecay):
        heads = np.array(synapse.decays)[:, None] ** ages
        return np.asarray(heads.mean(axis=0) if synapse.combine == "mean" else heads.sum(axis=0))
    if isinstance(synapse, BennaFusi) and synapse == BennaFusi(synapse.variables) and synapse.variables <= 20:
        kept = theory.benna_fusi_snr(ages, 1, synapse.variables)
        return np.asarray(kept / kept[0])
    return np.full(len(ages), np.nan)
