"""Engines: where Poisson counts, Poisson spikes and LIF neurons agree on what synapses do, and where they part.

The same instructions are carried out by each mechanism in the three engines of a spiking network, over peak rates and
over gaps. Agreement is the centred correlation of the fast weights with those of the target rule; size is the slope of
their regression on them, which noise does not move. Counts have no time: a gap is nothing to them. Traces that
outlast a gap pair items with each other. LIF neurons need time to charge their membranes, and they follow their drive
as far as their measured f-I curve is linear.

Cites: hasselmo2002, urbanczik2014, vogels2011, macneil2011, sejnowski1977
"""

import json
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.measures import centred_correlation, slope
from synfwp.results import Row
from synfwp.settings import sized
from synfwp.substrates import door

ENGINES = ("counts", "poisson", "lif")
SPELLED = {"counts": "counts", "poisson": "Poisson neurons", "lif": "LIF neurons"}
MECHANISMS: dict[str, tuple[str, fw.Mechanism]] = {
    "gated trace, Hebb": ("hebb", fw.GatedTrace()),
    "two phases": ("delta", fw.TwoPhase()),
    "dendritic": ("delta", fw.Dendritic()),
    "inhibitory": ("delta", fw.InhibitoryCancellation()),
    "PES": ("delta", fw.PES()),
}
SIGNALS = np.linspace(-1, 1, 21)
BIN = 4.0  # ms, of the onset


class Size(NamedTuple):
    """Features, items, neurons of a feature, seeds, what is swept, and neurons of the onset."""

    d_key: int  # features of keys
    d_value: int  # features of values
    items: int  # items of a run
    neurons_per_feature: int  # neurons of a feature
    seeds: int  # runs, each with a seed of its own
    peaks: tuple[float, ...]  # Hz: peak rates
    gaps: tuple[float, ...]  # ms: gaps between items
    neurons: int  # neurons of the onset
    peak: float = 100.0  # Hz: peak rate that is held while gaps are swept
    gap: float = 40.0  # ms: gap that is held while peak rates are swept
    window: float = 100.0  # ms: each phase of an item
    tau: float = 20.0  # ms: traces of the synapses
    rho0: float = 5.0  # Hz: rate without an error, of the inhibitory mechanism

    def network(self, engine: str, peak: float, gap: float, neurons: int, **more: Any) -> fw.SpikingNetwork:
        """One network; weights are free to change sign."""
        cycle = fw.ThetaCycle(retrieve=self.window, encode=self.window, gap=gap)
        code = fw.RateCode(peak=peak, neurons_per_feature=neurons)
        return fw.SpikingNetwork(engine=engine, code=code, schedule=cycle, dale=False, **more)

    def mechanism(self, name: str) -> fw.Mechanism:
        """One of them, with the traces of this size."""
        how, more = MECHANISMS[name][1], {"rho0": self.rho0} if name == "inhibitory" else {}
        return replace(how, tau=self.tau, **more)


FULL = Size(16, 8, 16, 4, 20, (12.5, 25.0, 50.0, 100.0, 150.0), (0.0, 10.0, 20.0, 40.0, 80.0), 4000)
QUICK = Size(12, 6, 8, 2, 3, (25.0, 100.0), (0.0, 40.0), 400)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Run every mechanism in every engine; ``quick`` does it with fewer and smaller cells."""
    found = {
        name: np.array(
            [[[cell(size, seed, m, e, x, size.gap) for x in size.peaks] for e in ENGINES] for m in MECHANISMS]
        )
        if name == "peak"
        else np.array(
            [[[cell(size, seed, m, e, size.peak, x) for x in size.gaps] for e in ENGINES] for m in MECHANISMS]
        )
        for name in ("peak", "gap")
    }
    share = {"units": "1"}
    variables: dict[str, Any] = {}
    for name, values in found.items():
        dims = ("mechanism", "engine", name, "seed")
        variables[f"agreement_{name}"] = (
            dims,
            values[..., 0],
            share | {"long_name": "centred correlation with the target"},
        )
        variables[f"slope_{name}"] = (dims, values[..., 1], share | {"long_name": "slope on the target weights"})
        variables[f"effective_{name}"] = (dims, values[..., 2], share | {"long_name": "slope of the effective rule"})
    coords = {
        "mechanism": ("mechanism", list(MECHANISMS), {"long_name": "mechanism"}),
        "engine": ("engine", list(ENGINES), {"long_name": "engine"}),
        "peak": ("peak", list(size.peaks), {"units": "Hz", "long_name": "peak rate"}),
        "gap": ("gap", list(size.gaps), {"units": "ms", "long_name": "gap"}),
        "seed": range(seed, seed + size.seeds),
    }
    neurons = curves(size, seed)
    settings = {"size": size._asdict(), "quick": quick}
    ds = results.dataset(variables | neurons[0], coords | neurons[1], **results.provenance(settings, seed))
    return results.compared(ds, rows)


def cell(size: Size, seed: int, mechanism: str, engine: str, peak: float, gap: float) -> np.ndarray:
    """Agreement, slope and the slope of the effective rule, for every seed: (seeds, 3)."""
    rule, how = MECHANISMS[mechanism][0], size.mechanism(mechanism)
    network = size.network(engine, peak, gap, size.neurons_per_feature, mechanism=how)
    sent = [items(size, seed + i) for i in range(size.seeds)]
    k, v = (np.stack(x) for x in zip(*sent, strict=True))
    draws = int(seeds.generator(seed, "spikes", {"peak": peak, "gap": gap}).integers(2**31))
    writes = fw.Instructions(0 * k, k, v)
    W = door.run(rule, writes, on=network, seed=draws).W
    compared = door.references(rule, writes, on=network)
    target, effective = compared["target"].W, compared["effective"].W
    return np.stack([centred_correlation(W, target), slope(W, target), slope(effective, target)], axis=-1)


def items(size: Size, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rectified normal keys of unit length and normal values."""
    rng = seeds.generator(seed, "items", size.d_key, size.d_value, size.items)
    k = np.maximum(rng.standard_normal((size.items, size.d_key)), 0)
    return k / np.linalg.norm(k, axis=1, keepdims=True), rng.standard_normal((size.items, size.d_value))


def curves(size: Size, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The measured f-I curve, push minus pull against the signal that drives them, and the onset of a clamp."""
    curve: Any = size.network("lif", size.peak, size.gap, size.neurons_per_feature).curve
    drive, bins = curve.drive, np.arange(0, 100.0, BIN)
    onset = np.array([clamped(size, e, seed) for e in ("poisson", "lif")])
    rates = {"units": "Hz"}
    variables = {
        "rate": ("drive", curve.rate, rates | {"long_name": "rate of a LIF neuron"}),
        "push": ("signal", curve.at(SIGNALS), rates | {"long_name": "rate of the push side"}),
        "pull": ("signal", curve.at(-SIGNALS), rates | {"long_name": "rate of the pull side"}),
        "onset": (("clock", "since"), onset, rates | {"long_name": "push minus pull after the onset of a clamp"}),
        "distortion": ((), curve.distortion, {"units": "1", "long_name": "distortion of push minus pull"}),
        "baseline": ((), curve.baseline, rates | {"long_name": "rate without a signal"}),
    }
    coords = {
        "drive": ("drive", drive, {"units": "mV", "long_name": "tonic drive above rest"}),
        "signal": ("signal", SIGNALS, {"units": "1", "long_name": "signal"}),
        "since": ("since", results.seconds(bins + BIN / 2), {"units": "s", "long_name": "time since the onset"}),
        "clock": ("clock", ["poisson", "lif"], {"long_name": "engine"}),
    }
    return variables, coords


def clamped(size: Size, engine: str, seed: int) -> np.ndarray:
    """Push minus pull rate (Hz) in bins after the onset of a value at peak, after a value of 0; mean of neurons."""
    neurons, network = size.neurons, size.network(engine, size.peak, 80.0, 1)
    value = np.stack([np.zeros(neurons), np.ones(neurons)])
    key = np.ones((2, 1))
    draws = int(seeds.generator(seed, "onset", engine).integers(2**31))
    out = door.run("hebb", fw.Instructions(0 * key, key, value), on=network, seed=draws, record=True)
    found = {name: entry[1] for name, entry in out.extras.items()}
    start = found["phase_start"][found["phase_name"] == "encode"][-1]
    time = 1000 * (found["spike_time"] - start) + network.dt / 2  # bins begin and end between steps
    edges = np.arange(0, 100.0 + BIN, BIN)
    names, of = found["population"].tolist(), found["spike_population"]
    push, pull = (np.histogram(time[of == names.index(name)], edges)[0] for name in ("push", "pull"))
    return (push - pull) / neurons / BIN * 1000


def rows(ds: xr.Dataset) -> list[Row]:
    """Agreement of each clock engine against counts on the same items, and slopes against the effective rule."""
    found, (peak, gap) = [], _held(ds)
    for name in MECHANISMS if peak in ds.peak and gap in ds.gap else ():
        at = ds.sel(mechanism=name, peak=peak, gap=gap)
        for engine in ENGINES[1:]:
            counts, clock = (at.agreement_peak.sel(engine=e) for e in ("counts", engine))
            found.append(Row(f"agreement, {name}, {engine}, against counts", clock, counts, "other engine"))
        for engine in ENGINES:
            one = at.sel(engine=engine)
            what = f"slope, {name}, {engine}, against the effective rule"
            why = "membranes lose more of smaller values; the gain of LIF neurons is measured at the peak"
            found.append(Row(what, one.slope_peak, one.effective_peak, "theory", why=why if engine == "lif" else ""))
    for name in MECHANISMS if 0.0 in ds.gap else ():
        none = ds.sel(gap=0.0, mechanism=name).agreement_gap
        for engine in ENGINES[1:]:
            what = f"agreement without a gap, {name}, {engine}, against counts"
            found.append(Row(what, none.sel(engine=engine), none.sel(engine="counts"), "other engine"))
    return [*found, Row("distortion of push minus pull, of the peak", ds.distortion)]


def _held(ds: xr.Dataset) -> tuple[float, float]:
    """Peak rate and gap that were held while the other was swept."""
    size = json.loads(ds.attrs["parameters"])["size"]
    return size["peak"], size["gap"]


def figure(ds: xr.Dataset) -> Any:
    """Three rows of one panel for each mechanism, and below them the neurons."""
    from synfwp import plot

    rows = {"abcde": ("agreement_peak", "peak"), "fghij": ("agreement_gap", "gap"), "klmno": ("slope_gap", "gap")}
    mosaic = [[[list(letters) for letters in rows]], [[list("pqr")]]]
    fig, axes = plot.figure("double", 165, mosaic, height_ratios=[3, 1.2])
    columns = all(plot.leftmost(axes[letters[0]]) for letters in rows)  # at the width of a page
    for letters, (variable, along) in rows.items():
        for letter, mechanism in zip(letters, MECHANISMS, strict=True):
            ax = axes[letter]
            _engines(ds.sel(mechanism=mechanism), ax, variable, along)
            with plot.style():
                first = plot.leftmost(ax)
                if letter != letters[0]:
                    ax.sharey(axes[letters[0]])
                if first:
                    ax.set_ylabel("agreement (corr.)" if variable.startswith("agree") else "size (slope)")
                ax.tick_params(labelleft=first)
                if letters == "abcde" or not columns:
                    ax.set_title(mechanism if columns else mechanism.replace(", ", ",\n"))
    with plot.style():
        axes["a"].set_ylim(0, 1.05)
        axes["f"].set_ylim(top=1.0)
        plot.shared_legend(fig, axes["k"])
    _neurons(ds, axes)
    plot.letter(axes, offset=22.0)
    return fig


def _engines(ds: xr.Dataset, ax: Any, variable: str, along: str) -> None:
    """Mean over seeds and its standard error for every engine against what is swept."""
    from synfwp import plot

    colours = dict(zip(ENGINES, ("black", "blue", "vermillion"), strict=True))
    with plot.style():
        x = ds[along].values
        for engine, marker in zip(ENGINES, "os^", strict=True):
            one = ds[variable].sel(engine=engine)
            error = one.std("seed", ddof=1) / one.sizes["seed"] ** 0.5
            plot.points(ax, x, one.mean("seed"), error, colour=colours[engine], marker=marker, label=SPELLED[engine])
            ax.plot(x, one.mean("seed"), color=plot.COLOURS[colours[engine]], lw=0.7)
        if variable.startswith("slope"):
            effective = ds[variable.replace("slope", "effective")].mean("seed")
            for engine, text in (("poisson", "effective rule"), ("lif", None)):
                colour = plot.COLOURS[colours[engine]]
                ax.plot(x, effective.sel(engine=engine), color=colour, lw=0.9, ls=(0, (3, 2)), label=text, zorder=1)
        if along == "peak":
            ax.set_xscale("log")
            shown = x[x <= 100.0]  # those beyond would run into each other
            ax.set_xticks(shown, [f"{value:g}" for value in shown])
            ax.minorticks_off()
        ax.set_xlabel(f"{ds[along].long_name} ({ds[along].units})")


def _neurons(ds: xr.Dataset, axes: Any) -> None:
    """The f-I curve, push minus pull against the signal, and the onset of a clamp."""
    from synfwp import plot

    peak, _ = _held(ds)
    with plot.style():
        axes["p"].plot(ds.drive, ds.rate, color="black")
        axes["p"].axhline(float(ds.baseline), color="0.45", lw=0.7, ls=(0, (3, 2)), label="without a signal")
        axes["p"].set_xlabel("tonic drive above rest (mV)")
        axes["p"].set_ylabel("rate (Hz)")
        axes["p"].set_xlim(0, 60)
        axes["p"].set_ylim(0, 160)
        for side, colour in (("push", "blue"), ("pull", "vermillion")):
            axes["q"].plot(ds.signal, ds[side], color=plot.COLOURS[colour], label=side)
        axes["q"].plot(ds.signal, ds.push - ds.pull, color="black", label="push minus pull")
        axes["q"].plot(ds.signal, peak * ds.signal, color="0.45", lw=0.7, ls=(0, (3, 2)), label="linear")
        axes["q"].set_xlabel("signal (of the peak)")
        axes["q"].set_ylabel("rate (Hz)")
        for engine, colour in (("poisson", "blue"), ("lif", "vermillion")):
            axes["r"].plot(
                1000 * ds.since, ds.onset.sel(clock=engine), color=plot.COLOURS[colour], label=SPELLED[engine]
            )
        axes["r"].axhline(peak, color="0.45", lw=0.7, ls=(0, (3, 2)), label="value")
        axes["r"].set_ylim(0, 1.5 * peak)
        axes["r"].set_xlabel("time since the onset of a value (ms)")
        axes["r"].set_ylabel("push minus pull (Hz)")
    for letter in "pqr":
        plot.legend(axes[letter])


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = json.loads(ds.attrs["parameters"])["size"]
    peak, gap = _held(ds)
    mean = ds.mean("seed").sel(peak=peak, gap=gap, method="nearest")
    apart = np.abs(mean.agreement_peak.sel(engine="lif") - mean.agreement_peak.sel(engine="poisson"))
    off = mean.slope_peak / mean.effective_peak
    low, high = (float(x) for x in (off.sel(engine="lif").min(), off.sel(engine="lif").max()))
    text = f"""
        Where the engines of a spiking network agree and where they part. {size["items"]} items with keys of
        {size["d_key"]} features (rectified normal, unit length) and values of {size["d_value"]} (normal), beta 1,
        {size["neurons_per_feature"]} neurons per feature, windows of {size["window"]:g} ms, {size["seeds"]} seeds
        (means and standard errors); weights free to change sign. Columns: mechanisms; the target of the first is the
        Hebbian rule, of the others the delta rule. (a, b, c, d, e) Centred correlation of the fast weights with those
        of the target rule, against the peak rate; gap {gap:g} ms. (f, g, h, i, j) The same against the gap, at
        {peak:g} Hz: without one, traces of {size["tau"]:g} ms pair an item with the one before. (k, l, m, n, o) Slope
        of the regression of the weights on the target; dashed: the slope of the effective rule, which leaves out what
        leaks from item to item. At {float(mean.peak):g} Hz and {float(mean.gap):g} ms agreement in LIF and in Poisson
        neurons differs by at most {float(apart.max()):.3f}, and the slope of LIF neurons is {low:.2f} to {high:.2f}
        of that of the effective rule. (p) Measured f-I curve of the LIF neuron (noise 5 mV). (q) Push and pull rates
        at the working point; their difference is linear within {100 * float(ds.distortion):.1f} % of the peak from 5
        Hz on. (r) Push minus pull after the onset of a value at peak: membranes have to be charged first.
    """
    return " ".join(text.split())
