"""Inhibitory plasticity balances excitation, in one cell and in a network (Vogels et al. 2011).

Rule: an inhibitory synapse grows with every spike of either side that follows one of the other within 20 ms, and
shrinks by a fixed amount with every presynaptic spike; it comes to rest where the postsynaptic neuron fires at the
target rate rho0, if spikes of the two sides meet by chance. Neuron: leaky integrate-and-fire with conductances.

Cell: eight signals, each sent by 100 excitatory and 25 inhibitory inputs, reach one neuron. Excitation prefers one
signal, inhibition starts weak and equal. Published: the rate comes down to rho0 within seconds, and inhibition copies
the tuning of excitation (detailed balance). Parameters as in the authors' program (ModelDB 143751): cell, conductances,
tuning, learning rate, rates of 5 to some hundred Hz that follow filtered noise (50 ms), 5 ms of refractory inputs.

Network: 8000 excitatory and 2000 inhibitory neurons, 2 % connected, driven by 200 pA; synapses from inhibitory to
excitatory neurons start at 0 and become plastic after a second. Published: the synchronous discharge becomes
asynchronous and irregular, and excitatory neurons fire at rho0. Parameters as in Brian2's example of this paper.

No number of the paper but rho0 is compared. "Asynchronous" has a measure here: Golomb's chi and the mean correlation of
spike counts of pairs, in bins of 1, 5 and 50 ms, beside independent neurons (1 / sqrt(n), and 0).

What does not come out: the cell rests below rho0, because inhibitory inputs share signals with what excites it, so that
more spikes coincide than by chance (with constant rates, the control, they do not); the network still falls towards
rho0 after 200 s, and it is less synchronous than before by far, but not independent: a fast rhythm is left.

Ours: rho0 = 5 Hz for the cell, as in the paper (the authors' program has 6.25); signals on steps of 1 ms; the network
starts from potentials between rest and threshold; a synapse transmits first and is changed then; exponential Euler.

Cites: vogels2011
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.measures import chi, count_correlation, interval_cv
from synfwp.results import Row
from synfwp.settings import sized

SIGNALS, EXCITATORY, INHIBITORY, PREFERRED = 8, 100, 25, 5  # signals, inputs of each, the one that excitation prefers
INPUTS = ("signals", "constant rates")
SHOWN = 100  # neurons of the rasters
BINS = (1.0, 5.0, 50.0)  # ms: bins in which spikes are counted
LOOK = (0.8, 10.0)  # s: before plasticity and at the end, in which synchrony is measured


class Size(NamedTuple):
    """What is run; pairs of constants are those of the cell and of the network, and one number is both."""

    seeds: int  # cells with each kind of input, and networks, each with a seed of its own
    cell_seconds: int  # seconds of a cell
    network_seconds: int  # seconds of a network
    excitatory: int  # excitatory neurons of a network; a quarter as many inhibit
    rho0: tuple[float, ...] = (5.0, 3.0)  # Hz: target rate
    rate: tuple[float, ...] = (0.35e-3, 1e-2)  # nS: learning rate
    tau: float = 20.0  # ms: time constant of the traces
    w_max: float = 100.0  # nS: bound of the inhibitory weights of the network
    g_excitatory: float = 0.14  # nS: excitatory synapses of the cell
    g_inhibitory: float = 0.35  # nS: inhibitory synapses of the cell; they start at a tenth of it
    dead: float = 5.0  # ms: refractory time of neurons and inputs
    drive: float = 200.0  # pA: of all neurons of the network
    w_excitatory: float = 0.3  # nS: excitatory synapses of the network
    w_inhibitory: float = 3.0  # nS: synapses from inhibitory to inhibitory neurons

    @property
    def neuron(self) -> fw.LIF:
        """Neurons of both."""
        receptors = fw.Receptor("ampa", tau=5.0, reversal=0.0), fw.Receptor("gaba", tau=10.0, reversal=-80.0)
        return fw.LIF(
            tau_m=20.0, t_ref=self.dead, v_rest=-60.0, v_threshold=-50.0, v_reset=-60.0, g_leak=10.0,
            receptors=receptors,
        )  # fmt: skip


FULL = Size(seeds=5, cell_seconds=120, network_seconds=200, excitatory=8000)
QUICK = Size(seeds=1, cell_seconds=24, network_seconds=8, excitatory=1600)


# the model ------------------------------------------------------------------------------------------------------------


def signal_trains(size: Size, seconds: float, seed: Any, inputs: str = INPUTS[0]) -> tuple[Any, Any]:
    """Times (ms) and units of the inputs: 800 excitatory ones signal by signal, then 200 inhibitory ones.

    A signal is noise filtered with 50 ms, of the authors' standard deviation; where it is positive it raises the rate
    of its inputs from 5 Hz by 500 Hz for every 0.03. After a spike an input is silent for a while.
    """
    from scipy.signal import lfilter

    rng = seeds.generator(seed, "signals")
    bins, decay, sd = round(1000 * seconds), np.exp(-1 / 50), (np.tanh(0.1 / 100) / 12) ** 0.5
    noise = sd * (1 - decay**2) ** 0.5 * rng.standard_normal((bins, SIGNALS))
    per_ms = 1e-3 * (5 + 500 * np.maximum(0, lfilter([1], [1, -decay], noise, axis=0)) / 0.03)
    if inputs == "constant rates":  # as many spikes, refractory as they are
        mean = (per_ms / (1 + size.dead * per_ms)).mean()
        per_ms[:] = mean / (1 - size.dead * mean)
    signal = np.concatenate([np.repeat(np.arange(SIGNALS), n) for n in (EXCITATORY, INHIBITORY)])
    free, times, units = np.zeros(len(signal)), [], []
    for t in range(bins):
        at = np.maximum(t, free) + rng.standard_exponential(len(signal)) / per_ms[t, signal]
        fired = np.flatnonzero(at < t + 1)
        free[fired] = at[fired] + size.dead
        times.append(at[fired])
        units.append(fired)
    time, unit = np.floor(10 * np.concatenate(times)) / 10, np.concatenate(units)
    order = np.lexsort((unit, time))
    return time[order], unit[order]


def cell_circuit(size: Size, seconds: float, seed: int, inputs: str = INPUTS[0]) -> fw.Circuit:
    """One neuron with 800 excitatory and 200 plastic inhibitory inputs."""
    time, unit = signal_trains(size, seconds, seed, inputs)
    border = SIGNALS * EXCITATORY
    signal = np.repeat(np.arange(1, SIGNALS + 1), EXCITATORY)
    tuning = 0.3 + 1.1 / (1 + (signal - PREFERRED) ** 4) + 0.1 * seeds.generator(seed, "weights").random(border)
    cell = fw.Population(1, size.neuron, name="cell")
    excitation = fw.SpikeSource(border, time[unit < border], unit[unit < border], name="excitatory")
    inhibition = fw.SpikeSource(SIGNALS * INHIBITORY, time[unit >= border], unit[unit >= border] - border, "inhibitory")
    rule = fw.plasticity.inhibitory(size.rate[0], size.rho0[0], size.tau)
    weak = np.full((SIGNALS * INHIBITORY, 1), 0.1 * size.g_inhibitory)
    return fw.Circuit(
        [
            fw.Projection(excitation, cell, size.g_excitatory * tuning[:, None], receptor="ampa"),
            fw.Projection(inhibition, cell, weak, receptor="gaba", plasticity=rule, name="plastic"),
        ]
    )


def network_circuit(size: Size, seed: Any, gate: Any = 1.0, plastic: bool = True) -> fw.Circuit:
    """Excitatory and a quarter as many inhibitory neurons, connected at random; ``gate``: of the plasticity."""
    n = {"excitatory": size.excitatory, "inhibitory": size.excitatory // 4}
    probability = 0.02 * 8000 / size.excitatory  # as many inputs of each neuron as in the network of full size

    def population(name: str) -> fw.Population:
        start = seeds.generator(seed, "v", name).uniform(-60, -50, n[name])
        return fw.Population(n[name], size.neuron, name=name, drive=size.drive, v_init=start)

    def connect(pre: str, post: str, weight: float, receptor: str, **more: Any) -> fw.Projection:
        synapses = fw.random_synapses(n[pre], n[post], probability, weight, seeds.generator(seed, pre, post))
        return fw.Projection(cells[pre], cells[post], synapses, receptor=receptor, **more)

    cells = {name: population(name) for name in n}
    rule = fw.plasticity.inhibitory(size.rate[-1], size.rho0[-1], size.tau, w_max=size.w_max)
    learning: dict[str, Any] = {"plasticity": rule, "gate": gate} if plastic else {}
    return fw.Circuit(
        [
            connect("excitatory", "excitatory", size.w_excitatory, "ampa"),
            connect("excitatory", "inhibitory", size.w_excitatory, "ampa"),
            connect("inhibitory", "inhibitory", size.w_inhibitory, "gaba"),
            connect("inhibitory", "excitatory", 0.0, "gaba", name="plastic", **learning),
        ]
    )


# what is measured -----------------------------------------------------------------------------------------------------


def run_cell(size: Size, inputs: str, seed: int) -> xr.Dataset:
    """One cell, second by second: its rate; currents by signal, and through the leak, at the start and at the end."""
    circuit = cell_circuit(size, size.cell_seconds, seed, inputs)
    simulation = circuit.start(seed)
    weights, rate, mean_v = [simulation.weights("plastic")], [], []
    for _ in range(size.cell_seconds):
        ds = simulation.run(1000.0, record=fw.Record("cell", "v", every=1.0))
        rate.append(len(fw.spikes(ds, "cell")[0]))
        mean_v.append(float(ds.v_cell.mean()))
        weights.append(simulation.weights("plastic"))
    v, neuron = np.array([mean_v[0], mean_v[-1]]), size.neuron
    current = []
    for projection, w, (tau, reversal) in zip(
        circuit.projections,
        ([circuit.projections[0].weight] * 2, [weights[0], weights[-1]]),
        ((5.0, 0.0), (10.0, -80.0)),
        strict=True,
    ):
        source: Any = projection.pre
        per_ms = np.bincount(source.units, minlength=source.n) / (1000 * size.cell_seconds)
        each = np.array(w)[:, :, 0] * tau * per_ms * np.abs(reversal - v)[:, None]
        current.append(each.reshape(2, SIGNALS, -1).sum(axis=-1))
    hertz, ampere, label = {"units": "Hz"}, {"units": "nA"}, ["before", "after"]
    variables: dict[str, Any] = {
        "cell_rate": ("cell_second", np.array(rate, float), hertz | {"long_name": "rate of the cell"}),
        "current": (("synapse", "when", "signal"), np.array(current) / 1000, ampere | {"long_name": "mean current"}),
        "leak": ("when", neuron.g_leak * (v - neuron.v_rest) / 1000, ampere | {"long_name": "current of the leak"}),
    }
    coords = {
        "synapse": ("synapse", ["excitatory", "inhibitory"]),
        "when": ("when", label),
        "signal": ("signal", np.arange(1, SIGNALS + 1), {"units": "1", "long_name": "signal"}),
        "cell_second": ("cell_second", np.arange(size.cell_seconds) + 0.5, {"units": "s", "long_name": "time"}),
    }
    return results.dataset(variables, coords)


def run_network(size: Size, seed: int) -> xr.Dataset:
    """One network, second by second, the first without plasticity: rates, irregularity and synchrony."""
    simulation = network_circuit(size, seed, gate=fw.Steps([0.0, 1000.0], [0.0, 1.0])).start(seed)
    n, quarter = {"excitatory": size.excitatory, "inhibitory": size.excitatory // 4}, size.network_seconds // 4
    rates, kept = [], []
    for _ in range(size.network_seconds):
        ds = simulation.run(1000.0)
        rates.append([len(fw.spikes(ds, name)[0]) / n[name] for name in n])
        kept.append(fw.spikes(ds, "excitatory"))
        if len(kept) > quarter + 1:
            del kept[1]
    last = tuple(np.concatenate(part) for part in zip(*kept[-quarter:], strict=True))
    end = float(size.network_seconds)
    windows = {"before": (kept[0], 1.0 - LOOK[0], 1.0), "after": (last, max(end - LOOK[1], end - quarter), end)}
    found: dict[str, list[Any]] = {"cv": [], "chi": [], "correlation": []}
    for (time, unit), start, stop in windows.values():
        inside = (time >= start) & (time < stop)
        found["cv"].append(interval_cv(time, unit))
        for name, measure in (("chi", chi), ("correlation", count_correlation)):
            edges = [np.arange(start, stop + 1e-9, width / 1000) for width in BINS]
            found[name].append([measure(time[inside], unit[inside], x, size.excitatory) for x in edges])
    single = np.bincount(last[1], minlength=size.excitatory) / quarter
    steps = np.arange(0, 12.01, 0.5) * size.rho0[-1] / 3
    raster = [
        (time[near], unit[near])
        for (time, unit), stop in ((kept[0], 1.0), (kept[-1], end))
        for near in [(unit < SHOWN) & (time >= stop - 0.2)]
    ]
    share, hertz, second = {"units": "1"}, {"units": "Hz"}, {"units": "s", "long_name": "time"}
    variables: dict[str, Any] = {
        "network_rate": (("network_second", "population"), rates, hertz | {"long_name": "mean rate"}),
        "rate_sd": ((), single.std(), hertz | {"long_name": "SD of rates over excitatory neurons, last quarter"}),
        "rate_share": ("rate", np.histogram(single, steps)[0] / len(single), share | {"long_name": "share of neurons"}),
        "cv": ("when", found["cv"], share | {"long_name": "CV of the intervals"}),
        "chi": (("when", "width"), found["chi"], share | {"long_name": "Golomb's chi"}),
        "correlation": (("when", "width"), found["correlation"], share | {"long_name": "correlation of counts"}),
        "shown_time": ("shown", np.concatenate([time for time, _ in raster]), second),
        "shown_unit": ("shown", np.concatenate([unit for _, unit in raster]), share | {"long_name": "neuron"}),
    }
    coords = {
        "when": ("when", ["before", "after"]),
        "population": ("population", list(n)),
        "width": ("width", list(BINS), {"units": "ms", "long_name": "bin"}),
        "rate": ("rate", (steps[1:] + steps[:-1]) / 2, hertz | {"long_name": "rate"}),
        "network_second": ("network_second", np.arange(size.network_seconds) + 0.5, second),
    }
    return results.dataset(variables, coords)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Run cells and networks; ``quick`` runs one of each, the network a fifth of the size."""
    every = range(seed, seed + size.seeds)
    cells = results.cells(run_cell, {"inputs": list(INPUTS), "seed": every}, size=size)
    networks = results.cells(run_network, {"seed": every}, size=size)
    ds = cells.merge(networks)
    ds.attrs = results.provenance({"size": size._asdict(), "quick": quick}, seed)
    return results.compared(ds, rows)


# table and figure -----------------------------------------------------------------------------------------------------


def late(rate: xr.DataArray, along: str) -> xr.DataArray:
    """Mean over the last quarter."""
    return rate.isel({along: slice(-(rate.sizes[along] // 4), None)}).mean(along)


def targets(ds: xr.Dataset) -> dict[str, float]:
    """rho0 of the cell and of the network."""
    rho0 = json.loads(ds.attrs["parameters"])["size"]["rho0"]
    return {"cell": rho0[0], "network": rho0[-1]}


def _neurons(ds: xr.Dataset) -> int:
    """Excitatory neurons of a network."""
    return int(json.loads(ds.attrs["parameters"])["size"]["excitatory"])


def rows(ds: xr.Dataset) -> list[Row]:
    """Rates against their targets, currents against each other, synchrony against independent neurons."""
    return _cell_rows(ds, targets(ds)["cell"]) + _network_rows(ds, targets(ds)["network"])


def _cell_rows(ds: xr.Dataset, rho0: float) -> list[Row]:
    found = []
    for inputs in INPUTS:
        rate = ds.cell_rate.sel(inputs=inputs)
        why = "inhibitory inputs share signals with excitation, so more spikes coincide than by chance"
        below = (rate < 2 * rho0).any("cell_second")
        seconds = (rate < 2 * rho0).argmax("cell_second").where(below) + 1.0
        found += [
            Row(f"cell, {inputs}: rate (Hz), first second", rate[:, 0]),
            Row(f"cell, {inputs}: seconds until the rate is below 2 rho0", seconds),
            Row(
                f"cell, {inputs}: rate (Hz), last quarter, against rho0", late(rate, "cell_second"), rho0, "theory",
                "vogels2011, the fixed point of unrelated spikes", why=why if inputs == INPUTS[0] else "",
            ),
        ]  # fmt: skip
    one = ds.sel(inputs=INPUTS[0])
    excitation, inhibition = (one.current.sel(synapse=synapse) for synapse in ("excitatory", "inhibitory"))
    ratio, leak = inhibition.sum("signal") / excitation.sum("signal"), one.leak / excitation.sum("signal")
    tuned = xr.corr(excitation, inhibition, "signal")
    return [
        *found,
        Row("cell: inhibitory over excitatory current, start", ratio.sel(when="before")),
        Row("cell: inhibitory over excitatory current, end", ratio.sel(when="after")),
        Row("cell: leak over excitatory current, end", leak.sel(when="after")),
        Row(
            "cell: correlation of the currents over signals, end, against the start", tuned.sel(when="after"),
            tuned.sel(when="before"), "control", claim="above",
        ),
    ]  # fmt: skip


def _network_rows(ds: xr.Dataset, rho0: float) -> list[Row]:
    rate, n = late(ds.network_rate, "network_second"), _neurons(ds)
    source, excitatory = "vogels2011, the fixed point of unrelated spikes", ds.network_rate.sel(population="excitatory")
    quarter = excitatory.sizes["network_second"] // 4
    earlier = late(excitatory.isel(network_second=slice(None, -quarter)), "network_second")
    common = "common fluctuations of the rates are left, which weigh more in longer bins"
    found = [
        Row(
            "network: excitatory rate (Hz), last quarter, against rho0", rate.sel(population="excitatory"), rho0,
            "theory", source, why="it is still falling, as the next row shows",
        ),
        Row(
            "network: excitatory rate (Hz), last quarter, against before", rate.sel(population="excitatory"), earlier,
            "control", claim="below",
        ),
        Row("network: excitatory rate (Hz), before plasticity", excitatory[:, 0]),
        Row("network: SD of rates over excitatory neurons (Hz), last quarter", ds.rate_sd),
        Row("network: inhibitory rate (Hz), last quarter", rate.sel(population="inhibitory")),
        Row("network: CV of intervals, before", ds.cv.sel(when="before")),
        Row("network: CV of intervals, after, against a Poisson process", ds.cv.sel(when="after"), 1.0, "theory"),
    ]  # fmt: skip
    for name, what, alone in (("chi", "Golomb's chi", n**-0.5), ("correlation", "correlation of counts", 0.0)):
        for width in BINS:
            before, after = (ds[name].sel(when=when, width=width) for when in ("before", "after"))
            text = f"network: {what}, bins of {width:g} ms, after"
            if width < 1000 * LOOK[0] / 100:  # a hundred bins before plasticity
                found.append(Row(f"{text}, against before", after, before, "control", claim="below"))
            found.append(Row(f"{text}, against independent neurons", after, alone, "theory", why=common))
    return found


def figure(ds: xr.Dataset) -> Any:
    """Six panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 105, "abc;def")
    blue, red, grey = plot.COLOURS["blue"], plot.COLOURS["vermillion"], "0.45"
    dashed: dict[str, Any] = {"color": grey, "linewidth": 0.7, "linestyle": (0, (3, 2)), "zorder": 1}
    end = float(ds.network_second[-1]) + 0.5
    with plot.style():
        ax = axes["a"]
        for inputs, colour in zip(INPUTS, ("black", plot.COLOURS["sky"]), strict=True):
            rate = ds.cell_rate.sel(inputs=inputs)
            ax.plot(ds.cell_second, rate.T, color=colour, linewidth=0.4, alpha=0.4)
            ax.plot(ds.cell_second, rate.mean("seed"), color=colour, label=inputs)
        ax.axhline(targets(ds)["cell"], **dashed, label="rho0")
        ax.set(xlabel="time (s)", ylabel="rate (Hz)", xlim=(0, None), yscale="log", ylim=(1, 300))
        _plain_log(ax)
        ax, mean = axes["b"], ds.current.sel(inputs=INPUTS[0]).mean("seed")
        ax.plot(ds.signal, mean.sel(when="after", synapse="excitatory"), "s-", color=red, label="excitatory")
        for when, mark in (("after", "o-"), ("before", "o:")):
            face = blue if when == "after" else "white"
            label = f"inhibitory, {'end' if when == 'after' else 'start'}"
            ax.plot(ds.signal, mean.sel(when=when, synapse="inhibitory"), mark, color=blue, mfc=face, label=label)
        ax.set(xlabel="signal (number)", ylabel="mean current (nA)", ylim=(0, None), xticks=ds.signal.values)
        ax = axes["c"]
        for name, colour in (("excitatory", red), ("inhibitory", blue)):
            rate = ds.network_rate.sel(population=name)
            ax.plot(ds.network_second, rate.T, color=colour, linewidth=0.4, alpha=0.4)
            ax.plot(ds.network_second, rate.mean("seed"), color=colour, label=name)
        ax.axhline(targets(ds)["network"], **dashed, label="rho0")
        ax.set(xlabel="time (s)", ylabel="rate (Hz)", xlim=(0, None), yscale="log", ylim=(1, 300))
        _plain_log(ax)
        for panel, window in (("d", (0.8, 1.0)), ("e", (end - 0.2, end))):
            plot.raster(_first_spikes(ds), axes[panel], window=window, legend=False)
            axes[panel].set_xticks([window[0], window[0] + 0.1, window[1]])
            axes[panel].ticklabel_format(axis="x", useOffset=False)
        ax = axes["f"]
        for when, colour in (("before", grey), ("after", red)):
            found = ds.chi.sel(when=when)
            ax.errorbar(ds.width, found.mean("seed"), found.std("seed"), color=colour, marker="o", label=when)
        ax.axhline(_neurons(ds) ** -0.5, **dashed, label="independent")
        ax.set(xlabel="bin (ms)", ylabel="Golomb's chi", xscale="log", yscale="log", ylim=(None, 1))
        ax.set_xticks(list(BINS), [f"{width:g}" for width in BINS])
        ax.minorticks_off()
        for panel in "abcf":
            plot.legend(axes[panel])
    plot.letter(axes)
    return fig


def _plain_log(ax: Any) -> None:
    ax.set_yticks([1, 3, 10, 30, 100, 300], ["1", "3", "10", "30", "100", "300"])
    ax.minorticks_off()


def _first_spikes(ds: xr.Dataset) -> xr.Dataset:
    """Spikes of the first network."""
    time, unit = (ds[name].isel(seed=0).values for name in ("shown_time", "shown_unit"))
    some = np.isfinite(time)
    groups = {"excitatory": (time[some], unit[some].astype(int), SHOWN)}
    return results.dataset(results.spike_variables(groups))


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size, found = json.loads(ds.attrs["parameters"])["size"], ds.obtained.to_series().to_dict()
    cell = [f"{found[f'cell, {x}: rate (Hz), last quarter, against rho0']:.2f} Hz with {x}" for x in INPUTS]
    pair = [float(ds.correlation.sel(when=when, width=1.0).mean()) for when in ("before", "after")]
    text = f"""
        Inhibitory plasticity balances excitation (Vogels et al. 2011). (a) One cell with {SIGNALS * EXCITATORY}
        excitatory and {SIGNALS * INHIBITORY} plastic inhibitory inputs that carry {SIGNALS} signals, or whose rates
        are constant; {size["seeds"]} cell(s) (seeds, thin lines) of each and their mean; dashed: target rate rho0 =
        {targets(ds)["cell"]:g} Hz; last quarter: {", ".join(cell)}. (b) Mean synaptic currents into the cell by
        signal, at the start and at the end; means over cells. (c) Mean rates in a network of {size["excitatory"]}
        excitatory and {size["excitatory"] // 4} inhibitory neurons, whose synapses from inhibitory to excitatory
        neurons are plastic from 1 s on; {size["seeds"]} network(s) (seeds); dashed: rho0 =
        {targets(ds)["network"]:g} Hz; excitatory neurons, last quarter:
        {found["network: excitatory rate (Hz), last quarter, against rho0"]:.2f} Hz. (d, e) Spikes of {SHOWN} excitatory
        neurons of the first network just before plasticity sets in, and at the end. (f) Golomb's chi of the
        excitatory spike counts, before plasticity and at the end, mean and SD over networks; dashed: independent
        neurons. The mean correlation of two neurons in bins of 1 ms falls from {pair[0]:.2g} to {pair[1]:.2g}.
    """
    return " ".join(text.split())
