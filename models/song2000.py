"""Synapses compete: spike-timing-dependent plasticity makes weights bimodal (Song, Miller & Abbott 2000).

1000 Poisson inputs of 15 Hz drive one leaky integrate-and-fire neuron through conductances. Every synapse starts at
random between 0 and gmax and follows pair STDP with hard bounds, in which depression is a little stronger. Inputs that
happen to fire before the neuron win, the others lose; the neuron ends near threshold and fires irregularly. The
published numbers are the fractions of weak and strong synapses of Brian2's example of this paper (one seed), and its
rates at two time steps (six seeds).

As published: tau_m 10 ms, rest -74, threshold -54, reset -60 mV, excitatory reversal 0 mV, 5 ms conductances, gmax 0.01
(of the leak), A+ 0.01 gmax, A- 1.05 A+, both windows 20 ms, all pairs of spikes count, time step 0.1 ms.

The rate depends on the time step and on the order of events within one, since an input that arrives in the very step
of a spike counts as its cause: here neurons are advanced, thresholds are tested, inputs arrive (transmit, depress,
raise their trace), then the postsynaptic spike potentiates, then the reset.

Ours: independent inputs and initial weights for every seed; exponential Euler (the example: Euler). The rate still
falls slowly after 100 s, and over which time the published rates were taken is not known: two windows are given.

Cites: song2000
"""

import json
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.measures import binned_rate, interval_cv
from synfwp.settings import sized

G_MAX = 0.01  # of the leak conductance
NEURON = fw.LIF(
    tau_m=10.0,
    t_ref=0.0,
    v_rest=-74.0,
    v_threshold=-54.0,
    v_reset=-60.0,
    receptors=(fw.Receptor("excitatory", tau=5.0, reversal=0.0),),
)
PUBLISHED = {100: (0.34, 0.29), 400: (0.40, 0.34)}  # after so many seconds: fractions below 0.2 and above 0.8 of gmax
RATES = {0.1: 21.7, 0.2: 28.2}  # Hz at a time step in ms; SD over seeds 1.3 and 1.4
WINDOWS = ((100, 200), (300, 400))  # s, in which rates are compared with these
WEAK, STRONG = 0.2, 0.8
OTHERS = ("green", "orange", "purple")  # colours of further time steps


class Size(NamedTuple):
    """What is run: runs at each time step, seconds, seconds between looks at the weights, inputs."""

    seeds: int  # runs at each time step, each with a seed of its own
    seconds: int  # seconds of a run
    every: int  # seconds between looks at the weights
    inputs: int = 1000  # inputs of the neuron
    steps: tuple[float, ...] = (0.1, 0.2)  # ms: time steps
    g_max: float = G_MAX  # largest conductance of a synapse, in leak conductances
    rate: float = 15.0  # Hz: rate of the inputs
    A_plus: float = 0.01  # potentiation by one pair, in g_max
    depression: float = 1.05  # depression by one pair over the potentiation
    tau: float = 20.0  # ms: both windows


FULL = Size(seeds=6, seconds=400, every=10)
QUICK = Size(seeds=1, seconds=20, every=5)


def circuit(
    weight: Any,
    rate: Any = 15.0,
    dt: float = 0.1,
    source: Any = None,
    plastic: bool = True,
    g_max: float = G_MAX,
    size: Size = FULL,
) -> fw.Circuit:
    """Poisson inputs of ``rate`` (Hz), or a ``source``, onto LIF neurons through ``weight`` (inputs, neurons)."""
    n_pre, n_post = weight.shape
    plus, minus = size.A_plus * g_max, size.depression * size.A_plus * g_max
    rule = fw.plasticity.pair(plus, minus, size.tau, size.tau, w_max=g_max) if plastic else None
    inputs = fw.PoissonSource(n_pre, rate, name="inputs") if source is None else source
    return fw.Circuit(
        [fw.Projection(inputs, fw.Population(n_post, NEURON), weight, plasticity=rule, name="synapses")], dt=dt
    )


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Run every seed at every time step; ``quick`` runs one, for a short time."""
    runs = [[run(size, dt, seed + n) for n in range(size.seeds)] for dt in size.steps]

    def cells(name: str) -> Any:
        return np.array([[one[name] for one in row] for row in runs])

    cell, share = ("dt", "seed"), {"units": "1"}
    variables: dict[str, Any] = {
        "weight": ((*cell, "input"), cells("weight"), share | {"long_name": "final weight over gmax"}),
        "weak": ((*cell, "time"), cells("weak"), share | {"long_name": "fraction of weights below 0.2 gmax"}),
        "strong": ((*cell, "time"), cells("strong"), share | {"long_name": "fraction of weights above 0.8 gmax"}),
        "rate": ((*cell, "bin"), cells("rate"), {"units": "Hz", "long_name": "rate"}),
        "final_rate": (cell, cells("final_rate"), {"units": "Hz", "long_name": "rate, last quarter"}),
        "cv": (cell, cells("cv"), share | {"long_name": "CV of the intervals, last quarter"}),
    }
    coords = {
        "dt": ("dt", list(size.steps), {"units": "ms", "long_name": "time step"}),
        "seed": range(seed, seed + size.seeds),
        "time": ("time", np.arange(0, size.seconds + size.every, size.every, dtype=float)),
        "bin": (
            "bin",
            np.arange(0, size.seconds, size.every) + size.every / 2,
            {"units": "s", "long_name": "time"},
        ),
    }
    settings = {"size": size._asdict(), "quick": quick}
    ds = results.dataset(variables, coords, **results.provenance(settings, seed))
    return results.compared(ds, table)


def run(size: Size, dt: float, seed: int) -> dict[str, Any]:
    """One neuron: weights at the end, and fractions and rates over time."""
    start = seeds.generator(seed, "weights").uniform(0, size.g_max, (size.inputs, 1))
    simulation = circuit(start, dt=dt, rate=size.rate, g_max=size.g_max, size=size).start(seed)
    weights, spikes = [start], []
    for _ in range(size.seconds // size.every):
        ds = simulation.run(1000.0 * size.every)
        weights.append(simulation.weights("synapses"))
        spikes.append(fw.spikes(ds, "cells")[0])
    w, time = np.array(weights)[:, :, 0] / size.g_max, np.concatenate(spikes)
    late = time[time >= 0.75 * size.seconds]
    return {
        "weight": w[-1],
        "weak": (w < WEAK).mean(axis=1),
        "strong": (w > STRONG).mean(axis=1),
        "rate": binned_rate(time, np.arange(0, size.seconds + size.every, size.every)),
        "final_rate": len(late) / (0.25 * size.seconds),
        "cv": interval_cv(late, np.zeros(len(late), int)),
    }


def table(ds: xr.Dataset) -> xr.Dataset:
    """The comparison that is printed: means over seeds, and how far single runs lie apart."""
    rows: list[tuple[str, float, float]] = []
    for seconds, known in PUBLISHED.items():
        if 0.1 not in ds["dt"] or seconds not in ds.time:
            continue
        one = ds.sel(dt=0.1)
        for name, text, value in zip(("weak", "strong"), ("below 0.2 gmax", "above 0.8 gmax"), known, strict=True):
            found = one[name].sel(time=seconds)
            rows.append((f"weights {text} after {seconds} s", value, float(found.mean())))
            rows.append((f"weights {text} after {seconds} s, SD over seeds", np.nan, float(found.std())))
    for dt in ds["dt"].values:
        here = ds.sel(dt=dt)
        for first, last in WINDOWS:
            if last <= float(ds.time[-1]):
                rate = here.rate.sel(bin=slice(first, last)).mean("bin")
                known_rate = RATES.get(float(dt), np.nan)
                rows.append((f"rate (Hz), dt {dt:g} ms, {first}-{last} s", known_rate, float(rate.mean())))
                rows.append((f"rate (Hz), dt {dt:g} ms, {first}-{last} s, SD over seeds", np.nan, float(rate.std())))
        rows += [
            (f"rate (Hz), dt {dt:g} ms, last quarter", np.nan, float(here.final_rate.mean())),
            (f"CV of intervals, dt {dt:g} ms, last quarter", np.nan, float(here.cv.mean())),
            (f"weights below 0.2 gmax at the end, dt {dt:g} ms", np.nan, float(here.weak[..., -1].mean())),
            (f"weights above 0.8 gmax at the end, dt {dt:g} ms", np.nan, float(here.strong[..., -1].mean())),
        ]
    return results.comparison(rows)


def figure(ds: xr.Dataset) -> Any:
    """Three panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 58, "abc")
    blue, red, grey = plot.COLOURS["blue"], plot.COLOURS["vermillion"], "0.45"
    one = ds.sel(dt=_shown(ds))
    end, edges = float(ds.time[-1]), np.linspace(0, 1, 21)
    with plot.style():
        ax = axes["a"]
        share = np.histogram(one.weight.values, edges)[0] / one.weight.size
        ax.stairs(100 * share, edges, fill=True, color=blue, label=f"after {end:g} s")
        ax.axhline(100 / 20, color=grey, linewidth=0.7, linestyle=(0, (3, 2)), label="at the start")
        ax.set(xlabel="weight (gmax)", ylabel="synapses (%)", xlim=(0, 1))
        ax = axes["b"]
        for name, colour, text in (("weak", blue, "below 0.2 gmax"), ("strong", red, "above 0.8 gmax")):
            ax.plot(ds.time, 100 * one[name].T, color=colour, linewidth=0.4, alpha=0.4)
            ax.plot(ds.time, 100 * one[name].mean("seed"), color=colour, label=text)
            known = {s: v[name == "strong"] for s, v in PUBLISHED.items() if s <= end}
            plot.points(ax, list(known), [100 * v for v in known.values()], colour=colour, marker="D")
        ax.set(xlabel="time (s)", ylabel="synapses (%)", ylim=(0, 50))
        ax = axes["c"]
        for dt, colour in zip(
            ds["dt"].values, cycle((blue, red, *(plot.COLOURS[name] for name in OTHERS))), strict=False
        ):
            here = ds.rate.sel(dt=dt)
            ax.plot(ds.bin, here.T, color=colour, linewidth=0.4, alpha=0.4)
            ax.plot(ds.bin, here.mean("seed"), color=colour, label=f"dt = {dt:g} ms")
            plot.points(ax, [end], [RATES.get(float(dt), np.nan)], colour=colour, marker="D")
        ax.set(xlabel="time (s)", ylabel="rate (Hz)", xlim=(0, None), ylim=(0, None))
        for ax in axes.values():
            plot.legend(ax)
    plot.letter(axes)
    return fig


def _shown(ds: xr.Dataset) -> float:
    """The time step of the panels with one: the published one, or the first there is."""
    return 0.1 if 0.1 in ds["dt"] else float(ds["dt"][0])


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size, shown = json.loads(ds.attrs["parameters"])["size"], _shown(ds)
    one = ds.sel(dt=shown)
    weak, strong = (100 * float(one[name][..., -1].mean()) for name in ("weak", "strong"))
    late = [
        (float(ds.final_rate.sel(dt=dt).mean()), float(ds.cv.sel(dt=dt).mean()), float(dt)) for dt in ds["dt"].values
    ]
    (rate, cv, dt), *more = late
    last = f"{rate:.1f} Hz (CV of the intervals {cv:.2f}) at {dt:g} ms"
    last += "".join(f", {rate:.1f} Hz ({cv:.2f}) at {dt:g} ms" for rate, cv, dt in more)
    steps = {1: "one", 2: "two"}.get(len(late), str(len(late)))
    text = f"""
        Synapses compete under spike-timing-dependent plasticity (Song, Miller & Abbott 2000). One neuron with
        {size["inputs"]} Poisson inputs of {size["rate"]:g} Hz, {size["seconds"]} s; {size["seeds"]} run(s) (seeds) at
        each time step. (a) Weights at the end, dt = {shown:g} ms, all seeds together; dashed: uniform, as at the
        start. (b) Fractions of weak and strong synapses, dt = {shown:g} ms; thin lines: seeds; diamonds: published,
        one seed. At the end {weak:.0f} % are weak and {strong:.0f} % strong. (c) Rate of the neuron at {steps} time
        step{"s" * (len(late) > 1)}; diamonds: published for runs of 400 s, means of six seeds. Last quarter: {last}:
        an input that arrives in the step of a spike counts as its cause, and longer steps hold more of them.
    """
    return " ".join(text.split())
