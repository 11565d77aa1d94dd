"""Rules and neurons as Brian2 reads them: text, and the quantities that it names, still as numbers with units by name.

Nothing here imports Brian2.
"""

import re
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from synfwp.plasticity import SpikeResponse, StateRow, SynapticRule
from synfwp.plasticity.synaptic import COEFFICIENTS
from synfwp.spiking.groups import Population
from synfwp.spiking.neurons import AdEx, TwoCompartment, is_linear, receptors_of
from synfwp.spiking.short_term import ShortTerm

Quantities = dict[
    str, tuple[Any, str]
]  # a number (or one for each neuron) and the name of its unit, such as (20.0, "ms") or (0.3, "1/mV")
UNITS = {"nS": "siemens", "pA": "amp", "1": "1", "mV": "volt"}
_OF_NEURONS = UNITS | {"ms": "second", "pF": "farad", "Hz": "Hz", "1/mV": "1/volt", "1/nS": "1/siemens"}
_TRACES = {
    "x1": ("pre_x", "post_x", "post_xy"),
    "x2": ("post_x2", "pre_yx"),
    "y1": ("pre_y", "pre_yx"),
    "y2": ("pre_y2", "post_xy"),
}
_TERMS = {
    "pre": {"pre_0": "", "pre_x": "*x1", "pre_y": "*y1", "pre_y2": "*y2", "pre_yx": "*y1*x2"},
    "post": {"post_0": "", "post_x": "*x1", "post_x2": "*x2", "post_xy": "*x1*y2"},
}


@dataclass(frozen=True)
class SynapseText:
    """Model, code at spikes of either side, and quantities of synapses."""

    model: str
    on_pre: str
    on_post: str
    quantities: Quantities
    on_soma: str = ""


@dataclass
class NeuronText:
    """Equations, threshold, reset, integration method, quantities, and those of which each neuron has its own."""

    equations: list[str]
    threshold: str
    reset: str
    method: str
    quantities: Quantities = field(default_factory=dict)
    own: Quantities = field(default_factory=dict)
    update: str = ""  # code of a step, in place of a method

    def give(self, name: str, value: Any, unit: str) -> None:
        """One more quantity; an array is a parameter of the neurons."""
        if isinstance(value, np.ndarray) and value.ndim:
            self.own[name] = value, unit
            self.equations.append(f"{name} : {_OF_NEURONS[unit]} (constant)")
        else:
            self.quantities[name] = value, unit


def identifier(name: str) -> str:
    """A name that Brian2 takes; those of two names differ.

    Examples
    --------
    >>> identifier("cells"), identifier("E to I"), identifier("E_to_I")
    ('n_cells', 'n_E_to_I_12c47338', 'n_E_to_I')
    """
    bare = re.sub(r"[^A-Za-z0-9_]+", "_", name)
    return f"n_{bare}" if bare == name else f"n_{bare}_{zlib.crc32(name.encode()):08x}"


def check(what: str, rule: Any, short_term: Any) -> None:
    """Refuse rules with states of their own and filters, for which there are no equations here."""
    if isinstance(rule, StateRow) or isinstance(short_term, SpikeResponse):
        raise ValueError(
            f"{what} has a rule with states of its own or a filter, for which there are no equations of Brian2; leave "
            "it out, or run it in a Circuit."
        )


def synapses(
    rule: SynapticRule | None,
    unit: str,
    target: str | None,
    short_term: ShortTerm | None,
    gate: str,
    eligibility: str | None,
    transmission: str,
) -> SynapseText:
    """Model and event code in a unit of the weight; a rule that changes between spikes gets the part of its events."""
    model, release, space = _short_term(short_term)
    pre: list[str] = []
    if short_term is not None:
        pre = ["released = u*x", "x -= released"]
        pre.insert(0 if short_term.raised_first else 2, "u += U*(1 - u)")
    post: list[str] = []
    release = ([] if transmission == "1" else [transmission]) + release
    if target is not None:
        pre.append(f"{target}_post += {'*'.join(['w', *release])}")
    if rule is None:
        return SynapseText("\n".join([f"w : {UNITS[unit]}", *model]), "\n".join(pre), "", space)
    leaks = np.isfinite(rule.tau_w)
    model.insert(0, f"dw/dt = -w/tau_w : {UNITS[unit]} (event-driven)" if leaks else f"w : {UNITS[unit]}")
    space |= {"tau_w": (rule.tau_w, "ms")} if leaks else {}
    used = _traces(rule)
    for name in used:
        clock = "clock-driven" if rule.error else "event-driven"
        model.append(f"d{name}/dt = -{name}/tau_{name} : 1 ({clock})")
        space[f"tau_{name}"] = getattr(rule, f"tau_{name}"), "ms"
    if eligibility is not None:
        model.append(f"E : {UNITS[unit]}")
    space |= {name: (getattr(rule, name), unit) for name in COEFFICIENTS if getattr(rule, name)}
    space |= {"w_min": (rule.w_min, unit), "w_max": (rule.w_max, unit)}
    space |= {"mu": (rule.soft, "1")} if rule.soft else {}
    for side, lines in (("pre", pre), ("post", post)):
        terms = [name + trace for name, trace in _TERMS[side].items() if getattr(rule, name)]
        if terms:
            lines += _changes(f"({' + '.join(terms)})", rule.soft, gate, eligibility)
        raised = [name for name in used if name[0] == ("x" if side == "pre" else "y")]
        lines += [f"{name} {'+=' if rule.interaction == 'all' else '='} 1" for name in raised]
    return SynapseText("\n".join(model), "\n".join(pre), "\n".join(post), space)


def carried(text: SynapseText, target: str, most: int, unit: str) -> SynapseText:
    """The same synapses with what they transmit kept, up to so many at once, until the pathway "soma" takes it."""
    lines = text.on_pre.split("\n")
    at = next(m for m, line in enumerate(lines) if line.startswith(f"{target}_post += "))
    sent = lines[at].removeprefix(f"{target}_post += ")
    lines[at : at + 1] = [f"sent{m} = int(n_in == {m})*({sent}) + int(n_in != {m})*sent{m}" for m in range(most)]
    lines.insert(at + most, f"n_in = (n_in + 1) % {most}")
    total = " + ".join(f"int(n_out == {m})*sent{m}" for m in range(most))
    model = [text.model, *(f"sent{m} : {UNITS[unit]}" for m in range(most)), "n_in : integer", "n_out : integer"]
    on_soma = f"{target}_post += {total}\nn_out = (n_out + 1) % {most}"
    return replace(text, model="\n".join(model), on_pre="\n".join(lines), on_soma=on_soma)


def _short_term(short_term: ShortTerm | None) -> tuple[list[str], list[str], Quantities]:
    """Equations, factors of what is released, and quantities of short-term plasticity."""
    if short_term is None:
        return [], [], {}
    model = ["du/dt = (u_rest - u)/tau_facil : 1 (event-driven)", "dx/dt = (1 - x)/tau_rec : 1 (event-driven)"]
    space: Quantities = {"U": (short_term.U, "1"), "u_rest": (short_term.u_rest, "1")}
    space |= {"tau_facil": (short_term.tau_facil, "ms"), "tau_rec": (short_term.tau_rec, "ms")}
    return model, ["released"], space


def _traces(rule: SynapticRule) -> list[str]:
    """Names of the traces that a rule reads."""
    used = {name for name, where in _TRACES.items() if any(getattr(rule, c) for c in where)}
    return sorted(used | {"x1"} | ({"x2"} if rule.x2_share else set()) if rule.error else used)


def _changes(total: str, soft: float, gate: str, eligibility: str | None) -> list[str]:
    """Lines that change the weight by ``gate * total``, and the eligibility."""
    factor = "" if gate == "1" else f"{gate}*"
    lines = [] if eligibility in (None, "0") else [f"E += {eligibility}*{total}"]
    if gate == "0":
        return lines
    if not soft:
        return [f"w = clip(w + {factor}{total}, w_min, w_max)", *lines]
    room = "(int(dw > 0*dw)*(w_max - w) + int(dw <= 0*dw)*(w - w_min))/(w_max - w_min)"
    return [f"dw = {factor}{total}", f"w = clip(w + dw*clip({room}, 0, inf)**mu, w_min, w_max)", *lines]


def neurons(group: Population) -> NeuronText:
    """Equations of a neuron model."""
    neuron: Any = group.neuron
    lines, currents, pulls = ["I_drive : amp"], ["I_drive"], ["g_leak*(v_rest - v)"]
    space: Quantities = {"g_leak": (neuron.g_leak, "nS"), "C_m": (neuron.tau_m * neuron.g_leak, "pF")}
    space["v_rest"] = neuron.v_rest, "mV"
    for m, one in enumerate(receptors_of(neuron)):
        variable = identifier(one.name)
        unit = "amp" if one.reversal is None else "siemens"
        lines.append(f"d{variable}/dt = -{variable}/tau_{m} : {unit}")
        space[f"tau_{m}"] = one.tau, "ms"
        if not one.drives or (isinstance(neuron, TwoCompartment) and m == 0):
            continue
        if one.reversal is None:
            currents.append(variable)
        else:
            pulls.append(f"{variable}*(E_{m} - v)")
            space[f"E_{m}"] = one.reversal, "mV"
    found = _two_compartments(neuron) if isinstance(neuron, TwoCompartment) else _one_compartment(neuron)
    if isinstance(neuron, TwoCompartment):
        pulls.append("g_dendrite*(V - v)")
    if isinstance(neuron, AdEx):
        currents += ["I_exp", "-adapt"]
    noise = ""
    if np.any(getattr(neuron, "noise", 0.0) > 0):
        noise, found.method = "+ noise*sqrt(2/tau_m)*xi", "euler"
        space |= {"noise": (neuron.noise, "mV"), "tau_m": (neuron.tau_m, "ms")}
    total = " + ".join([*pulls, *currents]).replace("+ -", "- ")
    held = " (unless refractory)" if np.any(neuron.t_ref > 0) else ""
    space |= {"t_ref": (neuron.t_ref, "ms")} if isinstance(neuron.t_ref, np.ndarray) else {}
    found.equations = [f"dv/dt = ({total})/C_m {noise} : volt{held}", *lines, *found.equations]
    space |= found.quantities
    found.quantities = {}
    for name, (value, unit) in space.items():
        found.give(name, value, unit)
    return _step(found, neuron) if found.method == "exact" else found


def _step(text: NeuronText, neuron: Any) -> NeuronText:
    """A step written out where a synapse decays about as fast as the membrane: a solution in symbols, as Brian2's exact
    method finds it, divides by the difference of the two time constants."""
    open_ = [(m, one) for m, one in enumerate(receptors_of(neuron)) if one.drives]
    if all(np.all(abs(one.tau - neuron.tau_m) > 0.01 * neuron.tau_m) for _, one in open_):
        return text
    terms = [f"response_{m}*{identifier(one.name)}" for m, one in open_]
    text.update = "\n".join(
        [
            "_end = v_rest + I_drive/g_leak",
            f"_v = _end + (v - _end)*exp(-dt*g_leak/C_m) + {' + '.join(terms)}",
            *(f"{identifier(one.name)} = {identifier(one.name)}*exp(-dt/tau_{m})"
              for m, one in enumerate(receptors_of(neuron))),
            "v = _v",
        ]
    )  # fmt: skip
    return text


def _one_compartment(neuron: Any) -> NeuronText:
    """What a LIF or AdEx neuron has beside its currents."""
    space: Quantities = {"v_reset": (neuron.v_reset, "mV"), "v_threshold": (neuron.v_threshold, "mV")}
    if not isinstance(neuron, AdEx):
        method = "exact" if is_linear(neuron) and not np.any(neuron.noise) else "exponential_euler"
        return NeuronText([], "v >= v_threshold", "v = v_reset", method, space)
    lines = [
        "I_exp = g_leak*delta*exp(clip((v - v_threshold)/delta, -inf, 700)) : amp (constant over dt)",
        "dadapt/dt = (a*(v - v_rest) - adapt)/tau_w : amp",
    ]
    space |= {
        "delta": (neuron.delta, "mV"),
        "a": (neuron.a, "nS"),
        "b": (neuron.b, "pA"),
        "tau_w": (neuron.tau_w, "ms"),
    }
    space["v_peak"] = neuron.v_peak, "mV"
    return NeuronText(lines, "v >= v_peak", "v = v_reset\nadapt += b", "exponential_euler", space)


def _two_compartments(neuron: TwoCompartment) -> NeuronText:
    """What a neuron with a dendrite has beside its currents."""
    lines = [
        "dV/dt = (v_rest - V + n_dendrite/g_leak)/tau_m : volt",
        "prediction = phi_max/(1 + k*exp(slope*(half - v_rest - (V - v_rest)*share))) : Hz",
    ]
    space: Quantities = {"g_dendrite": (neuron.g_dendrite, "nS"), "tau_m": (neuron.tau_m, "ms")}
    space |= {"phi_max": (neuron.phi_max, "Hz"), "k": (neuron.k, "1"), "slope": (neuron.slope, "1/mV")}
    space |= {"half": (neuron.half, "mV"), "share": (neuron.g_dendrite / (neuron.g_dendrite + neuron.g_leak), "1")}
    threshold = "rand() < 1 - exp(-phi_max/(1 + k*exp(slope*(half - v)))*dt)"
    return NeuronText(lines, threshold, "", "exponential_euler", space)
