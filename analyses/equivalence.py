"""Equivalence: how near spiking synapses come to the rule that they are asked for, with which bias, at which price.

Items with rates as keys are written by every mechanism in Poisson counts, Poisson neurons and LIF neurons, over the
spikes of a key: those of a feature at the root mean square of the keys in one window, over all neurons of a feature,
whose number grows with them at a peak rate of about 100 Hz (50 spikes, in counts alone: 230 Hz). Agreement is the
centred correlation of the weights with those of the ideal rule; it rises to 1 where spikes are noise alone. What is
left is bias: the slope of the weights on the ideal ones, beside that of the rule that `describe` has in closed form.
The price of an agreement of 0.9 is read between the runs of counts: spikes of all neurons to write and to read an item,
synapses, which grow with the square of the neurons of a feature, and seconds.

Found before: agreement of the delta rule of counts at 2 to 50 spikes, in a simulation of the same task apart from this
package.

Cites: irie2025, hasselmo2002, urbanczik2014, vogels2011, macneil2011, sejnowski1977
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds, theory
from synfwp.measures import centred_correlation, crossing, slope
from synfwp.results import Row
from synfwp.settings import sized
from synfwp.substrates import door

MECHANISMS: dict[str, tuple[str, fw.Mechanism]] = {
    "gated trace, Hebb": ("hebb", fw.GatedTrace()),
    "gated trace, covariance": ("covariance", fw.GatedTrace()),
    "two phases": ("delta", fw.TwoPhase()),
    "dendritic": ("delta", fw.Dendritic()),
    "inhibitory": ("delta", fw.InhibitoryCancellation()),
    "PES": ("delta", fw.PES()),
}
ENGINES = ("counts", "poisson", "lif")
SPELLED = {"counts": "counts", "poisson": "Poisson neurons", "lif": "LIF neurons"}
WANTED = 0.9  # agreement whose price is read
NEURONS = {2.0: 1, 5.0: 2, 10.0: 5, 20.0: 10, 50.0: 10}  # neurons of a feature by spikes of a key
FOUND = {2.0: 0.59, 5.0: 0.80, 10.0: 0.89, 20.0: 0.94, 50.0: 0.98}  # delta rule, counts, 64 features, 32 items
ROUNDING = 0.005  # of the numbers found before
SCORES = {
    "agreement": "centred correlation with the ideal rule",
    "slope": "slope on the weights of the ideal rule",
    "effective": "slope of the effective rule",
    "closed_form": "agreement of Hebbian sums, closed form",
    "write_spikes": "spikes of all neurons to write an item",
    "read_spikes": "spikes of all neurons to read an item",
}


class Size(NamedTuple):
    """Features, items, spikes and seeds."""

    d: int  # features of keys and of values
    items: int  # items of a run
    spikes: tuple[float, ...]  # of a key's root mean square in one window, of counts
    neuron_spikes: tuple[float, ...]  # the same, of Poisson and LIF neurons
    seeds: int  # runs of counts, each with a seed of its own
    neuron_seeds: int  # runs with neurons
    beta: float = 1.0  # write strength
    window: float = 100.0  # ms: each phase of an item
    gap: float = 40.0  # ms: gap behind each phase

    def network(self, mechanism: str, engine: str, spikes: float, k: np.ndarray) -> fw.SpikingNetwork:
        """One network, whose peak rate gives the key's root mean square so many spikes; weights may change sign."""
        n, rms = NEURONS[spikes], float(np.sqrt(np.square(k).mean()))
        peak = spikes / n / self.window * 1000 * float(k.max()) / rms
        code = fw.RateCode(peak=peak, neurons_per_feature=n)
        cycle = fw.ThetaCycle(retrieve=self.window, encode=self.window, gap=self.gap)
        how = MECHANISMS[mechanism][1]
        return fw.SpikingNetwork(engine=engine, mechanism=how, code=code, schedule=cycle, dale=False)


FULL = Size(64, 32, (2.0, 5.0, 10.0, 20.0, 50.0), (2.0, 5.0, 10.0), seeds=20, neuron_seeds=5)
QUICK = Size(12, 6, (2.0, 10.0, 20.0), (10.0,), seeds=3, neuron_seeds=2)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Run every mechanism in every engine; ``quick`` does it with fewer and smaller cells."""
    parts = []
    for engine in ENGINES:
        few = engine != "counts"
        draws = list(range(seed, seed + (size.neuron_seeds if few else size.seeds)))
        spikes = list(size.neuron_spikes if few else size.spikes)
        one = results.cells(cell, {"engine": [engine], "spikes": spikes, "seed": draws}, size=size)
        parts.append(one)
    ds = xr.merge(parts, join="outer", compat="no_conflicts")
    ds["spikes"].attrs = {"units": "1", "long_name": "spikes of a key's root mean square in one window"}
    ds = ds.reindex(engine=list(ENGINES)).merge(price(size, ds))
    ds.attrs = results.provenance({"size": size._asdict(), "quick": quick}, seed)
    return results.compared(ds, rows)


def cell(size: Size, engine: str, spikes: float, seed: int) -> xr.Dataset:
    """All mechanisms in one engine, with the same items."""
    k, v = items(size, seed)
    nothing, beta = np.zeros_like(k), np.repeat([size.beta, 0.0], len(k))
    q, keys, values = (np.concatenate(pair) for pair in ((nothing, k), (k, nothing), (v, np.zeros_like(v))))
    sent = fw.Instructions(q, keys, values, beta)
    found, stated = [], []
    for name, (rule, _) in MECHANISMS.items():
        network = size.network(name, engine, spikes, k)
        draws = int(seeds.generator(seed, "spikes", {"spikes": spikes}).integers(2**31))
        out, compared = door.run(rule, sent, on=network, seed=draws), door.references(rule, sent, on=network)
        target, effective = compared["target"].W[0], compared["effective"].W[0]
        traces: dict[str, float] = (
            {} if engine == "counts" else {"tau": network.setup(rule).mechanism.tau, "T": size.window}
        )
        at_peak = network.code.neurons_per_feature * network.code.peak / 1000 * size.window
        closed = theory.hebb_agreement(k, v, at_peak, **traces) if rule == "hebb" else np.nan
        paid = (float(out.extras[f"spikes_per_{what}"][1][0]) for what in ("item", "read"))
        scores = centred_correlation(out.W[0], target), slope(out.W[0], target), slope(effective, target), closed
        found.append([*(float(score) for score in scores), *paid])
        described = network.describe(rule).values
        rates = 1 + network.setup(rule).mechanism.retrieves
        off = rates * described.get("distortion", 0.0) + described.get("error_distortion", 0.0)
        stated.append(off * float(np.abs(v).max() * np.abs(v).sum() / (v**2).sum()))
    number = {"units": "1"}
    columns = dict(zip(SCORES, np.array(found).T, strict=True))
    variables: dict[str, Any] = {
        name: ("mechanism", x, number | {"long_name": SCORES[name]}) for name, x in columns.items()
    }
    variables["stated"] = ("mechanism", stated, number | {"long_name": "slope that the stated distortion may hide"})
    return xr.Dataset(variables, {"mechanism": ("mechanism", list(MECHANISMS), {"long_name": "mechanism"})})


def items(size: Size, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rectified normal keys of unit length and normal values; the rule, the network and the engine stay out."""
    rng = seeds.generator(seed, "items", size.items, size.d)
    k = np.maximum(rng.standard_normal((size.items, size.d)), 0)
    return k / np.linalg.norm(k, axis=1, keepdims=True), rng.standard_normal((size.items, size.d))


def price(size: Size, ds: xr.Dataset) -> xr.Dataset:
    """What an agreement of 0.9 takes in counts: spikes, neurons, synapses; and the seconds of an item."""
    mean = ds.sel(engine="counts").mean("seed")
    spikes, neurons = np.array(size.spikes), np.array([NEURONS[n] for n in size.spikes], float)
    columns: dict[str, list[float]] = {name: [] for name in ("key", "write", "read", "synapses", "seconds")}
    for name, (rule, _) in MECHANISMS.items():
        one = mean.sel(mechanism=name)
        key = crossing(spikes, one.agreement.values, WANTED)
        at = {x: float(np.exp(np.interp(np.log(key), np.log(spikes), np.log(y)))) for x, y in
              (("write", one.write_spikes), ("read", one.read_spikes), ("neurons", neurons))}  # fmt: skip
        described = size.network(name, "counts", size.spikes[0], items(size, 0)[0]).describe(rule)
        values = (key, at["write"], at["read"], 2 * (size.d * at["neurons"]) ** 2)
        for column, value in zip(
            columns.values(), (*values, (described.values["duration"] + size.window + size.gap) / 1000), strict=True
        ):
            column.append(value)
    texts = {
        "key": "spikes of a key's root mean square in one window", "write": "spikes of all neurons to write an item",
        "read": "spikes of all neurons to read an item", "synapses": "synapses, push and pull",
        "seconds": "time to write and read an item",
    }  # fmt: skip
    units = {"seconds": "s"}
    return xr.Dataset(
        {
            f"{name}_wanted": ("mechanism", x, {"units": units.get(name, "1"), "long_name": texts[name]})
            for name, x in columns.items()
        }
    )


def rows(ds: xr.Dataset) -> list[Row]:
    """Agreement against closed forms, other engines and what was found before; bias; price."""
    table, counts = [], ds.sel(engine="counts")
    size = json.loads(ds.attrs["parameters"])["size"]
    for spikes in size["spikes"]:
        at = counts.sel(spikes=spikes)
        for name in MECHANISMS:
            obtained, what = at.agreement.sel(mechanism=name).values, f"agreement, {name}, counts, {spikes:g} spikes"
            if name == "gated trace, Hebb":
                table.append(Row(what, obtained, at.closed_form.sel(mechanism=name).values, "theory"))
            elif name == "two phases" and (size["d"], size["items"]) == (64, 32):
                why = "unexplained; uniform keys would give 0.32, 0.57 and 0.72 at 2, 5 and 10 spikes"
                table.append(Row(what, obtained, FOUND[spikes], "other engine", band=ROUNDING, why=why))
            else:
                table.append(Row(what, obtained))
    for engine in ENGINES[1:]:
        table += _of_engine(ds, engine, size)
    for engine in ENGINES:
        table += _bias(ds.sel(engine=engine), engine, max(size["neuron_spikes"]))
    for name in MECHANISMS:
        one = ds.sel(mechanism=name)
        for what, unit in (
            ("key", "spikes of a key"),
            ("write", "spikes to write"),
            ("read", "spikes to read"),
            ("synapses", "synapses"),
            ("seconds", "seconds"),
        ):
            table.append(Row(f"{unit} for agreement {WANTED:g}, {name}", float(one[f"{what}_wanted"])))
    return table


def _of_engine(ds: xr.Dataset, engine: str, size: dict[str, Any]) -> list[Row]:
    """Agreement of an engine on a clock against counts on the same items, and against the closed form of traces."""
    table = []
    for spikes in size["neuron_spikes"]:
        for name in MECHANISMS:
            one, other = (_seeds(ds.agreement.sel(engine=e, spikes=spikes, mechanism=name)) for e in (engine, "counts"))
            what = f"agreement, {name}, {SPELLED[engine]}, {spikes:g} spikes"
            why = (
                "traces see each other's spikes, and membranes charge"
                if engine == "lif"
                else "traces see each other's spikes"
            )
            table.append(Row(f"{what}, against counts", one, other[: len(one)], "other engine", why=why))
        closed = _seeds(ds.closed_form.sel(engine=engine, spikes=spikes, mechanism="gated trace, Hebb"))
        one = _seeds(ds.agreement.sel(engine=engine, spikes=spikes, mechanism="gated trace, Hebb"))
        why = "LIF neurons fire more regularly than Poisson ones" if engine == "lif" else ""
        what = f"agreement, gated trace, Hebb, {SPELLED[engine]}, {spikes:g} spikes, against the closed form"
        table.append(Row(what, one, closed, "theory", why=why))
    return table


def _bias(ds: xr.Dataset, engine: str, spikes: float) -> list[Row]:
    """Slope of each mechanism less that of its effective rule; the band is what the stated distortion may hide.

    `describe` states by how much of the peak a rate deviates from a straight line, at most. Where every value loses or
    gains so much, the slope changes by that times ``max |v| sum |v| / sum v^2``; a mechanism that retrieves first
    distorts twice.
    """
    table, at = [], ds.sel(spikes=spikes)
    off = {name: _seeds((at.slope - at.effective).sel(mechanism=name)) for name in MECHANISMS}
    stated = {name: float(at.stated.sel(mechanism=name).mean()) for name in MECHANISMS}
    worst = max(off, key=lambda name: abs(float(off[name].mean())))
    why = (
        "membranes lose more of small values (band: what the stated distortion of the rate may hide)"
        if engine == "lif"
        else ""
    )
    for name, bias in off.items():
        which = ", the worst" if name == worst else ""
        what = f"bias, {name}, {SPELLED[engine]}, slope less that of the effective rule{which}"
        table.append(Row(what, bias, 0.0, "theory", band=stated[name], why=why))
    return table


def _seeds(x: xr.DataArray) -> np.ndarray:
    """The values of those seeds that were run, which are the first ones."""
    found: np.ndarray = x.values[~np.isnan(x.values)]
    return found


COLOURS = dict(zip(MECHANISMS, ("blue", "sky", "vermillion", "green", "orange", "purple"), strict=True))
MARKERS = dict(zip(ENGINES, "os^", strict=True))


def figure(ds: xr.Dataset) -> Any:
    """Agreement, engines and bias; below, the price."""
    from synfwp import plot

    fig, axes = plot.figure("double", 112, [[[list("abc")]], [[list("def")]]], height_ratios=[1.5, 1])
    _against_spikes(ds, axes["a"], "counts")
    _against_spikes(ds, axes["b"], "lif")
    _slopes(ds, axes["c"])
    _prices(ds, [axes[letter] for letter in "def"])
    with plot.style():
        axes["b"].sharey(axes["a"])
        plot.shared_legend(fig, axes["a"])
    plot.legend(axes["c"])
    plot.letter(axes, offset=25.0)
    return fig


def _against_spikes(ds: xr.Dataset, ax: Any, engine: str) -> None:
    """Agreement of every mechanism: counts, or Poisson (dotted) and LIF neurons."""
    from synfwp import plot

    with plot.style():
        for name, colour in COLOURS.items():
            tint, one = plot.COLOURS[colour], ds.agreement.sel(mechanism=name)
            mine = one.sel(engine=engine).dropna("spikes", how="all")
            mean, error = mine.mean("seed"), mine.std("seed", ddof=1) / mine.notnull().sum("seed") ** 0.5
            label = name.removeprefix("gated trace, ").replace("covariance", "covariance (running mean)")
            plot.points(ax, mine.spikes, mean, error, colour=colour, marker=MARKERS[engine])
            ax.plot(mine.spikes, mean, color=tint, lw=0.8, label=label)
            if engine == "lif":
                poisson = one.sel(engine="poisson").dropna("spikes", how="all").mean("seed")
                ax.plot(poisson.spikes, poisson, ":s", color=tint, mfc="white", ms=2.5, lw=0.8)
        closed = ds.closed_form.sel(mechanism="gated trace, Hebb", engine=engine).mean("seed").dropna("spikes")
        ax.plot(closed.spikes, closed, color="0.3", lw=0.9, ls=(0, (3, 2)), label="Hebb in closed form")
        size = json.loads(ds.attrs["parameters"])["size"]
        if engine == "counts" and (size["d"], size["items"]) == (64, 32):
            ax.plot(list(FOUND), list(FOUND.values()), "x", color="black", ms=4, label="delta, found before")
        ax.axhline(WANTED, color="0.7", lw=0.5, zorder=0)
        ax.set(xscale="log", xlabel="spikes of a key (rms, window)", ylabel="agreement (corr.)", ylim=(0, 1.03))
        ax.set(title="counts" if engine == "counts" else "LIF (filled), Poisson (open)")
        values = mine.spikes.values
        ax.set_xticks(values, [f"{value:g}" for value in values])
        ax.minorticks_off()


def _slopes(ds: xr.Dataset, ax: Any) -> None:
    """Measured slopes against those of the effective rule."""
    from synfwp import plot

    at = ds.sel(spikes=max(json.loads(ds.attrs["parameters"])["size"]["neuron_spikes"]))
    with plot.style():
        for name, colour in COLOURS.items():
            for engine, marker in MARKERS.items():
                one = at.sel(mechanism=name, engine=engine)
                y = _seeds(one.slope)
                error = y.std(ddof=1) / len(y) ** 0.5 if len(y) > 1 else None
                line = plot.points(ax, float(one.effective.mean()), y.mean(), error, colour=colour, marker=marker)
                line.lines[0].set_markerfacecolor(plot.COLOURS[colour] if engine == "lif" else "white")
        ends = float(min(at.slope.min(), at.effective.min())), float(max(at.slope.max(), at.effective.max()))
        ax.plot(ends, ends, color="0.45", lw=0.7, ls=(0, (3, 2)), zorder=1)
        for engine, marker in MARKERS.items():
            face = "black" if engine == "lif" else "white"
            ax.plot([], [], marker, color="black", mfc=face, label=SPELLED[engine])
        ax.set(xlabel="size, effective rule (slope)", ylabel="size (slope)")


def _prices(ds: xr.Dataset, axes: list[Any]) -> None:
    """Spikes, synapses and seconds for the agreement wanted, one line for each mechanism."""
    from synfwp import plot

    place = np.arange(len(MECHANISMS))[::-1]
    shown = ("write_wanted", "o", "write"), ("read_wanted", "s", "read")
    with plot.style():
        for name, marker, text in shown:
            for y, (mechanism, colour) in zip(place, COLOURS.items(), strict=True):
                value = float(ds[name].sel(mechanism=mechanism))
                face = plot.COLOURS[colour] if text == "write" else "white"
                axes[0].plot(value, y, marker, color=plot.COLOURS[colour], mfc=face, ms=4)
            axes[0].plot([], [], marker, color="black", mfc="black" if text == "write" else "white", label=text)
        for ax, name in zip(axes[1:], ("synapses_wanted", "seconds_wanted"), strict=True):
            for y, (mechanism, colour) in zip(place, COLOURS.items(), strict=True):
                ax.plot(float(ds[name].sel(mechanism=mechanism)), y, "o", color=plot.COLOURS[colour], ms=4)
        labels = [name.removeprefix("gated trace, ") for name in MECHANISMS]
        for ax, text in zip(axes, ("spikes per item (number)", "synapses (number)", "time per item (s)"), strict=True):
            ax.set(xlabel=text, ylim=(-0.6, len(place) - 0.4))
            ax.set_yticks(place, labels)
            ax.set_xlim(0, 1.05 * ax.get_xlim()[1])
        axes[0].set_ylabel("mechanism (name)")
        for ax in axes[1:]:
            ax.sharey(axes[0])
            ax.tick_params(labelleft=False)
        plot.legend(axes[0])


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = json.loads(ds.attrs["parameters"])["size"]
    most = max(size["neuron_spikes"])
    worst = {}
    for engine in ENGINES:
        at = ds.sel(engine=engine, spikes=most)
        off = (at.slope - at.effective).mean("seed")
        name = str(off.mechanism.values[np.abs(off.values).argmax()])
        worst[engine] = f"{SPELLED[engine]} {name} {float(off.sel(mechanism=name)):+.3f}"
    need = ", ".join(f"{name} {float(ds.key_wanted.sel(mechanism=name)):.1f}" for name in MECHANISMS)
    text = f"""
        Spiking synapses and their target rules. {size["items"]} items with keys of {size["d"]} features (rectified
        normal, unit length) and values of {size["d"]} (normal), beta {size["beta"]:g}, weights free to change sign;
        windows of {size["window"]:g} ms, gaps of {size["gap"]:g} ms. (a) Centred correlation of the weights with those
        of the ideal rule against the spikes of a key (root mean square, all neurons of a feature, one window), Poisson
        counts, {size["seeds"]} seeds; dashed: Hebbian sums in closed form; crosses: delta rule, found before; grey
        line: {WANTED:g}, which takes {need} spikes. (b) The same in LIF (filled) and Poisson neurons (open),
        {size["neuron_seeds"]} seeds. (c) Slope of the weights on the ideal ones at {most:g} spikes against that of the
        effective rule, which `describe` has in closed form: what is off the dashed line is bias that it does not know;
        the largest of {"; of ".join(worst.values())}. (d, e, f) The price of {WANTED:g} in counts: spikes of all
        neurons to write and to read an item, synapses (push and pull, between all neurons of keys and values), and time
        to write and read one. Bars: standard error of the mean.
    """
    return " ".join(text.split()).replace(" nan", " more than was run")
