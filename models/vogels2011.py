"""Inhibitory plasticity balances excitation, in one cell and in a network (Vogels et al. 2011).

An inhibitory synapse grows with every spike of either side that follows one of the other within 20 ms, and shrinks by a
fixed amount with every presynaptic spike; it comes to rest where the postsynaptic neuron fires at the target rate rho0.

Cell: eight signals, each sent by 100 excitatory and 25 inhibitory inputs, reach one neuron. Excitation prefers one
signal, inhibition starts weak and equal. Published: the rate comes down to rho0 and inhibition copies the tuning of
excitation (detailed balance). Parameters as in the authors' program (ModelDB 143751): cell, conductances, tuning,
learning rate, rates of 5 to some hundred Hz that follow filtered noise (50 ms), 5 ms of refractoriness of the inputs.

Network: 8000 excitatory and 2000 inhibitory neurons, 2 % connected, driven by 200 pA; synapses from inhibitory to
excitatory neurons start at 0 and become plastic after a second. Published: the synchronous discharge becomes
asynchronous and irregular, and excitatory neurons fire at rho0. Parameters as in Brian2's example of this paper.

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
from synfwp.measures import binned_rate, interval_cv
from synfwp.settings import sized

NEURON = fw.LIF(
    tau_m=20.0,
    t_ref=5.0,
    v_rest=-60.0,
    v_threshold=-50.0,
    v_reset=-60.0,
    g_leak=10.0,
    receptors=(fw.Receptor("ampa", tau=5.0, reversal=0.0), fw.Receptor("gaba", tau=10.0, reversal=-80.0)),
)
SIGNALS, EXCITATORY, INHIBITORY = 8, 100, 25  # signals, and inputs of each
PREFERRED = 5
SHOWN = 200  # neurons of the rasters
TARGET = (5.0, 3.0)  # Hz: rho0 of the cell, of the network
G_EXCITATORY, G_INHIBITORY = 0.14, 0.35  # nS, of the cell's synapses
RATE = (1e-3 * G_INHIBITORY, 1e-2)  # nS: learning rates of the cell, of the network


class Size(NamedTuple):
    """What is run: cells (seeds) and their seconds, networks (seeds), their seconds and excitatory neurons."""

    cells: int  # cells, each with a seed of its own
    cell_seconds: int  # seconds of a cell
    networks: int  # networks, each with a seed of its own
    network_seconds: int  # seconds of a network
    excitatory: int  # excitatory neurons of a network; a quarter as many inhibit
    rho0: tuple[float, ...] = TARGET  # Hz: target rate of the cell and of the network; one number is both
    rate: tuple[float, ...] = RATE  # nS: learning rate of the cell and of the network; one number is both
    tau: float = 20.0  # ms: time constant of the traces
    w_max: float = 100.0  # nS: bound of the inhibitory weights of the network
    g_excitatory: float = G_EXCITATORY  # nS: excitatory synapses of the cell
    g_inhibitory: float = G_INHIBITORY  # nS: inhibitory synapses of the cell; they start at a tenth of it

    @property
    def probability(self) -> float:
        """Connections of a network: as many inputs of each neuron as in the one of full size."""
        return 0.02 * 8000 / self.excitatory

    @property
    def target(self) -> dict[str, float]:
        """rho0 of the cell and of the network."""
        return {"cell": self.rho0[0], "network": self.rho0[-1]}


FULL = Size(cells=5, cell_seconds=120, networks=2, network_seconds=200, excitatory=8000)
QUICK = Size(cells=1, cell_seconds=24, networks=1, network_seconds=8, excitatory=1600)


def signal_trains(seconds: float, seed: Any) -> tuple[Any, Any]:
    """Times (ms) and units of the inputs: 800 excitatory ones signal by signal, then 200 inhibitory ones.

    A signal is noise filtered with 50 ms, of the authors' standard deviation; where it is positive it raises the rate
    of its inputs from 5 Hz by 500 Hz for every 0.03. After a spike an input is silent for 5 ms.
    """
    from scipy.signal import lfilter

    rng = seeds.generator(seed, "signals")
    bins, decay, sd = round(1000 * seconds), np.exp(-1 / 50), (np.tanh(0.1 / 100) / 12) ** 0.5
    noise = sd * (1 - decay**2) ** 0.5 * rng.standard_normal((bins, SIGNALS))
    per_ms = 1e-3 * (5 + 500 * np.maximum(0, lfilter([1], [1, -decay], noise, axis=0)) / 0.03)
    times, units = [], []
    for first, n in ((0, EXCITATORY), (SIGNALS * EXCITATORY, INHIBITORY)):
        for s in range(SIGNALS):
            at = np.repeat(np.arange(bins), rng.poisson(n * per_ms[:, s]))
            times.append(np.floor(10 * (at + rng.random(len(at)))) / 10)
            units.append(first + s * n + rng.integers(n, size=len(at)))
    return refractory(np.concatenate(times), np.concatenate(units), 5.0)


def refractory(time: Any, unit: Any, dead: float) -> tuple[Any, Any]:
    """Spikes without those that follow a spike of the same unit within ``dead``, in the order of time."""
    order = np.lexsort((time, unit))
    time, unit = time[order], unit[order]
    while True:
        close = (np.diff(time) < dead - 1e-9) & (np.diff(unit) == 0)
        follows = close & ~np.concatenate([[False], close[:-1]])  # the first of a burst stays, the next goes
        if not follows.any():
            order = np.argsort(time, kind="stable")
            return time[order], unit[order]
        keep = ~np.concatenate([[False], follows])
        time, unit = time[keep], unit[keep]


def cell_circuit(size: Size, seconds: float, seed: int) -> fw.Circuit:
    """One neuron with 800 excitatory and 200 plastic inhibitory inputs."""
    time, unit = signal_trains(seconds, seed)
    border = SIGNALS * EXCITATORY
    signal = np.repeat(np.arange(1, SIGNALS + 1), EXCITATORY)
    jitter = 0.1 * seeds.generator(seed, "weights").random(border)
    tuning = 0.3 + 1.1 / (1 + (signal - PREFERRED) ** 4) + jitter
    weights = size.g_excitatory * tuning[:, None], np.full((SIGNALS * INHIBITORY, 1), 0.1 * size.g_inhibitory)
    cell = fw.Population(1, NEURON, name="cell")
    sources = [
        fw.SpikeSource(len(weights[k]), time[chosen], unit[chosen] - k * border, name=name)
        for k, (name, chosen) in enumerate({"excitatory": unit < border, "inhibitory": unit >= border}.items())
    ]
    rule = fw.plasticity.inhibitory(size.rate[0], size.rho0[0], size.tau)
    return fw.Circuit(
        [
            fw.Projection(sources[0], cell, weights[0], receptor="ampa"),
            fw.Projection(sources[1], cell, weights[1], receptor="gaba", plasticity=rule, name="plastic"),
        ]
    )


def network_circuit(size: Size, seed: Any, gate: Any = 1.0, plastic: bool = True) -> fw.Circuit:
    """Excitatory and a quarter as many inhibitory neurons, connected at random; ``gate``: of the plasticity."""
    n = {"excitatory": size.excitatory, "inhibitory": size.excitatory // 4}
    cells = {
        name: fw.Population(
            many, NEURON, name=name, drive=200.0, v_init=seeds.generator(seed, "v", name).uniform(-60, -50, many)
        )
        for name, many in n.items()
    }

    def connect(pre: str, post: str, weight: float, receptor: str, **more: Any) -> fw.Projection:
        synapses = fw.random_synapses(n[pre], n[post], size.probability, weight, seeds.generator(seed, pre, post))
        return fw.Projection(cells[pre], cells[post], synapses, receptor=receptor, **more)

    rule = fw.plasticity.inhibitory(size.rate[-1], size.rho0[-1], size.tau, w_max=size.w_max)
    learning: dict[str, Any] = {"plasticity": rule, "gate": gate} if plastic else {}
    return fw.Circuit(
        [
            connect("excitatory", "excitatory", 0.3, "ampa"),
            connect("excitatory", "inhibitory", 0.3, "ampa"),
            connect("inhibitory", "inhibitory", 3.0, "gaba"),
            connect("inhibitory", "excitatory", 0.0, "gaba", name="plastic", **learning),
        ]
    )


def run_cell(size: Size, seed: int) -> dict[str, Any]:
    """One cell, second by second: its rate, and currents by signal at the start and at the end."""
    circuit = cell_circuit(size, size.cell_seconds, seed)
    simulation = circuit.start(seed)
    weights, rate, mean_v = [simulation.weights("plastic")], [], []
    for _ in range(size.cell_seconds):
        ds = simulation.run(1000.0, record=fw.Record("cell", "v", every=1.0))
        rate.append(len(fw.spikes(ds, "cell")[0]))
        mean_v.append(float(ds.v_cell.mean()))
        weights.append(simulation.weights("plastic"))
    plastic = np.array(weights)[:, :, 0].reshape(len(weights), SIGNALS, INHIBITORY).mean(axis=-1)
    fixed = circuit.projections[0].weight.reshape(SIGNALS, EXCITATORY)
    sources = [projection.pre for projection in circuit.projections]
    spikes = [np.bincount(source.units, minlength=source.n).reshape(SIGNALS, -1).mean(axis=1) for source in sources]
    per_ms = [count / (1000 * size.cell_seconds) for count in spikes]
    current = {}
    for when, at in (("start", 0), ("end", -1)):
        v = mean_v[at]
        leak = NEURON.g_leak * (v - NEURON.v_rest) / SIGNALS
        current[when] = (
            EXCITATORY * fixed.mean(axis=1) * 5.0 * per_ms[0] * (0.0 - v),
            INHIBITORY * plastic[at] * 10.0 * per_ms[1] * (v + 80.0) + leak,
        )
    return {"rate": rate, "plastic": plastic, "current": [current["start"], current["end"]]}


def run_network(size: Size, seed: int) -> dict[str, Any]:
    """One network, second by second; the first without plasticity. Spikes of the first second and the last quarter."""
    circuit = network_circuit(size, seed, gate=fw.Steps([0.0, 1000.0], [0.0, 1.0]))
    simulation = circuit.start(seed)
    rates: dict[str, list[float]] = {"excitatory": [], "inhibitory": []}
    kept = []
    for _ in range(size.network_seconds):
        ds = simulation.run(1000.0)
        for name, n in (("excitatory", size.excitatory), ("inhibitory", size.excitatory // 4)):
            rates[name].append(len(fw.spikes(ds, name)[0]) / n)
        kept.append(fw.spikes(ds, "excitatory"))
    last = kept[-(size.network_seconds // 4) :]
    parts = {"before": kept[0], "after": tuple(np.concatenate(part) for part in zip(*last, strict=True))}
    found: dict[str, Any] = {"rates": [rates["excitatory"], rates["inhibitory"]]}
    found["unit_rate"] = np.bincount(parts["after"][1], minlength=size.excitatory) / len(last)
    found["cv"] = [interval_cv(time, unit) for time, unit in (parts["before"], parts["after"])]
    found["synchrony"] = [synchrony(parts[when][0], size) for when in ("before", "after")]
    shown = [(time[unit < SHOWN], unit[unit < SHOWN]) for time, unit in (kept[0], kept[-1])]
    found["spikes"] = tuple(np.concatenate(part) for part in zip(*shown, strict=True))
    return found


def synchrony(time: Any, size: Size) -> float:
    """Coefficient of variation of the number of excitatory spikes in bins of 5 ms."""
    first, last = np.floor(time.min()), np.ceil(time.max())
    rate = binned_rate(time, np.arange(first, last + 0.0025, 0.005), size.excitatory)
    return float(rate.std() / rate.mean())


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Run cells and networks; ``quick`` runs one of each, the network a fifth of the size."""
    cells = [run_cell(size, seed + n) for n in range(size.cells)]
    networks = [run_network(size, seed + n) for n in range(size.networks)]
    hertz = {"units": "Hz"}
    variables: dict[str, Any] = {
        "cell_rate": (
            ("cell", "cell_second"),
            [one["rate"] for one in cells],
            hertz | {"long_name": "rate of the cell"},
        ),
        "current": (
            ("cell", "when", "kind", "signal"),
            np.array([one["current"] for one in cells]) / 1000,
            {"units": "nA", "long_name": "mean synaptic current"},
        ),
        "weight": (
            ("cell", "weight_second", "signal"),
            [one["plastic"] for one in cells],
            {"units": "nS", "long_name": "mean inhibitory weight"},
        ),
        "network_rate": (
            ("network", "population", "network_second"),
            [one["rates"] for one in networks],
            hertz | {"long_name": "mean rate"},
        ),
        "unit_rate": (
            ("network", "unit"),
            [one["unit_rate"] for one in networks],
            hertz | {"long_name": "rate of an excitatory neuron, last quarter"},
        ),
        "cv": (
            ("network", "when"),
            [one["cv"] for one in networks],
            {"units": "1", "long_name": "CV of the intervals"},
        ),
        "synchrony": (
            ("network", "when"),
            [one["synchrony"] for one in networks],
            {"units": "1", "long_name": "CV of the population's rate in bins of 5 ms"},
        ),
        "spike_time": ("spike", networks[0]["spikes"][0]),
        "spike_unit": ("spike", networks[0]["spikes"][1]),
    }
    time = {"units": "s", "long_name": "time"}
    coords = {
        "cell": ("cell", range(seed, seed + size.cells), {"units": "1", "long_name": "seed of a cell"}),
        "network": ("network", range(seed, seed + size.networks), {"units": "1", "long_name": "seed of a network"}),
        "when": ("when", ["before", "after"]),
        "kind": ("kind", ["excitatory", "inhibitory"]),
        "population": ("population", ["excitatory", "inhibitory"]),
        "signal": ("signal", np.arange(1, SIGNALS + 1), {"units": "1", "long_name": "signal"}),
        "cell_second": ("cell_second", np.arange(size.cell_seconds) + 0.5, time),
        "weight_second": ("weight_second", np.arange(size.cell_seconds + 1.0), time),
        "network_second": ("network_second", np.arange(size.network_seconds) + 0.5, time),
    }
    settings = {"size": size._asdict(), "quick": quick}
    ds = results.dataset(variables, coords, **results.provenance(settings, seed))
    return results.compared(ds, table)


def balance(ds: xr.Dataset, when: str) -> tuple[float, float]:
    """Of excitatory and inhibitory currents: their correlation over signals, and the ratio of their sums; means."""
    now = ds.current.sel(when=when)
    pairs = [(one.sel(kind="excitatory").values, one.sel(kind="inhibitory").values) for one in now]
    correlation = [np.corrcoef(e, i)[0, 1] if np.ptp(i) > 0 else np.nan for e, i in pairs]
    return float(np.nanmean(correlation)), float(np.mean([i.sum() / e.sum() for e, i in pairs]))


def size_of(ds: xr.Dataset) -> Size:
    """What was run."""
    return Size(**json.loads(ds.attrs["parameters"])["size"])


def targets(ds: xr.Dataset) -> dict[str, float]:
    """rho0 of the cell and of the network."""
    return size_of(ds).target


def seconds_to(ds: xr.Dataset, factor: float) -> float:
    """Mean time (s) at which the rate of a cell is first below ``factor`` times its target."""
    below = ds.cell_rate.values < factor * targets(ds)["cell"]
    return float(np.where(below.any(axis=1), below.argmax(axis=1) + 1.0, np.nan).mean())


def table(ds: xr.Dataset) -> xr.Dataset:
    """The comparison that is printed: means over cells and networks; the published values are the targets."""
    quarter = ds.sizes["cell_second"] // 4
    late = ds.cell_rate.isel(cell_second=slice(-quarter, None)).mean("cell_second")
    settled = ds.network_rate.isel(network_second=slice(-(ds.sizes["network_second"] // 4), None)).mean(
        "network_second"
    )
    start = ds.network_rate.isel(network_second=0)
    rows: list[tuple[str, float, float]] = [
        ("cell: rate (Hz), last quarter, against rho0", targets(ds)["cell"], float(late.mean())),
        ("cell: rate (Hz), first second", np.nan, float(ds.cell_rate.isel(cell_second=0).mean())),
        ("cell: seconds until the rate is below 2 rho0", np.nan, seconds_to(ds, 2)),
        ("cell: inhibitory over excitatory current, start", np.nan, balance(ds, "before")[1]),
        ("cell: inhibitory over excitatory current, end", 1.0, balance(ds, "after")[1]),
        ("cell: correlation of the currents over signals, end", 1.0, balance(ds, "after")[0]),
    ]
    excitatory = settled.sel(population="excitatory")
    rows += [
        ("network: excitatory rate (Hz), last quarter, against rho0", targets(ds)["network"], float(excitatory.mean())),
        ("network: excitatory rate (Hz), before plasticity", np.nan, float(start.sel(population="excitatory").mean())),
        (
            "network: SD of rates over excitatory neurons (Hz), last quarter",
            np.nan,
            float(ds.unit_rate.std("unit").mean()),
        ),
        ("network: inhibitory rate (Hz), last quarter", np.nan, float(settled.sel(population="inhibitory").mean())),
    ]
    for when in ("before", "after"):
        rows.append((f"network: CV of intervals, {when}", np.nan, float(ds.cv.sel(when=when).mean())))
        rows.append(
            (f"network: CV of the population's rate, {when}", np.nan, float(ds.synchrony.sel(when=when).mean()))
        )
    return results.comparison(rows)


def figure(ds: xr.Dataset) -> Any:
    """Six panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 105, "abc;def")
    blue, red = plot.COLOURS["blue"], plot.COLOURS["vermillion"]
    end = float(ds.network_second[-1]) + 0.5
    with plot.style():
        ax = axes["a"]
        ax.plot(ds.cell_second, ds.cell_rate.T, color="black", linewidth=0.4, alpha=0.4)
        ax.plot(ds.cell_second, ds.cell_rate.mean("cell"), color="black", label="cell")
        _target(ax, targets(ds)["cell"])
        ax.set(xlabel="time (s)", ylabel="rate (Hz)", xlim=(0, None), ylim=(0, None))
        ax = axes["b"]
        mean = ds.current.mean("cell")
        ax.plot(ds.signal, mean.sel(when="after", kind="excitatory"), "s-", color=red, label="excitatory")
        ax.plot(ds.signal, mean.sel(when="after", kind="inhibitory"), "o-", color=blue, label="inhibitory, end")
        ax.plot(
            ds.signal,
            mean.sel(when="before", kind="inhibitory"),
            "o:",
            color=blue,
            mfc="white",
            label="inhibitory, start",
        )
        ax.set(xlabel="signal (number)", ylabel="mean current (nA)", ylim=(0, None), xticks=ds.signal.values)
        ax = axes["c"]
        for name, colour in (("excitatory", red), ("inhibitory", blue)):
            rate = ds.network_rate.sel(population=name)
            ax.plot(ds.network_second, rate.T, color=colour, linewidth=0.4, alpha=0.4)
            ax.plot(ds.network_second, rate.mean("network"), color=colour, label=name)
        _target(ax, targets(ds)["network"])
        ax.set(xlabel="time (s)", ylabel="rate (Hz)", xlim=(0, None), yscale="log", ylim=(1, 300))
        ax.set_yticks([1, 3, 10, 30, 100, 300], ["1", "3", "10", "30", "100", "300"])
        ax.minorticks_off()
        for panel, window in (("d", (0.8, 1.0)), ("e", (end - 0.2, end))):
            plot.raster(ds[["spike_time", "spike_unit"]], axes[panel], window=window, legend=False)
            axes[panel].set_xticks([window[0], window[0] + 0.1, window[1]])
            axes[panel].ticklabel_format(axis="x", useOffset=False)
        ax = axes["f"]
        quarter = ds.sizes["network_second"] // 4  # s: rates are multiples of 1 / quarter, and bins of that
        width = max(2, round(quarter / 4)) / quarter
        edges = np.arange(0, 4 * targets(ds)["network"] + width, width)
        share = np.histogram(ds.unit_rate.values, edges)[0] / ds.unit_rate.size
        ax.stairs(100 * share, edges, fill=True, color=red)
        ax.axvline(targets(ds)["network"], color="0.45", linewidth=0.7, linestyle=(0, (3, 2)), label="rho0")
        ax.set(xlabel="rate (Hz)", ylabel="excitatory neurons (%)", xlim=(0, None))
        for panel in "abcf":
            plot.legend(axes[panel])
    plot.letter(axes)
    return fig


def _target(ax: Any, rate: float) -> None:
    """A dashed line at rho0."""
    ax.axhline(rate, color="0.45", linewidth=0.7, linestyle=(0, (3, 2)), label="rho0", zorder=1)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = size_of(ds)
    found = ds.obtained.to_series().to_dict()
    text = f"""
        Inhibitory plasticity balances excitation (Vogels et al. 2011). (a) One cell with {SIGNALS * EXCITATORY}
        excitatory and {SIGNALS * INHIBITORY} plastic inhibitory inputs that carry {SIGNALS} signals; {size.cells}
        cell(s) (seeds, thin lines) and their mean; dashed: target rate rho0 = {targets(ds)["cell"]:g} Hz; last quarter:
        {found["cell: rate (Hz), last quarter, against rho0"]:.2f} Hz. (b) Mean currents into the cell by signal, the
        inhibitory one with an eighth of the leak, at the start and at the end; means over cells. (c) Mean rates in a
        network of {size.excitatory} excitatory and {size.excitatory // 4} inhibitory neurons, whose synapses from
        inhibitory to excitatory neurons are plastic from 1 s on; {size.networks} network(s) (seeds); dashed: rho0 =
        {targets(ds)["network"]:g} Hz; excitatory neurons, last quarter:
        {found["network: excitatory rate (Hz), last quarter, against rho0"]:.2f} Hz. (d, e) Spikes of {SHOWN} excitatory
        neurons of the first network just before plasticity sets in, and at the end. (f) Rates of single excitatory
        neurons, last quarter, all networks.
    """
    return " ".join(text.split())
