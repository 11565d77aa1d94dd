"""Rules of spike timing on protocols as problems of least squares, linear in the amplitudes of the rule."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from synfwp import checks, units
from synfwp.inference.engine import Parameter
from synfwp.kernels.stdp_terms import stdp_terms
from synfwp.plasticity import PairSTDP, SynapticRule, TripletSTDP
from synfwp.plasticity.protocols import Protocol
from synfwp.plasticity.synaptic import COEFFICIENTS
from synfwp.plasticity.trains import spike_train

TAU_RANGE = (1.0, 1000.0)  # ms
AMPLITUDES = (0.0, 1.0)  # of the rules of relative changes: at most, one pair doubles the weight
TRACES = ("tau_x1", "tau_x2", "tau_y1", "tau_y2")


class Kind(NamedTuple):
    """A family of rules: which coefficient, with which sign, each amplitude is, and the time constants of traces."""

    amplitudes: Mapping[str, tuple[str, float]]
    times: tuple[str, str, str, str]  # of x1, x2, y1, y2
    positive: bool  # amplitudes are at least 0


PAIR = Kind(
    {"A_plus": ("post_x", 1.0), "A_minus": ("pre_y", -1.0)}, ("tau_plus", "tau_plus", "tau_minus", "tau_minus"), True
)
TRIPLET = Kind(
    {
        "A2_plus": ("post_x", 1.0),
        "A3_plus": ("post_xy", 1.0),
        "A2_minus": ("pre_y", -1.0),
        "A3_minus": ("pre_yx", -1.0),
    },
    ("tau_plus", "tau_x", "tau_minus", "tau_y"),
    True,
)
ROW = Kind({name: (name, 1.0) for name in COEFFICIENTS}, TRACES, False)
KINDS: Mapping[type, Kind] = {PairSTDP: PAIR, TripletSTDP: TRIPLET, SynapticRule: ROW}


@dataclasses.dataclass(frozen=True)
class Family:
    """A rule without the values of its parameters.

    Parameters
    ----------
    kind : Kind
    known : dict of str to float
        Values of the rule that was passed; empty where a class was passed.
    make : callable
        From a dict of values to the rule.
    interaction, coincident : str
        As in `SynapticRule`.
    scale : float
        What changes are divided by to be relative.
    """

    kind: Kind
    known: Mapping[str, float]
    make: Callable[[Mapping[str, float]], Any]
    interaction: str
    coincident: str
    scale: float

    @property
    def names(self) -> tuple[str, ...]:
        """All parameters, amplitudes first."""
        return (*self.kind.amplitudes, *dict.fromkeys(self.kind.times))

    def parameter(self, name: str, bounds: Mapping[str, Any]) -> Parameter:
        """A free parameter with its bounds, those of ``bounds`` or our own, and its unit."""
        time = name not in self.kind.amplitudes
        low, high = TAU_RANGE if time else AMPLITUDES if self.kind.positive else (-np.inf, np.inf)
        if name in bounds:
            try:
                low, high = (float(units.to_float(x, "ms" if time else "1", f"bounds[{name!r}]")) for x in bounds[name])
            except (TypeError, ValueError):
                raise TypeError(
                    f"bounds of {name} are {checks.short(bounds[name])}; pass (low, high), two numbers."
                ) from None
        return Parameter(name, low, high, "ms" if time else "1", log=time)

    def columns(self, protocols: Sequence[Protocol]) -> Callable[[Mapping[str, float]], np.ndarray]:
        """From time constants to what one of each amplitude changes, (protocols, amplitudes), relative."""
        trains = [[spike_train(what, getattr(run, what)) for run in protocols] for what in ("pre", "post")]
        pre, post = (np.concatenate([np.zeros(0), *side]) for side in trains)
        ends = np.cumsum([[len(one) for one in side] for side in trains], axis=1).T.copy()
        place = [COEFFICIENTS.index(coefficient) for coefficient, _ in self.kind.amplitudes.values()]
        sign = np.array([sign for _, sign in self.kind.amplitudes.values()]) / self.scale
        slow, how = self.kind is not PAIR, (self.interaction == "nearest", self.coincident == "in order")
        times = self.kind.times

        def found(values: Mapping[str, float]) -> np.ndarray:
            tau = (values[times[0]], values[times[1]], values[times[2]], values[times[3]])
            return stdp_terms(pre, post, ends, tau, slow, *how)[:, place] * sign

        return found


def family(rule: Any, scale: Any) -> Family:
    """What to fit of a class, of a rule, or of a row.

    Parameters
    ----------
    rule : PairSTDP, TripletSTDP (the class, or a rule whose values are taken where nothing else is given), SynapticRule
    scale : float or None
        Of a row: the weight that its changes are divided by.

    Returns
    -------
    Family

    Raises
    ------
    TypeError, ValueError
        For another rule, a row whose change depends on the weight or on more than two trains, a row without a scale, or
        a scale of a rule of relative changes.
    """
    kinds = ", ".join(kind.__name__ for kind in KINDS)
    given = rule if isinstance(rule, type) else type(rule)
    if given not in KINDS or rule is SynapticRule:
        raise TypeError(
            f"rule is {checks.short(rule)}; pass PairSTDP, TripletSTDP, one of their rules, or a row, such as "
            f"TripletSTDP('hippocampus').row(scale=1.0) (one of {kinds})."
        )
    kind = KINDS[given]
    if given is SynapticRule:
        _check_linear(rule)
        if scale is None:
            raise ValueError(
                "rule is a SynapticRule, whose changes are in the unit of the weight, but a table holds relative ones; "
                "pass scale=, the weight that they are divided by."
            )
        size = units.number(scale, "1", "scale", 0, above=True)
        known = {name: float(getattr(rule, name)) for name in (*COEFFICIENTS, *TRACES)}
        return Family(kind, known, lambda v: dataclasses.replace(rule, **v), rule.interaction, rule.coincident, size)
    if scale is not None:
        raise ValueError(
            f"scale is {checks.short(scale)} but the changes of {given.__name__} are relative; leave it out."
        )
    how = "all" if isinstance(rule, type) else rule.interaction
    names = (*kind.amplitudes, *dict.fromkeys(kind.times))
    known = {} if isinstance(rule, type) else {name: float(getattr(rule, name)) for name in names}
    return Family(kind, known, lambda values: given(**values, interaction=how), how, "none", 1.0)


def _check_linear(row: SynapticRule) -> None:
    """The change by two trains must not depend on the weight or on anything else."""
    reasons = {
        "soft bounds": bool(row.soft),
        "a leak (tau_w)": bool(np.isfinite(row.tau_w)),
        "an eligibility (tau_e)": row.tau_e is not None,
        "an error": bool(row.error),
        "a sum of weights (total)": row.total is not None,
    }
    if found := [what for what, has in reasons.items() if has]:
        raise ValueError(
            f"rule {row.name!r} has {' and '.join(found)}, so that its change is not linear in its coefficients; fit "
            "the row without."
        )


def choose(
    of: Family, free: Sequence[str] | None, fixed: Mapping[str, Any] | None, bounds: Mapping[str, Any] | None
) -> tuple[tuple[Parameter, ...], dict[str, float]]:
    """What is free, with bounds, and the values of the rest.

    Parameters
    ----------
    of : Family
    free : sequence of str or None
        None: all that is not in ``fixed``.
    fixed : dict of str to float or None
    bounds : dict of str to (low, high) or None

    Returns
    -------
    (tuple of Parameter, dict of str to float)

    Raises
    ------
    ValueError, TypeError
        For an unknown name, a name that is both free and fixed, or a parameter without a value.
    """
    fixed, bounds = dict(fixed or {}), dict(bounds or {})
    if isinstance(free, str):
        raise TypeError(f"free is {free!r}; pass a list of names, [{free!r}].")
    chosen = [name for name in of.names if name not in fixed] if free is None else list(free)
    for what, names in (("free", chosen), ("fixed", fixed), ("bounds", bounds)):
        for name in names:
            checks.lookup(f"parameter in {what}", name, dict.fromkeys(of.names, True))
    if both := [name for name in chosen if name in fixed]:
        raise ValueError(f"{', '.join(both)} is free and fixed; name it in one of the two.")
    values: dict[str, float] = {}
    for name in of.names:
        if name in chosen:
            continue
        if name not in fixed and name not in of.known:
            raise ValueError(
                f"{name} is neither free nor fixed; name it in free or give it a value in fixed, or pass a rule, whose "
                "values are taken, instead of a class."
            )
        time = name not in of.kind.amplitudes
        given = fixed.get(name, of.known.get(name))
        unit = "ms" if time else "1"
        values[name] = units.number(given, unit, f"fixed[{name!r}]", 0 if time else -np.inf, above=time)
    return tuple(of.parameter(name, bounds) for name in of.names if name in chosen), values
