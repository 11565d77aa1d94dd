"""Rules with states at synapses (`StateRow`) and filters of releases (`SpikeResponse`): their records and states."""

from typing import Any

import numpy as np

from synfwp.kernels import circuit_rules as kernel
from synfwp.plasticity import SpikeResponse, StateRow
from synfwp.spiking.projection import Projection
from synfwp.spiking.tables import RULE, Records, records
from synfwp.spiking.wiring import Wiring

Array = np.ndarray
NEVER = -1e18  # the step of a spike that has not been
_KIND = {
    "CalciumPlasticity": kernel.CALCIUM, "VoltagePlasticity": kernel.VOLTAGE, "BTSP": kernel.PLATEAU,
    "BinaryBTSP": kernel.BINARY,
}  # fmt: skip


def lag(p: Projection, dt: float) -> int:
    """Steps from the arrival of a presynaptic spike to its calcium."""
    rule: Any = p.plasticity
    return round(rule.rule.delay / dt) if isinstance(rule, StateRow) and rule.kind == "CalciumPlasticity" else 0


def build(circuit: Wiring, projections: Records, trace0: int, synapse0: int) -> tuple[Records, Array, Array, Array]:
    """Records of rules, the parts of filters, and traces and states of synapses, which begin at these places."""
    rules, terms = [], [0.0]
    traces: list[Array] = [np.zeros(0)]
    synapses: list[Array] = [np.zeros(0)]
    for index, (one, p) in enumerate(zip(projections, circuit.projections, strict=True)):
        found: list[tuple[dict[str, Any], Array]] = []
        n_pre, n_cells, row = one.n_pre, p.post.n, p.plasticity
        if isinstance(p.short_term, SpikeResponse):
            fields = {"terms0": len(terms), "n_terms": len(p.short_term.taus), "baseline": p.short_term.baseline}
            for a, tau in zip(p.short_term.amplitudes, p.short_term.taus, strict=True):
                terms += [a / tau, -circuit.dt / tau]
            found.append(({"kind": kernel.RESPONSE} | fields, np.zeros(n_pre * (1 + len(p.short_term.taus)))))
        if isinstance(row, StateRow):
            fields = {"kind": _KIND[row.kind], "lag": lag(p, circuit.dt), **_FIELDS[row.kind](row, circuit.dt)}
            if row.by_plateaus:
                fields["source"] = circuit.group_index[p.modulators[0][0].name]
            if row.kind in ("CalciumPlasticity", "BTSP"):
                fields |= {"first0": synapse0 - one.synapse0, "second0": synapse0 + p.n_synapses - one.synapse0}
                synapses.append(np.zeros(2 * p.n_synapses))
                synapse0 += 2 * p.n_synapses
            found.append((fields, _STATES[row.kind](n_pre, n_cells)))
        for fields, states in found:
            made = records(RULE, 1)
            for name, value in {"projection": index, "trace0": trace0, **fields}.items():
                made[name] = value
            rules.append(made)
            traces.append(states)
            trace0 += len(states)
    table = np.concatenate([*rules, np.zeros(0, RULE)]).view(np.recarray)
    return table, np.array(terms), np.concatenate(traces), np.concatenate(synapses)


def _calcium(row: StateRow, dt: float) -> dict[str, Any]:
    """Times in steps, rates per step."""
    r = row.rule
    fields = {"tau": r.tau_Ca / dt, "jump_pre": r.C_pre, "jump_post": r.C_post}
    return fields | {
        "theta_d": r.theta_d, "theta_p": r.theta_p, "rate_d": r.gamma_d / r.tau * dt, "rate_p": r.gamma_p / r.tau * dt,
    }  # fmt: skip


def _voltage(row: StateRow, dt: float) -> dict[str, Any]:
    """Amplitudes in the unit of the weight per mV, and for a trace over one step."""
    r = row.rule
    fields = {"tau": r.tau_x / dt, "tau_ms": r.tau_x, "theta_d": r.theta_minus, "theta_p": r.theta_plus}
    fields |= {"jump_pre": r.A_LTD, "jump_post": -r.A_LTP * r.tau_x * np.expm1(-dt / r.tau_x)}
    fields |= {"keep_1": np.exp(-dt / r.tau_minus), "keep_2": np.exp(-dt / r.tau_plus)}
    reference, rest, tau_mean = r.homeostasis
    fields |= {"reference": reference, "baseline": rest, "keep_mean": np.exp(-dt / tau_mean)}
    if row.spike_width is not None:
        fields |= {"level": row.spike_level, "width": round(row.spike_width / dt)}
    return fields


def _plateau(row: StateRow, dt: float) -> dict[str, Any]:
    """What one plateau sums up to, sigmoids, and rates per sample."""
    r, step = row.rule, row.every
    keep, n = np.exp(-step / r.tau_IS), round(row.plateau / step)
    fields = {"every": round(step / dt), "lap": round(row.lap / dt), "width": round(row.plateau / dt)}
    fields |= {"keep_1": np.exp(-step / r.tau_ET), "keep_2": keep}
    fields["scale"] = 1 / (row.peak * (1 - keep**n) / (1 - keep))
    for side, a, b, k in (("p", r.a_plus, r.b_plus, r.k_plus), ("d", r.a_minus, r.b_minus, r.k_minus)):
        low, high = (1 / (1 + np.exp(-b * (x - a))) for x in (0.0, 1.0))
        fields |= {f"theta_{side}": a, f"slope_{side}": b, f"low_{side}": low, f"span_{side}": high - low}
        fields[f"rate_{side}"] = k * step / 1000
    return fields


def _binary(row: StateRow, dt: float) -> dict[str, Any]:
    """A probability and a window."""
    return {"rate_p": row.rule.flip, "width": round(row.window / dt)}


_FIELDS = {"CalciumPlasticity": _calcium, "VoltagePlasticity": _voltage, "BTSP": _plateau, "BinaryBTSP": _binary}
_STATES = {
    "CalciumPlasticity": lambda n_pre, n_cells: np.zeros(0),
    "VoltagePlasticity": lambda n_pre, n_cells: np.zeros(2 * n_pre + 4 * n_cells),
    "BTSP": lambda n_pre, n_cells: np.zeros(2 * n_pre + 3 * n_cells),
    "BinaryBTSP": lambda n_pre, n_cells: np.full(n_pre, NEVER),
}


def brought(tables: Any, variables: Any, p: int, n: int, t: int) -> tuple[int, Array, Array] | None:
    """Rule, weights and calcium at step t of projection p, or None where its weights stand at the present anyway."""
    for r, rule in enumerate(tables.rules):
        if rule.projection == p and rule.kind == kernel.CALCIUM:
            weights, calcium = np.empty(n), np.empty(n)
            kernel.brought(tables, variables, r, t, weights, calcium)
            return r, weights, calcium
    return None


def settle(tables: Any, variables: Any, p: int, n: int, t: int) -> None:
    """Bring the synapses of projection p to step t."""
    found = brought(tables, variables, p, n, t)
    if found is not None:
        r, weights, calcium = found
        W, first = variables.synapses, tables.projections[p].synapse0
        for offset, values in ((0, weights), (tables.rules[r].first0, calcium), (tables.rules[r].second0, t)):
            W[first + offset : first + offset + n] = values
