"""Working memory without activity: an item is held by facilitated synapses (Mongillo, Barak & Tsodyks 2008).

Synapses that facilitate for seconds (U 0.19, tau_F 1500 ms, tau_D 200 ms) release ``u x`` at a spike. An item that was
shown leaves u of its neurons raised when they are silent again; a weak pulse to all neurons then makes them fire, and
no others. Shown three times: the released share in steady state, from synapses and from rate equations; a network of
rates; and a network of leaky integrate-and-fire neurons. The control has the same synapses with u fixed at U.

As published: the equations of u and x, in which u relaxes to U and a spike releases u as it is before its own jump.
The same numbers come from synapses whose u relaxes to 0 and is raised before the release, which is how circuits have
it. The steady states to compare with follow from the published U, tau_F and tau_D, to three digits.

Second-hand (from code of others that rebuilds the spiking network; the tables of the paper's supplement were not at
hand): 8000 excitatory and 2000 inhibitory neurons, each pair connected with a probability of 0.2; items of a tenth of
the excitatory neurons; efficacies of 0.10 mV, potentiated 0.45 (within an item, and a tenth of those that involve
neurons of no item), 0.135, 0.25 and 0.20 mV; thresholds 20 mV, resets 16 and 13 mV, membranes 15 and 10 ms, 2 ms
refractory; noise of 1 mV; the item's drive times 1.15 for 350 ms, all drives times 1.05 for 250 ms.

Ours: a quarter of the neurons, each pair connected with 0.8, so that a neuron has as many synapses (quick: 1200, all
pairs, efficacies times 4 / 3); the mean drive 22.3 mV (20.5 mV to inhibition; the code of others has 22.7 to 24.1), at
which most networks are silent in the delay; exponential currents of 2 ms in place of jumps; all delays 1 ms; the pulse
650 ms after the item. In the network of rates everything but U, tau_F and tau_D: five items and one inhibitory unit,
gain ``1.5 log(1 + exp(h / 1.5))`` Hz, tau 8 ms, weights 12, -2.5 and 1.75, background 1 Hz, item +10, pulse +3. No
published number says how often a pulse works; a population spike is here one spike for every fifth neuron of an item in
20 ms.

Cites: mongillo2008
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.settings import sized

RATES = (1, 5, 10, 20, 40)  # Hz
EXPECTED = {
    "regular trains": (0.325, 0.473, 0.355, 0.215, 0.117),
    "rate equations": (0.344, 0.400, 0.306, 0.195, 0.110),
}
CURVE = np.geomspace(0.5, 60, 60)  # Hz
ITEMS = 5
SPIKE = 0.2  # spikes per neuron of an item within BIN that make a population spike
BIN = 20.0  # ms
SYNAPSES = ("facilitation", "no facilitation")


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
    networks: int  # networks, each with a seed of its own
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

    @property
    def synapses(self) -> dict[str, float]:
        """tau_F in ms, with and without facilitation: after 1 us u is back at U."""
        return dict(zip(SYNAPSES, (self.tau_F, 1e-3), strict=True))


FULL = Size(neurons=2000, probability=0.8, efficacy=1.0, networks=12)
QUICK = Size(neurons=1200, probability=1.0, efficacy=4 / 3, networks=1)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Steady states, the network of rates and the spiking networks; ``quick`` takes one small network."""
    times = size.times
    parts = [steady_states(size), rate_network(size), spiking_networks(size, seed)]
    settings = {"size": size._asdict(), "times": times._asdict(), "quick": quick}
    ds = xr.merge(parts, join="exact", combine_attrs="no_conflicts").assign_attrs(results.provenance(settings, seed))
    return results.compared(ds, table)


def times_of(ds: xr.Dataset) -> Protocol:
    """The trial of a run."""
    return Protocol(**json.loads(ds.attrs["parameters"])["times"])


def steady_states(size: Size) -> xr.Dataset:
    """``u x`` at the last spike of a long regular train, and where the rate equations come to rest."""
    trains = [np.arange(1000.0 / rate, 20_000.0, 1000.0 / rate) for rate in RATES]
    times, units = np.concatenate(trains), np.repeat(np.arange(len(RATES)), [len(train) for train in trains])
    order = np.argsort(times, kind="stable")
    source = fw.SpikeSource(len(RATES), times[order], units[order], name="trains")
    cells = fw.Population(len(RATES), fw.LIF(tau_syn=1.0, noise=0.0, v_threshold=1e3), name="cells")
    feed = fw.Projection(source, cells, np.eye(len(RATES)), short_term=short_term(size, size.tau_F))
    current = fw.Circuit([feed], dt=1.0).run(20_000.0, record=fw.Record("cells", "current")).current_cells
    share = {"units": "1", "long_name": "share u x released at a spike"}
    found = {
        "released": ("rate", current.values[-1001:].max(axis=0), share),
        "flow": ("curve", resting(size, CURVE), share),
        "flow_at": ("rate", resting(size, np.array(RATES, float)), share),
    }
    hertz = {"units": "Hz", "long_name": "rate of the spikes"}
    return results.dataset(found, {"rate": ("rate", list(RATES), hertz), "curve": ("curve", CURVE, hertz)})


def short_term(size: Size, tau_facil: float) -> fw.ShortTerm:
    """The synapses of the paper in the form of circuits."""
    return fw.ShortTerm(U=size.U, tau_rec=size.tau_D, tau_facil=tau_facil)


def flow(size: Size, u: Any, x: Any, rate: Any) -> tuple[Any, Any]:
    """``du/dt`` and ``dx/dt`` (1/ms) at rates in Hz."""
    U, spikes = size.U, rate * 1e-3
    return (U - u) / size.tau_F + U * (1 - u) * spikes, (1 - x) / size.tau_D - u * x * spikes


def resting(size: Size, rate: np.ndarray, dt: float = 2.0) -> np.ndarray:
    """``u x`` after 20 s of the rate equations at constant rates."""
    u, x = np.full(rate.shape, size.U), np.ones(rate.shape)
    for _ in range(int(20_000 / dt)):
        du, dx = flow(size, u, x, rate)
        u, x = u + dt * du, x + dt * dx
    return u * x


def rate_network(size: Size, dt: float = 0.1, every: float = 2.0) -> xr.Dataset:
    """The network of rates with and without facilitation, and with it but without an item."""
    times = size.times
    conditions, steps = [*SYNAPSES, "no item"], round(times.end / dt)
    facilitates = np.array([[1.0], [0.0], [1.0]])
    shown = np.array([size.item_rate, size.item_rate, 0.0])  # Hz
    h, u, x = np.zeros((3, ITEMS + 1)), np.full((3, ITEMS), size.U), np.ones((3, ITEMS))
    kept: list[Any] = []
    for step in range(steps):
        t = step * dt
        rate = 1.5 * np.logaddexp(0, h / 1.5)
        if step % round(every / dt) == 0:
            kept.append((rate[:, :ITEMS], u, x))
        drive = np.full((3, ITEMS), size.background)
        drive[:, 0] += shown * (times.item <= t < times.item + times.shown)
        drive += size.pulse_rate * (times.pulse <= t < times.pulse + times.lasts)
        to_items = size.w_item * u * x * rate[:, :ITEMS] - size.w_from_I * rate[:, ITEMS:] + drive
        to_inhibition = size.w_to_I * rate[:, :ITEMS].sum(axis=1, keepdims=True)
        du, dx = flow(size, u, x, rate[:, :ITEMS])
        h = h + dt / size.tau * (np.hstack([to_items, to_inhibition]) - h)
        u, x = u + dt * facilitates * du, x + dt * dx
    names = {"rates": ("Hz", "rate"), "u": ("1", "u"), "x": ("1", "x")}
    found = {
        name: (
            ("condition", "time", "cue"),
            np.swapaxes([part[m] for part in kept], 0, 1),
            {"units": unit, "long_name": text},
        )
        for m, (name, (unit, text)) in enumerate(names.items())
    }
    time = results.seconds(every * np.arange(len(kept)))
    return results.dataset(found, {"condition": ("condition", conditions), "time": time, "cue": item_names()})


def item_names() -> tuple[str, list[str]]:
    """A coordinate: the item that is shown and the others."""
    return "cue", ["item", *(f"other {m}" for m in range(1, ITEMS))]


def network(size: Size, tau_facil: float, seed: int) -> tuple[fw.Circuit, np.ndarray]:
    """A spiking network, and the item of each excitatory neuron (-1: of none)."""
    n = size.neurons
    of = np.repeat(np.arange(10), n // 10)
    of[of >= ITEMS] = -1
    part = seeds.generator(seed, "network")
    start = {"E": part.uniform(14.0, 20.0, n), "I": part.uniform(10.0, 20.0, n // 4)}
    same: dict[str, Any] = {"t_ref": 2.0, "tau_syn": 2.0, "v_rest": 0.0, "v_threshold": size.threshold}
    same["noise"] = size.noise * 0.5**0.5
    neurons = {"E": fw.LIF(tau_m=size.tau_E, v_reset=16.0, **same), "I": fw.LIF(tau_m=size.tau_I, v_reset=13.0, **same)}
    mean = np.full(n, size.mean)
    at, on, pulse, lasts, _ = size.times
    drive = fw.Steps(
        [0.0, at, at + on, pulse, pulse + lasts],
        [mean, np.where(of == 0, size.item_drive, 1.0) * mean, mean, size.pulse_drive * mean, mean],
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
    recurrent = fw.Projection(E, E, W, delay=1.0, short_term=short_term(size, tau_facil))
    others = ((E, inhibition, size.J_to_I), (inhibition, E, -size.J_from_I), (inhibition, inhibition, -size.J_of_I))
    return fw.Circuit([recurrent, *(fw.Projection(a, b, synapses(a, b, J), delay=1.0) for a, b, J in others)]), of


def spiking_networks(size: Size, seed: int) -> xr.Dataset:
    """The most spikes per neuron of each item within a bin, in each stretch; spikes of one network."""
    times, U = size.times, size.U
    windows = times.windows()
    peaks = np.zeros((len(SYNAPSES), size.networks, len(windows), ITEMS))
    held, example = np.zeros((size.networks, ITEMS)), None
    for c, tau_facil in enumerate(size.synapses.values()):
        for m in range(size.networks):
            circuit, of = network(size, tau_facil, seed + m)
            simulation = circuit.start(seed=seed + m)
            early = simulation.run(times.pulse)
            if c == 0:
                u = U + (1 - U) * simulation.variable("E_to_E", "u")  # as a rate equation has it: before the jump
                held[m] = [u[of == item].mean() for item in range(ITEMS)]
            parts = [fw.spikes(part, "E") for part in (early, simulation.run(times.end - times.pulse))]
            time, unit = (np.concatenate(both) for both in zip(*parts, strict=True))
            time = 1e3 * time  # ms
            members = [of == item for item in range(ITEMS)]
            peaks[c, m] = [[peak(time, unit, one, *window) for one in members] for window in windows.values()]
            example = example or raster(time, unit, of, size)
    cell = ("synapses", "seed", "window", "cue")
    most = f"largest number of spikes within {BIN:g} ms per neuron of an item"
    found = {
        "peak": (cell, peaks, {"units": "1", "long_name": most}),
        "held": (("seed", "cue"), held, {"units": "1", "long_name": "u when the pulse comes"}),
        **(example or {}),
    }
    coords = {"synapses": list(SYNAPSES), "seed": range(seed, seed + size.networks), "window": list(windows)}
    return results.dataset(found, {**{name: (name, list(at)) for name, at in coords.items()}, "cue": item_names()})


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


def during(ds: xr.Dataset, window: str) -> xr.Dataset:
    """The network of rates in one stretch."""
    start, stop = times_of(ds).windows()[window]
    return ds[["rates", "u"]].sel(time=slice(start / 1e3, stop / 1e3))


def table(ds: xr.Dataset) -> xr.Dataset:
    """The comparison that is printed."""
    rows: list[tuple[str, float, float]] = []
    for how, name in (("regular trains", "released"), ("rate equations", "flow_at")):
        rows += [
            (f"u x at {rate} Hz, {how}", known, float(ds[name].sel(rate=rate)))
            for rate, known in zip(RATES, EXPECTED[how], strict=True)
        ]
    for condition in ds.condition.values:
        for window in times_of(ds).windows():
            top = during(ds, window).rates.sel(condition=condition).max("time")
            rows.append((f"rates, {condition}, {window}, item (Hz)", np.nan, float(top.sel(cue="item"))))
            if window == "pulse":
                rows.append(
                    (f"rates, {condition}, {window}, others (Hz)", np.nan, float(top.drop_sel(cue="item").max()))
                )
    last = during(ds, "delay").u.sel(condition="facilitation").isel(time=-1)
    rows += [("rates, u before the pulse, item", np.nan, float(last.sel(cue="item")))]
    rows += [("rates, u before the pulse, others", np.nan, float(last.drop_sel(cue="item").mean()))]
    rows += [("spikes, u before the pulse, item", np.nan, float(ds.held.sel(cue="item").mean()))]
    rows += [("spikes, u before the pulse, others", np.nan, float(ds.held.drop_sel(cue="item").mean()))]
    for synapses in ds.synapses.values:
        for window in ("delay", "pulse"):
            fired = ds.peak.sel(synapses=synapses, window=window) >= SPIKE
            label = f"spikes, {synapses}, {window}, population spikes"
            rows.append((f"{label}, item", np.nan, float(fired.sel(cue="item").mean())))
            rows.append((f"{label}, others", np.nan, float(fired.drop_sel(cue="item").mean())))
    return results.comparison(rows)


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
        ax.plot(ds.curve, ds.flow, color=plot.COLOURS["blue"], label="rate equations")
        ax.plot(ds.rate, ds.released, "o", color=plot.COLOURS["vermillion"], label="regular trains")
        for how in EXPECTED:
            ax.plot(RATES, EXPECTED[how], "_", color="black", markersize=9, zorder=4)
        ax.plot([], [], "_", color="black", markersize=9, label="expected")
        ax.set_xscale("log")
        ax.set_xticks([1, 10], ["1", "10"])
        ax.set_ylim(0, 0.55)
        ax.set_xlabel("rate (Hz)")
        ax.set_ylabel("released share u x (1)")
        plot.legend(ax)


def _rates(ds: xr.Dataset, top: Any, below: Any) -> None:
    """Rates and u of the item and of another."""
    from synfwp import plot

    lines = [("facilitation", "item", "vermillion", "item"), ("facilitation", "other 1", "blue", "another")]
    lines.append(("no facilitation", "item", "black", "item, u fixed"))
    times = times_of(ds)
    starts, lengths = (times.item, times.pulse), (times.shown, times.lasts)
    with plot.style():
        for ax, name in ((top, "rates"), (below, "u")):
            for condition, item, colour, label in lines:
                line = ds[name].sel(condition=condition, cue=item)
                ax.plot(ds.time, line, color=plot.COLOURS[colour], label=label)
            for start, length, tint in zip(starts, lengths, plot.activity.PHASE_TINTS, strict=False):
                ax.axvspan(start / 1e3, (start + length) / 1e3, facecolor=tint, linewidth=0, zorder=0)
            ax.set_xlim(0.7, times.end / 1e3)
            ax.set_ylim(0)
            ax.set_xlabel("time (s)")
            plot.legend(ax)
        top.set_ylabel("rate (Hz)")
        below.set_ylabel("u (1)")


def _peaks(ds: xr.Dataset, ax: Any) -> None:
    """Most spikes per neuron in a bin, for every network."""
    from synfwp import plot

    names = {"item": "item", "others": "others", "fixed": "item,\nu fixed"}
    with plot.style():
        plot_at = ds.peak.sel(window="pulse")
        found = {
            "item": plot_at.sel(synapses="facilitation", cue="item"),
            "others": plot_at.sel(synapses="facilitation").drop_sel(cue="item").max("cue"),
            "fixed": plot_at.sel(synapses="no facilitation", cue="item"),
        }
        for place, (name, values) in enumerate(found.items()):
            spread = np.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else [0.0]
            colour = plot.COLOURS[{"item": "vermillion", "others": "blue", "fixed": "black"}[name]]
            ax.scatter(
                place + np.asarray(spread), 100 * values, s=9, color=colour, linewidths=0, clip_on=False, zorder=3
            )
        ax.axhline(100 * SPIKE, color="0.45", linewidth=0.7, linestyle=(0, (3, 2)), label="population spike")
        ax.set_xticks(range(3), list(names.values()))
        ax.set_xlim(-0.5, 2.5)
        ax.set_ylim(0)
        ax.set_xlabel("spiking networks (neurons)")
        ax.set_ylabel(f"spikes in {BIN:g} ms (% of neurons)")
        plot.legend(ax)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size, times = json.loads(ds.attrs["parameters"])["size"], times_of(ds)
    pulse, fixed = (during(ds, "pulse").rates.sel(condition=c).max("time") for c in SYNAPSES)
    delay = during(ds, "delay").rates.sel(condition="facilitation").max("time")
    fired = ds.peak >= SPIKE
    on = fired.sel(window="pulse", synapses="facilitation")
    text = f"""
        An item held by facilitation alone (Mongillo, Barak & Tsodyks 2008). (a) Share u x released at each spike of a
        regular train in steady state, U = {size["U"]:g}, tau_F = {size["tau_F"]:g} ms, tau_D =
        {size["tau_D"]:g} ms: synapses of a spiking
        circuit, rate equations, and what follows for both from the published parameters (bars). (b, c) A network of
        rates with {ITEMS} items: one is shown (blue stretch), and
        {(times.pulse - times.item - times.shown) / 1e3:g} s later all get a weak pulse
        (orange). In the delay the item fires at {float(delay.sel(cue="item")):.2f} Hz at most; the pulse brings it to
        {float(pulse.sel(cue="item")):.0f} Hz, the others to {float(pulse.drop_sel(cue="item").max()):.1f} Hz, and the
        item itself to {float(fixed.sel(cue="item")):.1f} Hz where u is fixed at U. (d) The same with
        {size["neurons"]} excitatory and {size["neurons"] // 4} inhibitory leaky integrate-and-fire neurons:
        {size["shown"]} neurons of each item, the one that was shown on top. (e) The most spikes of an item
        within {BIN:g} ms of the pulse, by its number of neurons, in {size["networks"]} network(s) (seeds), each a
        point; of the others the largest. With facilitation the pulse makes a population spike (dashed:
        {100 * SPIKE:g} %) of the item in {int(on.sel(cue="item").sum())} network(s) and of another item in
        {int(on.drop_sel(cue="item").any("cue").sum())}; with u fixed, of the item in
        {int(fired.sel(window="pulse", synapses="no facilitation", cue="item").sum())}; in the delay, without a pulse,
        in {int(fired.sel(window="delay", synapses="facilitation", cue="item").sum())}.
    """
    return " ".join(text.split())
