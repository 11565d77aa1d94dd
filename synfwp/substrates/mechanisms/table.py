"""The table: one line for each mechanism of spikes; which of them runs a rule, and the reasons where none can."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar, Protocol, TypeVar

from synfwp import checks
from synfwp.coefficients import Coefficients
from synfwp.rules import Rule, get_rule
from synfwp.substrates.mechanisms.base import Mechanism
from synfwp.substrates.mechanisms.common import is_delta
from synfwp.substrates.mechanisms.dendritic import Dendritic
from synfwp.substrates.mechanisms.gated_trace import GatedTrace
from synfwp.substrates.mechanisms.inhibitory import InhibitoryCancellation
from synfwp.substrates.mechanisms.pes import PES
from synfwp.substrates.mechanisms.two_phase import TwoPhase

MECHANISMS: Mapping[str, Mechanism] = MappingProxyType(
    {row.name: row for row in (GatedTrace(), TwoPhase(), Dendritic(), InhibitoryCancellation(), PES())}
)


class Row(Protocol):
    """A way to carry out rules: a mechanism of spikes, or a flow of rates.

    ``effective`` takes ``(rule, k, beta, decay)`` and what the network knows of itself, its gains or its durations.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    cite: ClassVar[str]
    closed_form: ClassVar[str]

    def runs(self, rule: Rule) -> bool:
        """Whether the rule is carried out."""
        ...

    @property
    def effective(self) -> Callable[..., Coefficients]:
        """The coefficients on average."""
        ...


R = TypeVar("R", bound=Row)


def why_not(rule: Rule) -> tuple[str, str]:
    """What the rule needs that no synapse of a mechanism does, and the nearest rule that can be run."""
    delta = "gated_delta" if rule.retain == "scalar" else "key_gated_delta" if rule.retain == "key" else "delta"
    reasons = (
        (not rule.uses_keys, "the fast weights send their own keys, queries and betas", "delta"),
        (rule.uses_momentum, "its steps add up in a second matrix, which no synapse holds", delta),
        (rule.uses_ridge, "it inverts the correlations of all keys, which no synapse knows", delta),
        (not rule.has_weights, "it keeps every pair and has no weights", "hebb"),
        (rule.writes > 1, "it writes several times per token; a mechanism writes once", delta),
        (rule.error == "key", "a presynaptic neuron would have to be told the error of its key", delta),
        (rule.uses_pair, "what is erased is read by a key that no neuron sends", delta),
        (rule.normalised, "reads are divided by the sum of all keys, which no synapse holds", "hebb"),
        ("proximal" in (rule.erase, rule.write), "its step depends on all other inputs through |k|^2", delta),
        (rule.read == "before", "a token is read after it is written", "delta" if rule.erase else "hebb"),
        (rule.write is None, "it writes no value", delta),
        (rule.order == "undecayed" and rule.erase is not None, "synapses decay before they are read", delta),
        (rule.centred and rule.erase is not None, "no retrieval is centred", delta),
        (rule.centred, "no inhibition takes off the mean of the keys", "hebb"),
        (rule.erase is not None, "what is erased and what is written have gains other than beta", delta),
    )
    for holds, why, nearest in reasons:
        if holds:
            return why, nearest
    return "what is written has a gain other than beta", "hebb"


def choose(rule: Rule, rows: Mapping[str, R]) -> R:
    """The row that runs a rule by default: the first one that can.

    Parameters
    ----------
    rule : Rule
    rows : mapping
        `MECHANISMS`, or `synfwp.substrates.flows.FLOWS`.

    Raises
    ------
    ValueError
        If none can; the message names rules that can be run.
    """
    for row in rows.values():
        if row.runs(rule):
            return row
    why, nearest = why_not(rule)
    able = choose(get_rule(nearest), rows)
    raise ValueError(
        f"rule {rule.name!r} ({rule.equation or 'no equation given'}) is not one that a {able.kind} mechanism carries "
        f"out: {why}; they run rules that write 'beta' or '-beta' and erase nothing, or write and erase 'beta' from "
        f"the decayed W, once per token; mechanism {able.name!r} runs the nearest, {nearest!r}."
    )


def find(name: str, rows: Mapping[str, R]) -> R:
    """The row of a name, or a ValueError with a suggestion."""
    return checks.lookup("mechanism", name, rows)


def check_runs(row: R, rule: Rule, rows: Mapping[str, R]) -> R:
    """The row itself, or a ValueError that has the reason why it cannot run the rule and names one that can."""
    if row.runs(rule):
        return row
    able = choose(rule, rows)
    why = "has no erasure" if is_delta(rule) else "erases what the key retrieves"
    raise ValueError(f"mechanism {row.name!r} {why} and cannot run rule {rule.name!r}; use {able.name!r}.")
