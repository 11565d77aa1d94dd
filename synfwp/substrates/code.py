"""How features are sent as rates, and in which phases."""

from dataclasses import dataclass
from typing import Any, ClassVar

from synfwp import checks
from synfwp.units import Parameters

READS = ("auto", "end", "every")


@dataclass(frozen=True, kw_only=True)
class RateCode(Parameters):
    """Features as firing rates: the largest key, query or value of a run is sent at ``peak`` by every neuron.

    Parameters
    ----------
    peak : float
        Rate of the largest feature, Hz.
    neurons_per_feature : int
        Neurons that send each key and query; a signed value is sent by as many push and as many pull neurons.

    Raises
    ------
    ValueError
        If the rate is not positive or the number no integer of at least 1.

    Examples
    --------
    >>> RateCode(peak=50.0).neurons_per_feature
    8
    """

    peak: Any = 100.0
    neurons_per_feature: int = 8
    _units: ClassVar[dict[str, str]] = {"peak": "Hz"}

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.count("neurons_per_feature", self.neurons_per_feature)


@dataclass(frozen=True, kw_only=True)
class ThetaCycle(Parameters):
    """Phases of one item: retrieve, gap, encode, gap; a read lasts as long as a retrieval.

    Plasticity is off in gaps, and traces decay there.

    Parameters
    ----------
    retrieve, encode, gap : float
        Durations in ms; a gap may be 0.
    read : "auto", "end" or "every"
        Which tokens are read out in spikes. ``"auto"``: those that the instructions mark as scored or, where none is
        marked, every token with a query. ``"end"``: tokens that do not write; ``"every"``: all. Of these two a token
        without a query is read only if it is marked. What is not read is NaN, what is read and silent is 0.
    reset_traces : bool
        Set traces to zero before each phase, which is an idealisation.

    Raises
    ------
    ValueError
        For durations that are not positive, or an unknown ``read``.

    Examples
    --------
    >>> ThetaCycle().gap
    40.0
    """

    retrieve: Any = 100.0
    encode: Any = 100.0
    gap: Any = 40.0
    read: str = "auto"
    reset_traces: bool = False
    _units: ClassVar[dict[str, str]] = {"retrieve": "ms", "encode": "ms", "gap": "ms"}
    _zero_allowed: ClassVar[tuple[str, ...]] = ("gap",)

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.one_of("read", self.read, READS)
