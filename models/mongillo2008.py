"""Working memory without activity: an item is held by facilitated synapses (Mongillo, Barak & Tsodyks 2008).

Synapses that facilitate for seconds (U 0.19, tau_F 1500 ms, tau_D 200 ms) release ``u x`` at a spike. An item that was
shown leaves u of its neurons raised when they are silent again; a weak pulse to all neurons then makes them fire, and
no others. Shown three times: the released share in steady state, from synapses and from rate equations; a network of
rates; and a network of leaky integrate-and-fire neurons. Two controls: the same synapses with u fixed at U, and the
pulse without an item.

As published: the equations of u and x, in which u relaxes to U and a spike releases u as it is before its own jump.
The same numbers come from synapses whose u relaxes to 0 and is raised before the release, which is how circuits have
it. The steady states to compare with are closed forms of the published U, tau_F and tau_D.

Second-hand (the tables of the paper's supplement were not at hand; from Tiddia et al. 2022 and their program, which
rebuild the spiking network): 8000 excitatory and 2000 inhibitory neurons, each pair connected with a probability of
0.2; items of a tenth of the excitatory neurons; efficacies of 0.10 mV, potentiated 0.45 (within an item, and a tenth of
those that involve neurons of no item), 0.135, 0.25 and 0.20 mV; thresholds 20 mV, resets 16 and 13 mV, membranes 15 and
10 ms, 2 ms refractory; noise of 1 mV; the item's drive times 1.15 for 350 ms, all drives times 1.05 for 250 ms.

Ours: a quarter of the neurons, each pair connected with 0.8, so that a neuron has as many synapses (quick: 1200, all
pairs, efficacies times 4 / 3); the mean drive 22.3 mV (20.5 mV to inhibition; Tiddia et al. have 22.7 to 24.1), at
which most networks are silent in the delay; exponential currents of 2 ms in place of jumps; all delays 1 ms; the pulse
650 ms after the item. In the network of rates everything but U, tau_F and tau_D: five items and one inhibitory unit,
gain ``f = 1.5 log(1 + exp(h / 1.5))`` Hz, as it is and with the 2 ms in which a neuron cannot fire, ``f / (1 + t_ref
f)``; tau 8 ms, weights 12, -2.5 and 1.75, background 1 Hz, item +10, pulse +3. No published number says how often a
pulse works; a population spike is here one spike for every fifth neuron of an item in 20 ms.

Cites: mongillo2008, tiddia2022
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.results import Row
from synfwp.settings import sized

RATES = (1, 5, 10, 20, 40)  # Hz
REFRACTORY = ("without", "with")  # a refractory period, in the network of rates
LONG = 60_000.0  # ms: trains and rates to the steady state
CURVE = np.geomspace(0.5, 60, 60)  # Hz
ITEMS = 5
SPIKE = 0.2  # spikes per neuron of an item within BIN that make a population spike
BIN = 20.0  # ms
CONDITIONS = ("facilitation", "no facilitation", "no item")  # the controls lack what they are named after


class Protocol(NamedTuple):
    """Times of one trial in ms: an item is shown, a pulse goes to all neurons, the end."""

    item: float = 1000.0
    shown: float = 350.0
    pulse: float = 2000.0
    lasts: float = 250.0
    end: float = 2700.0

    def windows(self) -> dict[str, tuple[float, float]]:
        """Stretches in which activity is compared; each leaves out the 150 ms after the one before."""
        off = self.item + self.shown
        return {
            "baseline": (300.0, self.item),
            "item": (self.item, off),
            "delay": (off + 150, self.pulse),
            "pulse": (self.pulse, self.pulse + self.lasts + 50),
        }


class Size(NamedTuple):
    """The spiking networks, the synapses, the times of a trial, and the neurons and weights of both networks."""

    neurons: int  # excitatory neurons of a network
    probability: float  # probability of a synapse
    efficacy: float  # factor of all efficacies
    networks: int  # networks, each with a seed of its own (seed, seed + 1, ...)
    shown: int = 20  # neurons of each item in the raster
    U: float = 0.19  # share of the resources that a spike releases at rest
    tau_F: float = 1500.0  # ms: recovery of u
    tau_D: float = 200.0  # ms: recovery of x
    item_start: float = 1000.0  # ms: the item is shown
    item_lasts: float = 350.0  # ms: for so long
    pulse_start: float = 2000.0  # ms: the pulse to all neurons
    pulse_lasts: float = 250.0  # ms: for so long
    end: float = 2700.0  # ms: end of a trial
    mean: float = 22.3  # mV: mean drive of the excitatory neurons
    mean_inhibition: float = 20.5  # mV: mean drive of the inhibitory neurons
    item_drive: float = 1.15  # factor of the drive of the item that is shown
    pulse_drive: float = 1.05  # factor of all drives in the pulse
    noise: float = 1.0  # mV: fluctuations of the drive
    J: float = 0.10  # mV: efficacy between excitatory neurons
    potentiated: float = 4.5  # factor of the potentiated ones
    J_to_I: float = 0.135  # mV: from excitatory to inhibitory neurons
    J_from_I: float = 0.25  # mV: from inhibitory to excitatory neurons
    J_of_I: float = 0.20  # mV: between inhibitory neurons
    threshold: float = 20.0  # mV: above rest
    refractory: float = 2.0  # ms: of all spiking neurons, and of the network of rates where it has that
    tau_E: float = 15.0  # ms: membranes of excitatory neurons
    tau_I: float = 10.0  # ms: membranes of inhibitory neurons
    w_item: float = 12.0  # network of rates: of an item to itself
    w_from_I: float = 2.5  # network of rates: of the inhibition
    w_to_I: float = 1.75  # network of rates: of an item to the inhibition
    background: float = 1.0  # Hz: network of rates
    item_rate: float = 10.0  # Hz: network of rates, more while the item is shown
    pulse_rate: float = 3.0  # Hz: network of rates, more in the pulse
    tau: float = 8.0  # ms: network of rates

    @property
    def times(self) -> Protocol:
        """The trial; a stretch to look at is left in the delay and behind the pulse."""
        found = Protocol(self.item_start, self.item_lasts, self.pulse_start, self.pulse_lasts, self.end)
        for name, (start, stop) in found.windows().items():
            if stop - start < BIN or stop > found.end:
                raise ValueError(
                    f"{name} is looked at from {start:g} to {stop:g} ms of a trial of {found.end:g} ms; pass times "
                    "with item_start at 320 or more, item_lasts at 20 or more, the pulse 170 ms behind the item, and "
                    "the end 50 ms behind the pulse."
                )
        return found


FULL = Size(neurons=2000, probability=0.8, efficacy=1.0, networks=20)
QUICK = Size(neurons=1200, probability=1.0, efficacy=4 / 3, networks=2)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Steady states, the network of rates and the spiking networks; ``quick`` takes two small networks."""
    times = size.times
    grid = {"condition": list(CONDITIONS), "seed": range(seed, seed + size.networks)}
    parts = [steady_states(size), rate_network(size), results.cells(spikes_of, grid, size=size), example(size, seed)]
    settings = {"size": size._asdict(), "times": times._asdict(), "quick": quick}
    ds = xr.merge(parts, join="exact", combine_attrs="no_conflicts").assign_attrs(results.provenance(settings, seed))
    return results.compared(ds, rows)


def times_of(ds: xr.Dataset) -> Protocol:
    """The trial of a run."""
    return Protocol(**json.loads(ds.attrs["parameters"])["times"])


def steady_states(size: Size) -> xr.Dataset:
    """``u x`` at the last spike of a long regular train, and where the rate equations come to rest."""
    trains = [np.arange(1000.0 / rate, LONG, 1000.0 / rate) for rate in RATES]
    times, units = np.concatenate(trains), np.repeat(np.arange(len(RATES)), [len(train) for train in trains])
    order = np.argsort(times, kind="stable")
    source = fw.SpikeSource(len(RATES), times[order], units[order], name="trains")
    cells = fw.Population(len(RATES), fw.LIF(tau_syn=1.0, noise=0.0, v_threshold=1e3), name="cells")
    feed = fw.Projection(source, cells, np.eye(len(RATES)), short_term=short_term(size, size.tau_F))
    current = fw.Circuit([feed], dt=1.0).run(LONG, record=fw.Record("cells", "current")).current_cells
    share = {"units": "1", "long_name": "share u x released at a spike"}
    found = {
        "released": ("rate", current.values[-1001:].max(axis=0), share),
        "flow": ("curve", resting(size, CURVE), share),
        "flow_at": ("rate", resting(size, np.array(RATES, float)), share),
    }
    hertz = {"units": "Hz", "long_name": "rate of the spikes"}
    return results.dataset(found, {"rate": ("rate", list(RATES), hertz), "curve": ("curve", CURVE, hertz)})


def closed_form(size: Size, rate: np.ndarray) -> dict[str, np.ndarray]:
    """``u x`` in the steady state at rates in Hz: before the spikes of regular trains, and of the rate equations."""
    keep, rest = np.exp(-1e3 / (rate * size.tau_F)), np.exp(-1e3 / (rate * size.tau_D))
    u = size.U / (1 - (1 - size.U) * keep)
    mean = size.U * (1 + 1e-3 * size.tau_F * rate) / (1 + 1e-3 * size.U * size.tau_F * rate)
    return {
        "regular trains": u * (1 - rest) / (1 - (1 - u) * rest),
        "rate equations": mean / (1 + 1e-3 * mean * size.tau_D * rate),
    }


def short_term(size: Size, tau_facil: float) -> fw.ShortTerm:
    """The synapses of the paper in the form of circuits."""
    return fw.ShortTerm(U=size.U, tau_rec=size.tau_D, tau_facil=tau_facil)


def flow(size: Size, u: Any, x: Any, rate: Any) -> tuple[Any, Any]:
    """``du/dt`` and ``dx/dt`` (1/ms) at rates in Hz."""
    U, spikes = size.U, rate * 1e-3
    return (U - u) / size.tau_F + U * (1 - u) * spikes, (1 - x) / size.tau_D - u * x * spikes


def resting(size: Size, rate: np.ndarray, dt: float = 2.0) -> np.ndarray:
    """``u x`` after a minute of the rate equations at constant rates."""
    u, x = np.full(rate.shape, size.U), np.ones(rate.shape)
    for _ in range(int(LONG / dt)):
        du, dx = flow(size, u, x, rate)
        u, x = u + dt * du, x + dt * dx
    return u * x


def rate_network(size: Size, dt: float = 0.1, every: float = 2.0) -> xr.Dataset:
    """The network of rates under all conditions, without and with a refractory period."""
    times, n = size.times, 2 * len(CONDITIONS)
    refractory = np.repeat([0.0, 1e-3 * size.refractory], len(CONDITIONS))[:, None]  # s
    facilitates = np.tile([[1.0], [0.0], [1.0]], (2, 1))
    shown = size.item_rate * np.tile([1.0, 1.0, 0.0], 2)  # Hz
    h, u, x = np.zeros((n, ITEMS + 1)), np.full((n, ITEMS), size.U), np.ones((n, ITEMS))
    kept: list[Any] = []
    for step in range(round(times.end / dt)):
        t = step * dt
        rate = 1.5 * np.logaddexp(0, h / 1.5)
        rate = rate / (1 + refractory * rate)
        if step % round(every / dt) == 0:
            kept.append((rate[:, :ITEMS], u, x))
        drive = np.full((n, ITEMS), size.background)
        drive[:, 0] += shown * (times.item <= t < times.item + times.shown)
        drive += size.pulse_rate * (times.pulse <= t < times.pulse + times.lasts)
        to_items = size.w_item * u * x * rate[:, :ITEMS] - size.w_from_I * rate[:, ITEMS:] + drive
        to_inhibition = size.w_to_I * rate[:, :ITEMS].sum(axis=1, keepdims=True)
        du, dx = flow(size, u, x, rate[:, :ITEMS])
        h = h + dt / size.tau * (np.hstack([to_items, to_inhibition]) - h)
        u, x = u + dt * facilitates * du, x + dt * dx
    shape = (len(kept), 2, len(CONDITIONS), ITEMS)
    names = {"rates": ("Hz", "rate"), "u": ("1", "u"), "x": ("1", "x")}
    found = {
        name: (
            ("refractory", "condition", "time", "cue"),
            np.moveaxis(np.reshape([part[m] for part in kept], shape), 0, 2),
            {"units": unit, "long_name": text},
        )
        for m, (name, (unit, text)) in enumerate(names.items())
    }
    coords = {"time": results.seconds(every * np.arange(len(kept))), "cue": item_names()}
    refractory_at = ("refractory", list(REFRACTORY))
    return results.dataset(found, {"refractory": refractory_at, "condition": ("condition", list(CONDITIONS)), **coords})


def item_names() -> tuple[str, list[str]]:
    """A coordinate: the item that is shown and the others."""
    return "cue", ["item", *(f"other {m}" for m in range(1, ITEMS))]


def network(size: Size, condition: str, seed: int) -> tuple[fw.Circuit, np.ndarray]:
    """A spiking network, and the item of each excitatory neuron (-1: of none)."""
    n = size.neurons
    of = np.repeat(np.arange(10), n // 10)
    of[of >= ITEMS] = -1
    part = seeds.generator(seed, "network")
    start = {"E": part.uniform(14.0, 20.0, n), "I": part.uniform(10.0, 20.0, n // 4)}
    same: dict[str, Any] = {"t_ref": size.refractory, "tau_syn": 2.0, "v_rest": 0.0, "v_threshold": size.threshold}
    same["noise"] = size.noise * 0.5**0.5
    neurons = {"E": fw.LIF(tau_m=size.tau_E, v_reset=16.0, **same), "I": fw.LIF(tau_m=size.tau_I, v_reset=13.0, **same)}
    mean, shown = np.full(n, size.mean), None if condition == "no item" else 0
    at, on, pulse, lasts, _ = size.times
    drive = fw.Steps(
        [0.0, at, at + on, pulse, pulse + lasts],
        [mean, np.where(of == shown, size.item_drive, 1.0) * mean, mean, size.pulse_drive * mean, mean],
    )
    E = fw.Population(n, neurons["E"], name="E", drive=drive, v_init=start["E"])
    inhibition = fw.Population(n // 4, neurons["I"], name="I", drive=size.mean_inhibition, v_init=start["I"])

    def synapses(pre: fw.Population, post: fw.Population, efficacy: float) -> Any:
        """Random synapses of an efficacy in mV as currents: the area under one moves the membrane by as much."""
        weight = size.efficacy * efficacy * post.neuron.tau_m / post.neuron.tau_syn
        return fw.random_synapses(pre.n, post.n, size.probability, weight, part)

    W = synapses(E, E, size.J)
    pre, post = of[np.repeat(np.arange(n), np.diff(W.indptr))], of[W.indices]
    stray = ((pre < 0) | (post < 0)) & (part.random(W.nnz) < 0.1)
    W.data[((pre == post) & (pre >= 0)) | stray] *= size.potentiated
    # after 1 us u is back at U
    tau = 1e-3 if condition == "no facilitation" else size.tau_F
    recurrent = fw.Projection(E, E, W, delay=1.0, short_term=short_term(size, tau))
    others = ((E, inhibition, size.J_to_I), (inhibition, E, -size.J_from_I), (inhibition, inhibition, -size.J_of_I))
    return fw.Circuit([recurrent, *(fw.Projection(a, b, synapses(a, b, J), delay=1.0) for a, b, J in others)]), of


def trial(size: Size, condition: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Times (ms) and neurons of the spikes of one trial, the items of neurons, and u by item when the pulse comes."""
    circuit, of = network(size, condition, seed)
    simulation, times = circuit.start(seed=seed), size.times
    early = simulation.run(times.pulse)
    u = size.U + (1 - size.U) * simulation.variable("E_to_E", "u")  # as a rate equation has it: before the jump
    held = np.array([u[of == item].mean() for item in range(ITEMS)])
    parts = [fw.spikes(part, "E") for part in (early, simulation.run(times.end - times.pulse))]
    time, unit = (np.concatenate(both) for both in zip(*parts, strict=True))
    return 1e3 * time, unit, of, held


def spikes_of(size: Size, condition: str, seed: int) -> xr.Dataset:
    """One spiking network: the most spikes per neuron of each item within a bin, in each stretch."""
    time, unit, of, held = trial(size, condition, seed)
    windows = size.times.windows()
    peaks = [[peak(time, unit, of == item, *window) for item in range(ITEMS)] for window in windows.values()]
    most = f"largest number of spikes within {BIN:g} ms per neuron of an item"
    found = {
        "peak": (("window", "cue"), peaks, {"units": "1", "long_name": most}),
        "held": ("cue", held, {"units": "1", "long_name": "u when the pulse comes"}),
    }
    return results.dataset(found, {"window": ("window", list(windows)), "cue": item_names()})


def example(size: Size, seed: int) -> xr.Dataset:
    """The raster of the first network."""
    time, unit, of, _ = trial(size, CONDITIONS[0], seed)
    return results.dataset(raster(time, unit, of, size))


def peak(time: np.ndarray, unit: np.ndarray, members: np.ndarray, start: float, stop: float) -> float:
    """Largest number of spikes in a bin, by the number of neurons."""
    mine = time[members[unit]]
    return float(np.histogram(mine, np.arange(start, stop + 1, BIN))[0].max() / members.sum())


def raster(time: np.ndarray, unit: np.ndarray, of: np.ndarray, size: Size) -> dict[str, Any]:
    """Spikes of a few neurons of each item, the item that is shown on top."""
    row = np.full(len(of), -1)
    for m in range(ITEMS):
        row[np.flatnonzero(of == m)[: size.shown]] = (ITEMS - 1 - m) % (ITEMS - 1) * size.shown + np.arange(size.shown)
    others, item = ((row[unit] >= 0) & mine for mine in (of[unit] != 0, of[unit] == 0))
    groups = {
        "other items": (results.seconds(time[others]), row[unit[others]], (ITEMS - 1) * size.shown),
        "item": (results.seconds(time[item]), row[unit[item]], size.shown),
    }
    at, on, pulse, lasts, _ = size.times
    second = {"units": "s"}
    return {
        **results.spike_variables(groups),
        "phase_start": ("phase", results.seconds([at, pulse]), second | {"long_name": "start of a phase"}),
        "phase_stop": ("phase", results.seconds([at + on, pulse + lasts]), second | {"long_name": "end of a phase"}),
        "phase_name": ("phase", ["item shown", "pulse to all"]),
    }


def during(ds: xr.Dataset, window: str, refractory: str = "with") -> xr.Dataset:
    """The network of rates in one stretch."""
    start, stop = times_of(ds).windows()[window]
    return ds[["rates", "u"]].sel(refractory=refractory, time=slice(start / 1e3, stop / 1e3))


def rows(ds: xr.Dataset) -> list[Row]:
    """What is printed."""
    source = "mongillo2008, steady state of its equations of u and x"
    found = []
    size = Size(**json.loads(ds.attrs["parameters"])["size"])
    for how, known in closed_form(size, ds.rate.values.astype(float)).items():
        name = {"regular trains": "released", "rate equations": "flow_at"}[how]
        for rate, value, exact in zip(ds.rate.values.tolist(), ds[name].values, known, strict=True):
            # the slowest time constant, tau_F, is a fortieth of the run
            found.append(Row(f"u x at {rate} Hz, {how}", float(value), float(exact), "theory", source, band=1e-9))
    return found + _rows_of_rates(ds) + _rows_of_spikes(ds)


def _rows_of_rates(ds: xr.Dataset) -> list[Row]:
    """The network of rates; it has no noise, so one run is all."""
    found = []
    for refractory in REFRACTORY:
        label = f"rates, {refractory} refractory period"
        tops = {name: during(ds, name, refractory).rates.max("time") for name in times_of(ds).windows()}
        item = {name: top.sel(condition="facilitation", cue="item") for name, top in tops.items()}
        for window in ("baseline", "item", "delay"):
            found.append(Row(f"{label}, {window}, item (Hz)", float(item[window])))
        pulse = tops["pulse"]
        against = {"others": float(pulse.sel(condition="facilitation").drop_sel(cue="item").max())}
        against |= {name: float(pulse.sel(condition=name, cue="item")) for name in CONDITIONS[1:]}
        for name, value in against.items():
            row = f"{label}, pulse, item, against {name} (Hz)"
            found.append(Row(row, float(item["pulse"]), value, "control", f"{name}, same run", "above"))
    last = during(ds, "delay").u.sel(condition="facilitation").isel(time=-1)
    others = float(last.drop_sel(cue="item").mean())
    text = "rates, u before the pulse, item, against others"
    return [*found, Row(text, float(last.sel(cue="item")), others, "control", "others, same run", "above")]


def _rows_of_spikes(ds: xr.Dataset) -> list[Row]:
    """The spiking networks, all comparisons paired by seed."""
    held = ds.held.sel(condition="facilitation")
    others = held.drop_sel(cue="item").mean("cue").values
    text = "spikes, u before the pulse, item, against others"
    found = [Row(text, held.sel(cue="item").values, others, "control", "others, same networks", "above")]
    pulse = ds.peak.sel(window="pulse")
    on = pulse.sel(condition="facilitation", cue="item").values
    against = {"others": pulse.sel(condition="facilitation").drop_sel(cue="item").max("cue").values}
    against |= {name: pulse.sel(condition=name, cue="item").values for name in CONDITIONS[1:]}
    for name, values in against.items():
        text = f"spikes per neuron in {BIN:g} ms of the pulse, item, against {name}"
        found.append(Row(text, on, values, "control", f"{name}, same networks", "above"))
    for condition in CONDITIONS:
        for window in ("delay", "pulse"):
            fired = (ds.peak.sel(condition=condition, window=window) >= SPIKE).astype(float)
            label = f"networks with a population spike, {condition}, {window}"
            found.append(Row(f"{label}, item", fired.sel(cue="item").values))
            found.append(Row(f"{label}, another", fired.drop_sel(cue="item").max("cue").values))
    return found


def figure(ds: xr.Dataset) -> Any:
    """Five panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 100, "abc;dde")
    _released(ds, axes["a"])
    _rates(ds, axes["b"], axes["c"])
    plot.raster(ds, axes["d"], window=(0.7, times_of(ds).end / 1e3))
    with plot.style():
        axes["d"].set_ylim(-1, ITEMS * json.loads(ds.attrs["parameters"])["size"]["shown"])
    _peaks(ds, axes["e"])
    plot.letter(axes)
    return fig


def _released(ds: xr.Dataset, ax: Any) -> None:
    """u x in steady state against the rate."""
    from synfwp import plot

    with plot.style():
        ax.plot(ds.curve, 100 * ds.flow, color=plot.COLOURS["blue"], label="rate equations")
        ax.plot(ds.rate, 100 * ds.released, "o", color=plot.COLOURS["vermillion"], label="regular trains")
        size = Size(**json.loads(ds.attrs["parameters"])["size"])
        for known in closed_form(size, ds.rate.values.astype(float)).values():
            ax.plot(ds.rate, 100 * known, "_", color="black", markersize=9, zorder=4)
        ax.plot([], [], "_", color="black", markersize=9, label="closed form")
        ax.set_xscale("log")
        ax.set_xticks([1, 10], ["1", "10"])
        ax.set_ylim(0, 55)
        ax.set_xlabel("rate (Hz)")
        ax.set_ylabel("released share u x (%)")
        plot.legend(ax)


def _rates(ds: xr.Dataset, top: Any, below: Any) -> None:
    """Rates and u of the item and of another."""
    from synfwp import plot

    lines = [  # the legend of both panels is shared out
        ("with", "facilitation", "item", "vermillion", "item", top),
        ("without", "facilitation", "item", "orange", "without refractory period", top),
        ("with", "facilitation", "other 1", "blue", "another", below),
        ("with", "no facilitation", "item", "black", "item, u fixed", below),
        ("with", "no item", "item", "green", "no item", below),
    ]
    times = times_of(ds)
    starts, lengths = (times.item, times.pulse), (times.shown, times.lasts)
    with plot.style():
        for ax, name in ((top, "rates"), (below, "u")):
            for refractory, condition, item, colour, label, at in lines:
                line = ds[name].sel(refractory=refractory, condition=condition, cue=item)
                ax.plot(
                    ds.time,
                    (100 if ax is below else 1) * line,
                    color=plot.COLOURS[colour],
                    label=label if ax is at else None,
                )
            for start, length, tint in zip(starts, lengths, plot.activity.PHASE_TINTS, strict=False):
                ax.axvspan(start / 1e3, (start + length) / 1e3, facecolor=tint, linewidth=0, zorder=0)
            ax.set_xlim(0.7, times.end / 1e3)
            ax.set_ylim(0)
            ax.set_xlabel("time (s)")
            plot.legend(ax)
        top.set_ylabel("rate (Hz)")
        below.set_ylabel("u (%)")


def _peaks(ds: xr.Dataset, ax: Any) -> None:
    """Most spikes per neuron in a bin, for every network."""
    from synfwp import plot

    pulse = ds.peak.sel(window="pulse")
    found = {
        "item": ("vermillion", pulse.sel(condition="facilitation", cue="item")),
        "others": ("blue", pulse.sel(condition="facilitation").drop_sel(cue="item").max("cue")),
        "u fixed": ("black", pulse.sel(condition="no facilitation", cue="item")),
        "no item": ("green", pulse.sel(condition="no item", cue="item")),
    }
    with plot.style():
        for place, (colour, values) in enumerate(found.values()):
            spread = np.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else [0.0]
            at = place + np.asarray(spread)
            ax.scatter(at, 100 * values, s=9, color=plot.COLOURS[colour], linewidths=0, clip_on=False, zorder=3)
        ax.axhline(100 * SPIKE, color="0.45", linewidth=0.7, linestyle=(0, (3, 2)), label="population spike")
        ax.set_xticks(range(4), list(found))
        ax.set_xlim(-0.5, 3.5)
        ax.set_ylim(0)
        ax.set_xlabel("spiking networks (neurons)")
        ax.set_ylabel(f"spikes in {BIN:g} ms (% of neurons)")
        plot.legend(ax)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size, times = json.loads(ds.attrs["parameters"])["size"], times_of(ds)
    pulse, free = (during(ds, "pulse", r).rates.sel(cue="item").max("time") for r in reversed(REFRACTORY))
    fixed, none = (float(pulse.sel(condition=name)) for name in CONDITIONS[1:])
    others = float(during(ds, "pulse").rates.sel(condition="facilitation").drop_sel(cue="item").max())
    delay = during(ds, "delay").rates.sel(condition="facilitation").max("time")
    fired = (ds.peak >= SPIKE).sel(cue="item").sum("seed")
    on = {name: int(fired.sel(window="pulse", condition=name)) for name in CONDITIONS}
    another = int(
        (ds.peak.sel(window="pulse", condition="facilitation").drop_sel(cue="item") >= SPIKE).any("cue").sum()
    )
    text = f"""
        An item held by facilitation alone (Mongillo, Barak & Tsodyks 2008). (a) Share u x released at each spike of a
        regular train in steady state, U = {size["U"]:g}, tau_F = {size["tau_F"]:g} ms, tau_D =
        {size["tau_D"]:g} ms: synapses of a spiking
        circuit, rate equations, and what follows for both from the published parameters (bars). (b, c) A network of
        rates with {ITEMS} items: one is shown (blue stretch), and
        {(times.pulse - times.item - times.shown) / 1e3:g} s later all get a weak pulse
        (orange). In the delay the item fires at {float(delay.sel(cue="item")):.2f} Hz at most; the pulse brings it to
        {float(pulse.sel(condition="facilitation")):.0f} Hz
        ({float(free.sel(condition="facilitation")):.0f} Hz without a refractory period of {size["refractory"]:g} ms),
        the others to {others:.1f} Hz, the item where u is fixed at U to {fixed:.1f} Hz, and where no item was shown to
        {none:.1f} Hz. (d) The same with {size["neurons"]} excitatory and {size["neurons"] // 4} inhibitory leaky
        integrate-and-fire neurons: {size["shown"]} neurons of each item, the one that was shown on top. (e) The most
        spikes of an item within {BIN:g} ms of the pulse, by its number of neurons, in {size["networks"]} network(s)
        (seeds), each a point; of the others the largest. With facilitation the pulse makes a population spike (dashed:
        {100 * SPIKE:g} %) of the item in {on["facilitation"]} network(s) and of another item in {another}; with u
        fixed, of the item in {on["no facilitation"]}; without an item shown, in {on["no item"]}; in the delay, without
        a pulse, in {int(fired.sel(window="delay", condition="facilitation"))}.
    """
    return " ".join(text.split())
