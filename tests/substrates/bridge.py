"""What a `SpikingNetwork` does, built as a `Circuit` from groups, projections and the row of spikes of a mechanism.

The same in both: presynaptic rates, phases, gaps, the row (traces, coefficients), eta per ideal product, synaptic time
constants, the neuron. The delay of the network is one step: spikes of a circuit without delay act in the step after.
What differs, with its size: keys fire at most once per step here and by Poisson counts there (a synapse's own spikes
erase 2.5 % of it for a key at peak, and of that at most 5 % less); a circuit integrates the decaying current within a
step. What a network transmits is cut when the phase ends (its gain is 0 in gaps, spikes on their way are lost); a
receptor would hold its current into the gap, and the spikes that it drives there would enter the traces that the next
phase reads. So the current of a circuit is put to 0 when its phase ends.

- A signed weight W is a pair of synapses ``w0 +- W/2``: a projection onto the push neurons and one onto the pull
  neurons. Fixed inhibition of weight w0 from the same keys takes off what they have in common, so that ``+-W/2`` is
  transmitted, with twice the gain.
- Each of the two changes by the spikes of its own neurons, and the difference of the two is what the network keeps as
  W. The network changes both by half of that, so that the sum stays ``2 w0``; no local rule of one postsynaptic spike
  train does this. For two-phase and inhibitory synapses, whose neurons are not linear, the sum is put back in each gap
  (`Simulation.set_weights`); within a phase nothing is transmitted by weights that have changed in it.
- The dendrite is a receptor that drives nothing and holds the prediction, signed and linear. The somata are clamped:
  each fires when its own Poisson source does.
- PES is no rule of the spikes of two neurons, but its error is a receptor: the error neurons project onto it one to
  one, those of its own side with + and the others with -, and it acts on nothing. Each projection has half of eta and
  the errors of the two sides are opposite, so that the pair is changed as in the network and its sum never moves.
- The row of a mechanism is run as it is, but for the name of the receptor that it reads and the bound of weights: what
  turns spikes and currents into the spikes per ms that its ``rate`` is for stands in what is sent to the receptor.
- A receptor is read in the step after a spike, before the arrivals of that step; the presynaptic trace is then smaller
  by one step of decay, which what is sent makes up for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

import synfwp as fw

Array = np.ndarray
LEAD = 10.0  # ms before the first item
TINY = 0.05  # ms; what a receptor of this time constant holds is gone after one step
SIGNS = {"push": 1, "pull": -1}
W0 = 6.0  # so wide that no synapse meets a bound


def transmits(mechanism: Any) -> str:
    """The phase in which plastic synapses drive somata; "" for none."""
    return "retrieve" if mechanism.retrieves else "encode" if mechanism.into_soma else ""


def moves_the_sum(mechanism: Any) -> bool:
    """Whether each synapse of a pair changes by the spikes of its own neurons, and not both by one error."""
    row = mechanism.synapse(1.0)
    return bool(row.post_x or row.pre_y)


def restores_the_sum(mechanism: Any) -> bool:
    """Whether gaps put the sum of a pair back: it moves, and drives neurons that are not linear in it."""
    return moves_the_sum(mechanism) and bool(transmits(mechanism))


@dataclass
class Bridge:
    """Items of a network, and the circuit that carries them out.

    ``build`` is the method that makes the circuit, ``broken`` names one part of it that is wrong, and ``mechanism`` is
    the one whose row is run, by default that of the network.
    """

    network: fw.SpikingNetwork
    build: Callable[["Bridge"], fw.Circuit]
    k: Array
    v: Array
    beta: Array
    broken: str = ""
    mechanism: Any = None

    def __post_init__(self) -> None:
        net, schedule = self.network, self.network.schedule
        self.mechanism = self.mechanism or net.mechanism
        self.neurons, self.dt, self.peak = net.code.neurons_per_feature, net.dt, net.code.peak
        first = [("retrieve", schedule.retrieve), ("gap", schedule.gap)] if self.mechanism.retrieves else []
        phases = [*first, ("encode", schedule.encode), ("gap", schedule.gap)] * len(self.beta)
        self.names = ["gap", *(name for name, _ in phases)]
        self.starts = np.cumsum([0.0, LEAD, *(lasts for _, lasts in phases)])
        self.item = [0, *(n * len(self.beta) // len(phases) for n in range(len(phases)))]
        self.ends = [LEAD + (self.starts[-1] - LEAD) * (n + 1) / len(self.beta) for n in range(len(self.beta))]
        self.keys = np.repeat(self.k / self.k.max(), self.neurons, axis=1)
        self.values = np.repeat(self.v / np.abs(self.v).max(), self.neurons, axis=1)
        self.strength = self.beta * self.k.max() ** 2
        self.decay = np.exp(-self.dt / self.mechanism.tau)

    def steps(self, of: Any, late: int = 0) -> fw.Steps:
        """``of(phase, item)`` as a schedule, ``late`` steps later (earlier if negative)."""
        starts = np.where(self.starts[:-1] > 0, self.starts[:-1] + late * self.dt, 0.0)
        return fw.Steps(starts, [of(name, n) for name, n in zip(self.names, self.item, strict=True)])

    def gate(self, phase: str, sign: float = 1.0, late: int = 0) -> fw.Steps:
        """beta of the item during a phase, 0 else."""
        return self.steps(lambda name, n: sign * self.strength[n] * (name == phase), late)

    def rate(self, of: Array, late: int = 0, both: bool = False) -> fw.Steps:
        """Features (T, n) as rates (Hz) while they are encoded, and (``both``) retrieved."""
        phases = ("encode", "retrieve") if both else ("encode",)
        return self.steps(lambda name, n: np.maximum(of[n], 0) * self.peak * (name in phases), late)

    def norm(self, phase: str) -> float:
        """What one coincidence of two neurons at peak rate collects in a phase: the sum over all pairs of steps."""
        steps = np.arange(round(getattr(self.network.schedule, phase) / self.dt))
        pairs = self.decay ** np.abs(steps[:, None] - steps)
        causal = self.mechanism.causal
        return float((self.peak / 1000 * self.dt) ** 2 * (np.tril(pairs) if causal else pairs).sum())

    def circuit(self) -> fw.Circuit:
        """The circuit of the mechanism."""
        return self.build(self)

    def run(self, seed: int) -> Array:
        """W (d_v, d_k) after the items."""
        simulation, sends = self.circuit().start(seed), transmits(self.mechanism)
        for m, (name, end) in enumerate(zip(self.names, self.starts[1:], strict=True)):
            item_ends = m > 0 and self.names[m - 1] == "encode"
            if name == sends or item_ends:
                simulation.run(round(end - simulation.time, 6))
            if name == sends:
                self.cut(simulation)
            if item_ends:
                W = simulation.weights("to push") - simulation.weights("to pull")
                if restores_the_sum(self.mechanism):
                    for side, sign in SIGNS.items():
                        simulation.set_weights(f"to {side}", W0 + sign * W / 2)
        (_, d_k), d_v = self.k.shape, self.v.shape[1]
        units = np.abs(self.v).max() / self.k.max()
        return W.reshape(d_k, self.neurons, d_v, self.neurons).mean(axis=(1, 3)).T * units

    def cut(self, simulation: fw.Simulation) -> None:
        """End what plastic synapses transmit to the somata."""
        for side in SIGNS:
            simulation.variables.neurons[simulation.place(side, "current")] = 0.0

    # --- circuits -------------------------------------------------------------------------------------------------

    def _circuit(
        self, sides: dict[str, Any], rule: fw.SynapticRule, more: Any = (), send: Any = None, **plastic: Any
    ) -> fw.Circuit:
        """Keys, the pair of plastic projections and, if they transmit, the inhibition that balances them."""
        keys = fw.PoissonSource(self.keys.shape[1], self.rate(self.keys, both=True), name="keys")
        lines = [*more]
        for name, post in sides.items():
            sent = {} if send is None else {"receptor": send[0], "transmission": send[1]}
            if send is not None:
                lines.append(fw.Projection(keys, post, -W0, name=f"balance {name}", **sent))
            plan = {"plasticity": rule, "name": f"to {name}"}
            lines.append(fw.Projection(keys, post, W0, **sent, **plan, **plastic))
        return fw.Circuit(lines, dt=self.dt)

    def gated_trace(self) -> fw.Circuit:
        """The value clamps two sources; all that a rule needs are its two spike trains."""
        n = self.values.shape[1]
        sides = {name: fw.PoissonSource(n, self.rate(sign * self.values), name=name) for name, sign in SIGNS.items()}
        broken = {"pre_y": 0.0} if self.broken == "no postsynaptic trace" else {}
        rule = self.mechanism.synapse(1 / self.norm("encode"), **broken)
        return self._circuit(sides, rule, gate=self.gate("encode"))

    def dendritic(self) -> fw.Circuit:
        """Somata that fire with a source each, and a dendrite that holds what the keys predict."""
        n, tau_syn = self.values.shape[1], fw.Poisson().tau_syn
        receptors = (fw.Receptor("kick", TINY), fw.Receptor("dendrite", tau_syn, drives=False))
        soma = fw.LIF(t_ref=0.0, v_reset=-70.0, receptors=receptors)
        sides, lines = {}, []
        for name, sign in SIGNS.items():
            sides[name] = fw.Population(n, soma, name=name)
            teacher = fw.PoissonSource(n, self.rate(sign * self.values, late=-1), name=f"teacher of {name}")
            lines.append(fw.Projection(teacher, sides[name], 1e6 * scipy.sparse.eye_array(n), receptor="kick"))
        eta, keep = 1 / self.norm("encode"), np.exp(-self.dt / tau_syn)
        spread = self.neurons * self.dt * keep / (1 - keep) * self.decay
        sign = -1 if self.broken == "a prediction of the wrong sign" else 1
        rule = self.mechanism.synapse(eta, error="dendrite")
        send = ("dendrite", self.steps(lambda name, n: sign / spread))  # spikes per ms that are expected
        return self._circuit(sides, rule, lines, send, gate=self.gate("encode"))

    def _lif(self, drive: Any, *receptors: fw.Receptor) -> dict[str, fw.Population]:
        """The neurons of the network (refractory one step longer there) on their tonic drive and a taught one."""
        neuron, n = self.network.setup("delta").neuron, self.values.shape[1]
        lif = fw.LIF(
            tau_m=neuron.tau_m, t_ref=neuron.t_ref + self.dt, noise=neuron.noise, v_reset=neuron.v_reset,
            receptors=(fw.Receptor("current", neuron.tau_syn), *receptors),
        )  # fmt: skip
        tonic = self.network.curve.tonic

        def taught(sign: int) -> fw.Steps:
            nothing = np.full(n, tonic)
            return self.steps(lambda name, item: tonic + drive(sign, item) if name == "encode" else nothing)

        return {name: fw.Population(n, lif, name=name, drive=taught(sign)) for name, sign in SIGNS.items()}

    def _gain(self, phase: str, sign: float) -> fw.Steps:
        """What turns ``W/2`` into the drive (mV) of the push side that stands for W times a key."""
        neuron, slope = self.network.setup("delta").neuron, self.network.curve.slope
        gain = 2 * slope / (self.neurons * self.peak / 1000 * neuron.tau_syn)
        return self.steps(lambda name, n: sign * gain * (name == phase))

    def two_phase(self) -> fw.Circuit:
        """Retrieval collects depression, latched at its end; encoding potentiates what the value clamps."""
        curve = self.network.curve
        sides = self._lif(lambda sign, n: sign * curve.teach(self.values[n], self.peak))
        rule = self.mechanism.synapse(1 / self.norm("encode"), w_min=-np.inf)
        sign = 1.0 if self.broken == "a retrieval that potentiates" else -1.0
        ends = [self.starts[m + 1] for m, name in enumerate(self.names) if name == "retrieve"]
        plan = {"gate": self.gate("encode"), "eligibility": self.gate("retrieve", sign), "latch": ends}
        return self._circuit(sides, rule, (), ("current", self._gain("retrieve", 1.0)), **plan)

    def inhibitory_cancellation(self) -> fw.Circuit:
        """Inhibitory synapses cancel a drive that stands for the value; what they learn is latched after each item."""
        curve = self.network.curve
        lift = curve.lift(self.mechanism.rho0)
        scale = float(curve.at(1.0, lift) - curve.at(-1.0, lift)) / self.peak
        sides = self._lif(lambda sign, n: lift + sign * curve.slope * self.values[n])
        rule = self.mechanism.synapse(1 / (self.norm("encode") * scale), w_min=-np.inf)
        sign = 1.0 if self.broken == "excitation in place of inhibition" else -1.0
        ends = [self.starts[m + 1] for m, name in enumerate(self.names) if name == "encode"]
        plan = {"gate": 0.0, "eligibility": self.gate("encode"), "latch": ends}
        return self._circuit(sides, rule, (), ("current", self._gain("encode", sign)), **plan)

    def pes(self) -> fw.Circuit:
        """Error neurons that the value drives and the keys inhibit teach both synapses of a pair by one receptor."""
        slope = self.network.curve.slope
        sides = self._lif(lambda sign, n: sign * slope * self.values[n], fw.Receptor("error", TINY, drives=False))
        # a spike is 1 / dt spikes per ms for one step, of which the receptor holds what it has left a step later
        one = (
            scipy.sparse.eye_array(self.values.shape[1], format="csr") * np.exp(self.dt / TINY) / (self.dt * self.decay)
        )
        wrong = self.broken == "an error without its pull side"
        lines = [
            fw.Projection(sides[a], sides[b], sign * SIGNS[b] * one, receptor="error", name=f"{a} teaches {b}")
            for b in sides
            for a, sign in (("push", 1), ("pull", 0 if wrong else -1))
        ]
        rule = self.mechanism.synapse(1 / (2 * self.norm("encode")))
        return self._circuit(
            sides, rule, lines, ("current", self._gain("encode", -1.0)), gate=self.gate("encode", late=1)
        )
