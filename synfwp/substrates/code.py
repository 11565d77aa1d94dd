"""How features are sent as rates, and in which phases."""

from dataclasses import dataclass
from typing import Any, ClassVar

from synfwp import checks
from synfwp.units import Parameters


@dataclass(frozen=True, kw_only=True)
class RateCode(Parameters):
    """Features as firing rates: the largest key, query or value of a run is sent at ``peak`` (Hz) by every clone.

    Keys and queries are sent by ``clones`` neurons each; a signed value by ``clones`` push and ``clones`` pull neurons.

    >>> RateCode(peak=50.0).clones
    8
    """

    peak: Any = 100.0
    clones: int = 8
    _units: ClassVar[dict[str, str]] = {"peak": "Hz"}

    def __post_init__(self) -> None:
        """The number of clones is a positive integer."""
        super().__post_init__()
        checks.count("clones", self.clones)


@dataclass(frozen=True, kw_only=True)
class ThetaCycle(Parameters):
    """Phases of one item: retrieve, gap, encode, gap (ms); a read lasts as long as a retrieval.

    Plasticity is off in gaps, and traces decay there. ``read="end"`` reads out in spikes the tokens that only ask,
    ``"every"`` reads all tokens that have a query. ``reset_traces`` sets traces to zero before each phase, which is an
    idealisation.

    >>> ThetaCycle().gap
    40.0
    """

    retrieve: Any = 100.0
    encode: Any = 100.0
    gap: Any = 40.0
    read: str = "end"
    reset_traces: bool = False
    _units: ClassVar[dict[str, str]] = {"retrieve": "ms", "encode": "ms", "gap": "ms"}
    _zero_allowed: ClassVar[tuple[str, ...]] = ("gap",)

    def __post_init__(self) -> None:
        """``read`` is one of two words."""
        super().__post_init__()
        checks.one_of("read", self.read, ("end", "every"))
