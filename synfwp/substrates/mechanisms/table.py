"""The table: which mechanism runs which rule, with its closed form and its source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from synfwp import checks
from synfwp.coefficients import Coefficients
from synfwp.rules import Rule, get_rule
from synfwp.substrates.mechanisms.common import is_covariance, is_delta, is_hebbian
from synfwp.substrates.mechanisms.rate import instant, lagged, latched
from synfwp.substrates.mechanisms.spikes import gated_trace, one_phase, two_phase


@dataclass(frozen=True)
class Realisation:
    """One mechanism: the rules it can run, its closed form (LaTeX) and its source."""

    name: str
    kind: str
    runs: Callable[[Rule], bool]
    effective: Callable[..., Coefficients]
    closed_form: str
    cite: str


def why_not(rule: Rule) -> tuple[str, str]:
    """What no synapse of a mechanism can do that the rule asks for, and the nearest rule that can be run."""
    delta = "gated_delta" if rule.retain == "scalar" else "key_gated_delta" if rule.retain == "key" else "delta"
    reasons = (
        (not rule.uses_keys, "the fast weights send their own keys, queries and betas", "delta"),
        (rule.uses_momentum, "its steps add up in a second matrix, which no synapse holds", delta),
        (rule.uses_ridge, "it inverts the correlations of all keys, which no synapse knows", delta),
        (not rule.has_weights, "it keeps every pair and has no weights", "hebb"),
        (rule.writes > 1, "it writes several times a token; a mechanism writes once", delta),
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


def choose(rule: Rule, kind: str) -> Realisation:
    """The row of one kind ("rate" or "spikes") that runs a rule by default: the first one that can.

    Raises
    ------
    ValueError
        If none can; the message says which rules can be run.
    """
    for row in REALISATIONS.values():
        if row.kind == kind and row.runs(rule):
            return row
    why, nearest = why_not(rule)
    able = choose(get_rule(nearest), kind)
    raise ValueError(
        f"rule {rule.name!r} ({rule.equation or 'no equation given'}) is not one that a {kind} mechanism carries out: "
        f"{why}; they run rules that write 'beta' or '-beta' and erase nothing, or write and erase 'beta' from the "
        f"decayed W, once a token; mechanism {able.name!r} runs the nearest, {nearest!r}."
    )


def check_runs(name: str, rule: Rule) -> Realisation:
    """The row of a mechanism, or a ValueError that says why it cannot run the rule and names one that can."""
    row = checks.lookup("mechanism", name, REALISATIONS)
    if row.runs(rule):
        return row
    able = choose(rule, row.kind)
    why = "has no erasure" if is_delta(rule) else "erases what the key retrieves"
    raise ValueError(f"mechanism {name!r} {why} and cannot run rule {rule.name!r}; use {able.name!r}.")


REALISATIONS: Mapping[str, Realisation] = MappingProxyType(
    {
        row.name: row
        for row in (
            Realisation(
                "latched",
                "rate",
                lambda rule: is_hebbian(rule) or is_delta(rule),
                latched,
                r"W + \beta (v - (1 - e^{-T_r/\tau}) W k) k^\top",
                "hasselmo2002",
            ),
            Realisation(
                "instant",
                "rate",
                lambda rule: is_hebbian(rule) or is_delta(rule),
                instant,
                r"W + \frac{1 - e^{-\beta |k|^2}}{|k|^2} (v - W k) k^\top",
                "widrow1960",
            ),
            Realisation(
                "lagged",
                "rate",
                lambda rule: is_hebbian(rule) or is_delta(rule),
                lagged,
                r"P = e^{T [[0, -G], [1/\tau, -1/\tau]]},\ G = \beta |k|^2 / T",
                "widrow1960",
            ),
            Realisation(
                "gated_trace",
                "spikes",
                lambda rule: is_hebbian(rule) or is_covariance(rule),
                gated_trace,
                r"W \pm \beta v k^\top,\ \text{or}\ W \pm \beta v (k - \langle k \rangle)^\top",
                "hebb1949",
            ),
            Realisation(
                "two_phase",
                "spikes",
                is_delta,
                two_phase,
                r"W \mathrm{diag}(1 - \beta s k) + \beta ((1 + \epsilon) v - (\lambda - \epsilon) W k) k^\top",
                "hasselmo2002",
            ),
            Realisation(
                "dendritic",
                "spikes",
                is_delta,
                one_phase,
                r"W \mathrm{diag}(1 - \beta s k) + \beta (v - \lambda W k) k^\top,\ \text{live:}\ "
                r"\tfrac{1 - e^{-\beta \lambda |k|^2}}{\lambda |k|^2} (v - \lambda W k) k^\top",
                "urbanczik2014",
            ),
            Realisation(
                "inhibitory_cancellation",
                "spikes",
                is_delta,
                one_phase,
                r"W \mathrm{diag}(1 - \beta s k) + \beta g(v - \lambda W k) k^\top,\ "
                r"g(e) = \frac{[\rho_0 + e]_+ - [\rho_0 - e]_+}{1 + \min(\rho_0, 1)}",
                "vogels2011",
            ),
            Realisation(
                "pes",
                "spikes",
                is_delta,
                one_phase,
                r"W \mathrm{diag}(1 - \beta s k) + \beta (v - \lambda W k) k^\top,\ \text{live:}\ "
                r"\tfrac{1 - e^{-\beta \lambda |k|^2}}{\lambda |k|^2} (v - \lambda W k) k^\top",
                "macneil2011, bekolay2013",
            ),
        )
    }
)
