"""Synapses compete: spike-timing-dependent plasticity makes weights bimodal (Song, Miller & Abbott 2000).

Neuron: leaky integrate-and-fire, driven through conductances that decay with 5 ms. Inputs: 1000 excitatory Poisson
trains; in the paper 200 inhibitory ones of 10 Hz as well. Rule: pair STDP of all excitatory synapses, all pairs of
spikes, both windows 20 ms, A-/A+ = 1.05, hard bounds at 0 and gmax. Inputs that happen to fire before the neuron win,
the others lose; the neuron ends near threshold and fires irregularly.

Two sets of parameters are in use under this name, and both are run:

- *paper*: tau_m 20 ms, rest -70, threshold -54, reset -60 mV, reversal 0 and -70 mV, gmax 0.015, inhibition 0.05 (of
  the leak), A+ 0.005. Second hand: the public programs that restate the paper agree on these (an early example of
  Brian, M. Faraji's for Brian2, one for PyNN, a student's simulator); on the rate of the excitatory inputs (10 or
  15 Hz) and on the weights at the start (0.2, 0.5 or 1 gmax, or random) they do not.
- *Brian2's example* of the paper: tau_m 10 ms, rest -74 mV, gmax 0.01, A+ 0.01, no inhibition, inputs of 15 Hz.

Published: for the example, fractions of weak and strong weights (one seed), and rates at two time steps (six seeds),
obtained with Brian2; over which time these rates were taken is not known, so two windows stand here. For the paper no
number could be found in a source that is at hand: that weights become bimodal and firing irregular is compared with
the start and with the same inputs before plasticity.

What the time step does: a clock puts an input into the very step of a spike, where (neurons, thresholds, arrivals,
postsynaptic changes, resets: Brian2's order, and the one here) it counts as a cause. Sums over whole steps weigh the
depression by unrelated pairs, over their potentiation, exp(-dt / tau) times as much as in continuous time. "balanced"
multiplies A- by exp(dt / tau), which takes just that back; where the rates of all time steps then agree, that was all.

Ours: independent inputs and random weights at the start for every seed; inputs of 10 to 40 Hz for the paper's
parameters; exponential Euler (the example: Euler).

Cites: song2000
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.measures import binned_rate, interval_cv
from synfwp.results import Row
from synfwp.settings import sized

SETS = ("paper", "Brian2's example")
ORDERS = ("arrivals first", "balanced")
ENGINE = {100: (0.34, 0.29), 400: (0.40, 0.34)}  # Brian2, one seed: after so many seconds, below 0.2 and above 0.8 gmax
ENGINE_RATES = {0.1: (21.7, 1.3), 0.2: (28.2, 1.4)}  # Hz at a time step in ms, and SD over six seeds
WINDOWS = ((100, 200), (300, 400))  # s, in which rates are compared with these
WEAK, STRONG, BINS = 0.2, 0.8, 20
STATIC = 20  # s: of the same inputs without plasticity


class Size(NamedTuple):
    """Runs, then the constants of the paper and of Brian2's example, in this order; one number is both."""

    seeds: int  # runs of each condition, each with a seed of its own
    seconds: int  # seconds of a run
    every: int  # seconds between looks at the weights
    steps: tuple[float, ...] = (0.05, 0.1, 0.2)  # ms: time steps
    rates: tuple[float, ...] = (10.0, 15.0, 20.0, 30.0, 40.0)  # Hz: of excitatory inputs, with the paper's constants
    inputs: int = 1000  # excitatory inputs
    inhibitory: tuple[int, ...] = (200, 0)  # inhibitory inputs
    rate: tuple[float, ...] = (15.0, 15.0)  # Hz: rate of the excitatory inputs
    rate_in: tuple[float, ...] = (10.0, 10.0)  # Hz: rate of the inhibitory inputs
    tau_m: tuple[float, ...] = (20.0, 10.0)  # ms: membrane
    v_rest: tuple[float, ...] = (-70.0, -74.0)  # mV: resting potential
    v_threshold: float = -54.0  # mV: threshold
    v_reset: float = -60.0  # mV: reset
    tau_syn: float = 5.0  # ms: conductances
    reversal_in: float = -70.0  # mV: of inhibition; that of excitation is 0
    g_max: tuple[float, ...] = (0.015, 0.01)  # largest conductance of an excitatory synapse, in leak conductances
    g_in: tuple[float, ...] = (0.05, 0.05)  # conductance of an inhibitory synapse, in leak conductances
    A_plus: tuple[float, ...] = (0.005, 0.01)  # potentiation by one pair, in g_max
    depression: float = 1.05  # depression by one pair over the potentiation
    tau: float = 20.0  # ms: both windows

    def of(self, parameters: str, dt: float = 0.0, rate: float | None = None) -> "Constants":
        """One set; with a time step (ms), A- is balanced for it."""

        def one(values: tuple[Any, ...]) -> Any:
            return values[min(SETS.index(parameters), len(values) - 1)]

        return Constants(
            inputs=self.inputs,
            inhibitory=one(self.inhibitory),
            rate=one(self.rate) if rate is None else rate,
            rate_in=one(self.rate_in),
            neuron=fw.LIF(
                tau_m=one(self.tau_m),
                t_ref=0.0,
                v_rest=one(self.v_rest),
                v_threshold=self.v_threshold,
                v_reset=self.v_reset,
                receptors=(
                    fw.Receptor("excitatory", tau=self.tau_syn, reversal=0.0),
                    fw.Receptor("inhibitory", tau=self.tau_syn, reversal=self.reversal_in),
                )[: 2 if one(self.inhibitory) else 1],
            ),
            g_max=one(self.g_max),
            g_in=one(self.g_in),
            A_plus=one(self.A_plus),
            A_minus=self.depression * float(np.exp(dt / self.tau)) * one(self.A_plus),
            tau=self.tau,
        )


class Constants(NamedTuple):
    """One set: inputs with rates (Hz), a neuron, conductances, changes by one pair in g_max, their window (ms)."""

    inputs: int
    inhibitory: int
    rate: float
    rate_in: float
    neuron: fw.LIF
    g_max: float
    g_in: float
    A_plus: float
    A_minus: float
    tau: float


FULL = Size(seeds=5, seconds=400, every=10)
QUICK = Size(seeds=1, seconds=20, every=5, steps=(0.1, 0.2), rates=(15.0, 40.0))
EXAMPLE = FULL.of(SETS[1])


def circuit(
    weight: Any,
    dt: float = 0.1,
    source: Any = None,
    plastic: bool = True,
    one: Constants | None = None,
) -> fw.Circuit:
    """Poisson inputs, or a ``source``, onto neurons through ``weight`` (inputs, neurons); default: Brian2's example."""
    one = one or EXAMPLE
    plus, minus = one.A_plus * one.g_max, one.A_minus * one.g_max
    rule = fw.plasticity.pair(plus, minus, one.tau, one.tau, w_max=one.g_max) if plastic else None
    inputs = fw.PoissonSource(weight.shape[0], one.rate, name="inputs") if source is None else source
    cells = fw.Population(weight.shape[1], one.neuron)
    synapses = [fw.Projection(inputs, cells, weight, receptor="excitatory", plasticity=rule, name="synapses")]
    if one.inhibitory:
        inhibition = fw.PoissonSource(one.inhibitory, one.rate_in, name="inhibition")
        synapses.append(fw.Projection(inhibition, cells, one.g_in, receptor="inhibitory"))
    return fw.Circuit(synapses, dt=dt)


def cell(size: Size, parameters: str, order: str, dt: float, seed: int) -> xr.Dataset:
    """One neuron with one set of constants."""
    return run(size.of(parameters, dt if order == "balanced" else 0.0), size.seconds, size.every, dt, seed)


def by_rate(size: Size, input_rate: float, seed: int) -> xr.Dataset:
    """One neuron with the paper's constants and inputs of another rate, balanced, in steps of 0.1 ms."""
    return run(size.of("paper", 0.1, input_rate), size.seconds, size.every, 0.1, seed)


def run(one: Constants, seconds: int, every: int, dt: float, seed: int) -> xr.Dataset:
    """Fractions of weights and rates over time, weights and irregularity in the last quarter, and before plasticity."""
    start = seeds.generator(seed, "weights").uniform(0, one.g_max, (one.inputs, 1))
    simulation = circuit(start, dt, one=one).start(seed)
    weights, spikes = [start], []
    for _ in range(seconds // every):
        spikes.append(fw.spikes(simulation.run(1000.0 * every), "cells")[0])
        weights.append(simulation.weights("synapses"))
    w, time = np.array(weights)[:, :, 0] / one.g_max, np.concatenate(spikes)
    late = time[time >= 0.75 * seconds]
    static = fw.spikes(circuit(start, dt, plastic=False, one=one).start(seed).run(1000.0 * STATIC), "cells")[0]
    edges, looks = np.arange(0, seconds + 1, every), np.linspace(0, 1, BINS + 1)
    hertz, share, second = {"units": "Hz"}, {"units": "1"}, {"units": "s", "long_name": "time"}
    variables: dict[str, Any] = {
        "histogram": ("weight", np.histogram(w[-1], looks)[0] / len(start), share | {"long_name": "share of synapses"}),
        "weak": ("time", (w < WEAK).mean(axis=1), share | {"long_name": "fraction of weights below 0.2 gmax"}),
        "strong": ("time", (w > STRONG).mean(axis=1), share | {"long_name": "fraction of weights above 0.8 gmax"}),
        "rate": ("bin", binned_rate(time, edges), hertz | {"long_name": "rate"}),
        "final_rate": ((), len(late) / (0.25 * seconds), hertz | {"long_name": "rate, last quarter"}),
        "cv": ((), _cv(late), share | {"long_name": "CV of the intervals, last quarter"}),
        "static_rate": ((), len(static) / STATIC, hertz | {"long_name": "rate before plasticity"}),
        "static_cv": ((), _cv(static), share | {"long_name": "CV of the intervals before plasticity"}),
    }
    coords = {
        "time": ("time", edges.astype(float), second),
        "bin": ("bin", edges[:-1] + every / 2, second),
        "weight": ("weight", (looks[1:] + looks[:-1]) / 2, share | {"long_name": "weight over gmax"}),
    }
    return results.dataset(variables, coords)


def _cv(time: np.ndarray) -> float:
    return interval_cv(time, np.zeros(len(time), int))


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Run both sets of constants at every time step, and the paper's with inputs of every rate."""
    every = range(seed, seed + size.seeds)
    grid: dict[str, Any] = {"parameters": list(SETS), "order": list(ORDERS), "dt": list(size.steps), "seed": every}
    ds = results.cells(cell, grid, size=size)
    rates = results.cells(by_rate, {"input_rate": list(size.rates), "seed": every}, size=size)
    kept = ["strong", "weak", "final_rate", "cv"]
    last = rates[kept].isel(time=-1, drop=True)
    ds = ds.merge(last.rename({name: f"{name}_by_rate" for name in kept}))
    ds["dt"].attrs = {"units": "ms", "long_name": "time step"}
    ds["input_rate"].attrs = {"units": "Hz", "long_name": "rate of the inputs"}
    ds.attrs = results.provenance({"size": size._asdict(), "quick": quick}, seed)
    return results.compared(ds, rows)


def rows(ds: xr.Dataset) -> list[Row]:
    """Brian2's example against Brian2; then weights, rate and irregularity of both sets, and what they depend on."""
    found = _against_the_engine(ds.sel(parameters=SETS[1], order=ORDERS[0]))
    step, seconds = _shown(ds), float(ds.time[-1])
    for parameters in SETS:
        one = ds.sel(parameters=parameters, order="balanced", dt=step)
        at = f"{parameters}, balanced, dt {step:g} ms"
        middle = one.histogram.sel(weight=slice(0.4, 0.6)).sum("weight")
        why = "the same inputs and weights before plasticity: the neuron is driven far above threshold"
        found += [
            Row(f"{at}: weights below 0.2 gmax after {seconds:g} s", one.weak[:, -1]),
            Row(f"{at}: weights above 0.8 gmax after {seconds:g} s", one.strong[:, -1]),
            Row(f"{at}: weights from 0.4 to 0.6 gmax, against the start", middle, 0.2, "control", claim="below"),
        ]
        if one.static_cv.notnull().all():  # a neuron with few inputs is silent
            found.append(
                Row(f"{at}: CV, against before plasticity", one.cv, one.static_cv, "control", "", "above", why=why)
            )
        found += _by_step(ds.sel(parameters=parameters), parameters)
    return found + _by_rate(ds)


def _by_rate(ds: xr.Dataset) -> list[Row]:
    """Rates with other inputs; with the fastest, against the rate if it grew as theirs."""
    base = _usual(ds)
    found = [
        Row(f"paper, inputs of {rate:g} Hz: rate (Hz), last quarter", ds.final_rate_by_rate.sel(input_rate=rate))
        for rate in ds.input_rate.values
    ]
    most = float(ds.input_rate.max())
    if base in ds.input_rate and most > base:
        times = ds.final_rate_by_rate.sel(input_rate=most) / ds.final_rate_by_rate.sel(input_rate=base)
        text = f"paper, inputs of {most:g} Hz: rate over that with {base:g} Hz, against proportional"
        why = "competition takes back most of what the inputs add"
        found.append(Row(text, times, most / base, "control", claim="below", why=why))
    return found


def _against_the_engine(one: xr.Dataset) -> list[Row]:
    """Weights and rates of Brian2's example, where these settings have them."""
    found = []
    for seconds, known in ENGINE.items():
        if 0.1 not in one["dt"] or seconds not in one.time:
            continue
        for name, what, value in zip(("weak", "strong"), ("below 0.2", "above 0.8"), known, strict=True):
            shares = one[name].sel(dt=0.1, time=seconds)
            spread = float(shares.std(ddof=1)) if shares.size > 1 else 0.0  # for the one seed of Brian2
            text = f"Brian2's example: weights {what} gmax after {seconds} s"
            found.append(Row(text, shares, value, "other engine", "song2000, Brian2's example", error=spread))
    for dt, (known_rate, sd) in ENGINE_RATES.items():
        for first, last in WINDOWS:
            if dt in one["dt"] and last <= float(one.time[-1]):
                rate = one.rate.sel(dt=dt, bin=slice(first, last)).mean("bin")
                text = f"Brian2's example: rate (Hz), dt {dt:g} ms, {first} to {last} s"
                why = "the rate falls slowly, and when Brian2's was taken is not known"
                source = "song2000, Brian2's example"
                found.append(Row(text, rate, known_rate, "other engine", source, error=sd / 6**0.5, why=why))
    return found


def _by_step(one: xr.Dataset, parameters: str) -> list[Row]:
    """Rate and CV at every time step, and of both orders the rate at the longest against that at the shortest."""
    found, steps = [], one["dt"].values
    for order in ORDERS:
        for dt in steps:
            here = one.sel(order=order, dt=dt)
            found.append(Row(f"{parameters}, {order}: rate (Hz), dt {dt:g} ms, last quarter", here.final_rate))
            found.append(Row(f"{parameters}, {order}: CV, dt {dt:g} ms, last quarter", here.cv))
        long, short = (one.final_rate.sel(order=order, dt=dt) for dt in (max(steps), min(steps)))
        if len(steps) > 1:
            text = f"{parameters}, {order}: rate (Hz), dt {max(steps):g} against {min(steps):g} ms"
            claim = "above" if order == ORDERS[0] else "equal"
            why = "inputs in the step of a spike count as causes" if claim == "above" else ""
            error = float(short.std(ddof=1)) / len(short) ** 0.5 if short.size > 1 else 0.0
            found.append(Row(text, long, float(short.mean()), "control", claim=claim, error=error, why=why))
    return found


def figure(ds: xr.Dataset) -> Any:
    """Four panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 105, "ab;cd")
    colours = dict(zip(SETS, ("blue", "vermillion"), strict=True))
    dashed: dict[str, Any] = {"color": "0.45", "linewidth": 0.7, "linestyle": (0, (3, 2))}
    balanced, edges = ds.sel(order="balanced", dt=_shown(ds)), np.linspace(0, 1, BINS + 1)
    with plot.style():
        for name in SETS:
            colour, one = plot.COLOURS[colours[name]], balanced.sel(parameters=name)
            axes["a"].stairs(100 * one.histogram.mean("seed"), edges, color=colour, label=name)
            axes["b"].plot(ds.bin, one.rate.T, color=colour, linewidth=0.4, alpha=0.4)
            axes["b"].plot(ds.bin, one.rate.mean("seed"), color=colour, label=name)
            for order, line in zip(ORDERS, (":", "-"), strict=True):
                rate = ds.final_rate.sel(parameters=name, order=order)
                label = name if order == "balanced" else None
                axes["c"].errorbar(
                    ds["dt"], rate.mean("seed"), rate.std("seed"), color=colour, linestyle=line, marker="o", label=label
                )
        axes["a"].axhline(100 / BINS, **dashed, label="at the start")
        axes["a"].set(xlabel="weight (gmax)", ylabel="synapses (%)", xlim=(0, 1), ylim=(0, None))
        axes["b"].set(xlabel="time (s)", ylabel="rate (Hz)", xlim=(0, None), ylim=(0, None))
        known = {dt: x for dt, (x, _) in ENGINE_RATES.items() if dt in ds["dt"]}
        plot.points(axes["c"], list(known), list(known.values()), colour="vermillion", marker="D", label="Brian2")
        axes["c"].set(xlabel="time step (ms)", ylabel="rate (Hz)", xlim=(0, None), ylim=(0, None))
        rate = ds.final_rate_by_rate
        axes["d"].errorbar(
            ds.input_rate, rate.mean("seed"), rate.std("seed"), color=plot.COLOURS["blue"], marker="o", label="paper"
        )
        ends = np.array([0, float(ds.input_rate[-1])])
        usual = rate.sel(input_rate=_usual(ds), method="nearest").mean("seed")
        slope = float(usual / usual.input_rate)
        axes["d"].plot(ends, slope * ends, **dashed, label="proportional")
        axes["d"].set(xlabel="rate of the inputs (Hz)", ylabel="rate (Hz)", xlim=(0, None), ylim=(0, None))
        for ax in axes.values():
            plot.legend(ax)
    plot.letter(axes)
    return fig


def _usual(ds: xr.Dataset) -> float:
    """Rate (Hz) of the inputs with the paper's constants."""
    return float(json.loads(ds.attrs["parameters"])["size"]["rate"][0])


def _shown(ds: xr.Dataset) -> float:
    """The time step of what has one: 0.1 ms, or the first there is."""
    return 0.1 if 0.1 in ds["dt"] else float(ds["dt"][0])


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size, step = json.loads(ds.attrs["parameters"])["size"], _shown(ds)
    found = []
    for name in SETS:
        one = ds.sel(parameters=name, order="balanced", dt=step)
        weak, strong = (100 * float(one[side][:, -1].mean()) for side in ("weak", "strong"))
        found.append(
            f"{name}: {weak:.0f} % weak, {strong:.0f} % strong, {float(one.final_rate.mean()):.1f} Hz, CV of the "
            f"intervals {float(one.cv.mean()):.2f}"
        )
    text = f"""
        Synapses compete under spike-timing-dependent plasticity (Song, Miller & Abbott 2000), with the paper's
        constants and with those of Brian2's example; {size["inputs"]} Poisson inputs, {size["seconds"]} s,
        {size["seeds"]} run(s) (seeds) of each condition. (a) Weights at the end, dt = {step:g} ms, balanced; dashed:
        uniform, as at the start. (b) Rate; thin lines: seeds. In the last quarter, {"; ".join(found)}. (c) Rate in
        the last quarter against the time step, mean and SD over seeds: an input that arrives in the step of a spike
        counts as its cause, and longer steps hold more of them (dotted); with A- multiplied by exp(dt / tau)
        unrelated pairs weigh as in continuous time (solid); diamonds: Brian2, to be compared with the dotted line.
        (d) Rate in the last quarter against that of the inputs, the paper's constants, balanced; dashed: proportional.
    """
    return " ".join(text.split())
