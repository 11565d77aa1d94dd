"""The spike budget: how many spikes an association needs before spiking synapses do what their target rule does.

Items with rates as keys are written by the Hebbian and by the delta rule into spiking networks, over peak rates,
windows, neurons per feature and numbers of items in Poisson counts, over gaps and trace time constants in Poisson
neurons, and at some cells of every sweep again in LIF neurons. Agreement is the centred correlation of the weights with
those of the ideal rule, recall the cosine of a read with its value. Closed forms of `synfwp.theory` are drawn beside.
The covariance rule takes off the mean of the keys before, which of few keys is itself an estimate, or a mean that is
known: then 1000 keys came before that stored nothing. A single item is its own running mean, so that a later token that
asks for it reads 0; with a known mean it is recalled.

Cites: irie2025, hasselmo2002, urbanczik2014, vogels2011, macneil2011
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds, theory
from synfwp.measures import centred_correlation, crossing
from synfwp.results import Row
from synfwp.settings import sized
from synfwp.substrates import door

MECHANISMS: dict[str, tuple[str, type[fw.Mechanism]]] = {
    "gated trace, Hebb": ("hebb", fw.GatedTrace),
    "gated trace, covariance": ("covariance", fw.GatedTrace),  # of the mean of the keys before
    "gated trace, covariance, known mean": ("covariance", fw.GatedTrace),
    "two phases": ("delta", fw.TwoPhase),
    "dendritic": ("delta", fw.Dendritic),
    "inhibitory": ("delta", fw.InhibitoryCancellation),
    "PES": ("delta", fw.PES),
}
PAIR = ("gated trace, Hebb", "two phases")  # what every sweep is run for; the peak rate for all
KNOWN, EARLIER = "gated trace, covariance, known mean", 1000  # keys without a value, before the first item
WANTED = 0.9  # agreement
RATES_BAND = 0.02  # a cosine of means for a mean of cosines, of rates whose mean is known
ONE_BAND, ONE_FROM = 0.02, 5  # the closed forms take a ratio of means for a mean of ratios: near from 5 spikes on


class Cell(NamedTuple):
    """What a network and its task are: Hz, ms, ms, ms, and two numbers."""

    peak: float = 100.0
    window: float = 100.0
    gap: float = 40.0
    tau: float = 20.0
    neurons: float = 4
    items: float = 32


UNITS = {"peak": "Hz", "window": "ms", "gap": "ms", "tau": "ms", "neurons": "1", "items": "1"}
LABELS = {
    "peak": "peak rate", "window": "window", "gap": "gap", "tau": "trace time constant",
    "neurons": "neurons per feature", "items": "items",
}  # fmt: skip


class Size(NamedTuple):
    """Features of keys and of values, the cell in the middle, what is swept, and seeds of counts and of neurons."""

    d: int  # features of keys and of values
    sweeps: dict[str, tuple[float, ...]]
    lif: dict[str, tuple[float, ...]]
    seeds: int  # runs of counts, each with a seed of its own
    neuron_seeds: int  # runs with neurons
    one: tuple[float, ...]  # spikes of the cells of one item
    pairs: tuple[int, ...]  # items of the exact recall of rates
    peak: float = 100.0  # Hz: peak rate around which the others are swept
    window: float = 100.0  # ms: window, likewise
    gap: float = 40.0  # ms: gap, likewise
    tau: float = 20.0  # ms: trace time constant, likewise
    neurons: int = 4  # neurons per feature, likewise
    items: int = 32  # items, likewise

    @property
    def middle(self) -> Cell:
        """The cell in the middle of all sweeps."""
        return Cell(self.peak, self.window, self.gap, self.tau, self.neurons, self.items)


FULL = Size(
    d=64,
    sweeps={
        "peak": (6.25, 12.5, 25.0, 50.0, 100.0, 200.0, 400.0),
        "window": (25.0, 50.0, 100.0, 200.0, 400.0),
        "neurons": (1, 2, 4, 8, 16),
        "gap": (0.0, 10.0, 20.0, 40.0, 80.0),
        "tau": (5.0, 10.0, 20.0, 40.0, 80.0),
        "items": (8, 16, 32, 64, 128),
    },
    lif={"peak": (25.0, 50.0, 100.0), "window": (50.0, 200.0), "neurons": (2, 8), "gap": (0.0, 80.0),
         "tau": (5.0, 80.0), "items": (8, 64)},
    seeds=5,
    neuron_seeds=3,
    one=(1.0, 2.0, 5.0, 10.0, 20.0, 50.0),
    pairs=(32, 64),
)  # fmt: skip
QUICK = Size(
    d=16,
    neurons=2,
    items=8,
    sweeps={"peak": (25.0, 100.0, 400.0), "window": (50.0, 200.0), "neurons": (1, 4), "gap": (0.0, 40.0),
            "tau": (5.0, 40.0), "items": (4, 16)},
    lif={"peak": (100.0,), "window": (50.0,), "neurons": (1,), "gap": (0.0,), "tau": (5.0,), "items": (4,)},
    seeds=2,
    neuron_seeds=1,
    one=(2.0, 10.0),
    pairs=(8, 16),
)  # fmt: skip


class Run(NamedTuple):
    """One cell of a sweep in one engine with one mechanism."""

    sweep: str
    engine: str
    mechanism: str
    cell: Cell


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Run all cells; ``quick`` does it with fewer and smaller ones."""
    runs = plan(size)
    found = [measure(size, run, seed) for run in runs]
    share, dims = {"units": "1"}, ("run", "seed")
    names = {
        "agreement": "centred correlation with the ideal rule",
        "recall": "cosine of what the weights recall with the value",
        "recall_spikes": "cosine of what spikes recall with the value",
        "spikes": "spikes of all neurons to write an item",
        "ideal": "cosine of what the ideal rule recalls",
        "ideal_hebb": "cosine of what the ideal Hebbian rule recalls",
        "ideal_covariance": "cosine of what the ideal covariance rule recalls",
        "ideal_known": "cosine of what the ideal covariance rule with a known mean recalls",
        "effective": "agreement of the effective rule",
        "closed_form": "agreement of Hebbian sums, closed form",
    }
    columns = [results.padded([one[name] for one in found]) for name in names]
    pairs = zip(names.items(), columns, strict=True)
    variables: dict[str, Any] = {n: (dims, x, share | {"long_name": text}) for (n, text), x in pairs}
    for i, name in enumerate(Cell._fields):
        text = {"units": UNITS[name], "long_name": LABELS[name]}
        variables[name] = ("run", np.array([run.cell[i] for run in runs], float), text)
    for name in ("sweep", "engine", "mechanism"):
        variables[name] = ("run", [getattr(run, name) for run in runs], {"long_name": name})
    single = one_item(size, seed)
    settings = {"size": size._asdict() | {"middle": size.middle._asdict()}, "quick": quick}
    coords = {"seed": range(seed, seed + size.seeds), **{str(name): x for name, x in single.coords.items()}}
    variables |= {str(name): single[name] for name in single.data_vars}
    ds = results.dataset(variables, coords, **results.provenance(settings, seed))
    ds = ds.merge(budget(ds)).merge(recall_of_rates(size, seed))
    return results.compared(ds, rows)


def plan(size: Size) -> list[Run]:
    """All runs: counts, but Poisson neurons where time within a window matters, and LIF neurons at some cells."""
    runs = []
    for sweep, values in size.sweeps.items():
        timed = sweep in ("gap", "tau")
        for mechanism in MECHANISMS if sweep == "peak" else PAIR:
            for value in values:
                runs.append(Run(sweep, "counts", mechanism, size.middle._replace(**{sweep: value})))
                if timed:
                    runs.append(Run(sweep, "poisson", mechanism, size.middle._replace(**{sweep: value})))
            if mechanism in PAIR:
                cells = [size.middle._replace(**{sweep: value}) for value in size.lif[sweep]]
                runs += [Run(sweep, "lif", mechanism, cell) for cell in cells]
    return runs


def network_of(run: Run) -> fw.SpikingNetwork:
    """The network of a run; its weights are free to change sign."""
    cell = run.cell
    return fw.SpikingNetwork(
        engine=run.engine,
        mechanism=MECHANISMS[run.mechanism][1](tau=cell.tau),
        code=fw.RateCode(peak=cell.peak, neurons_per_feature=int(cell.neurons)),
        schedule=fw.ThetaCycle(retrieve=cell.window, encode=cell.window, gap=cell.gap),
        dale=False,
    )


def measure(size: Size, run: Run, seed: int) -> dict[str, np.ndarray]:
    """What is measured in a run, for every seed."""
    n = size.seeds if run.engine == "counts" else size.neuron_seeds
    rows = [one_run(size, run, seed, replicate) for replicate in range(n)]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def one_run(size: Size, run: Run, seed: int, replicate: int) -> dict[str, float]:
    """One seed of a run: the same items for every rule and engine, spikes by what the cell is."""
    rule, cell, network = MECHANISMS[run.mechanism][0], run.cell, network_of(run)
    k, v = items(seed, int(cell.items), size.d, replicate)
    draws = int(seeds.generator(seed, "spikes", key_of(cell), size.d, replicate).integers(2**31))
    nothing, beta, n = np.zeros_like(k), np.repeat([1.0, 0.0], len(k)), len(k)
    reads, writes, values = (np.concatenate(pair) for pair in ((nothing, k), (k, nothing), (v, np.zeros_like(v))))
    mean = np.full(size.d, mean_rate(size.d))
    first = np.tile(mean, (EARLIER if run.mechanism == KNOWN else 0, 1))  # keys alone: nothing is written or read
    off = np.zeros_like(first)
    sent = [np.concatenate(x) for x in ((off, reads), (first, writes), (off, values), (off[:, 0], beta))]
    out = door.run(rule, fw.Instructions(*sent), on=network, seed=draws)
    target = fw.scan(rule, k, k, v, aux0=np.append(mean, EARLIER) if run.mechanism == KNOWN else None).W
    written = fw.Instructions(*(x[: len(first) + n] for x in sent))
    effective = door.references(rule, written, on=network)["effective"].W[0]
    peak_spikes = int(cell.neurons) * cell.peak / 1000 * cell.window
    traces = {} if run.engine == "counts" else {"tau": cell.tau, "T": cell.window}
    closed_form = theory.hebb_agreement(k, v, peak_spikes, **traces) if rule == "hebb" else np.nan
    exact = {name: fw.scan(name, reads, writes, values, beta) for name in ("hebb", "covariance", rule)}
    exact["known"] = fw.scan("covariance", reads, writes, values, beta, aux0=np.append(mean, EARLIER))
    ideal = {name: cosine(one.y[n:], v) for name, one in exact.items()}
    return {
        "agreement": float(centred_correlation(out.W[0], target)),
        "recall": cosine(out.y[0, -n:], v),
        "recall_spikes": cosine(out.extras["y_spikes"][1][0, -n:], v),
        "spikes": float(out.extras["spikes_per_item"][1][0]),
        "ideal": ideal["known" if run.mechanism == KNOWN else rule],
        "ideal_hebb": ideal["hebb"],
        "ideal_covariance": ideal["covariance"],
        "ideal_known": ideal["known"],
        "effective": float(centred_correlation(effective, target)),
        "closed_form": closed_form,
    }


def key_of(cell: Cell) -> dict[str, float]:
    """What seeds the spikes of a cell: its numbers, under the names with which the published runs were drawn."""
    return {"clones" if name == "neurons" else name: value for name, value in cell._asdict().items()}


def items(seed: int, n: int, d: int, replicate: int) -> tuple[np.ndarray, np.ndarray]:
    """Rectified normal keys of unit length and normal values; the rule, the network and the engine stay out."""
    rng = seeds.generator(seed, "items", {"items": n, "d": d}, replicate)
    k = np.maximum(rng.standard_normal((n, d)), 0)
    return k / np.linalg.norm(k, axis=1, keepdims=True), rng.standard_normal((n, d))


def mean_rate(d: int) -> float:
    """Expected feature of a rectified normal key of unit length: of 4096 keys that nobody stores."""
    k = np.maximum(seeds.generator(0, "mean", d).standard_normal((4096, d)), 0)
    k = k[k.any(axis=1)]
    return float((k / np.linalg.norm(k, axis=1, keepdims=True)).mean())


def recall_of_rates(size: Size, seed: int) -> xr.Dataset:
    """What the exact rules recall of P items with absolute normal rates as keys, after all, and of the first alone."""
    known = np.append(np.full(size.d, np.sqrt(2 / np.pi)), np.inf)
    means: dict[str, Any] = {"running": ("covariance", None), "known": ("covariance", known), "none": ("hebb", None)}
    recall = np.empty((len(means), len(size.pairs), 4 * size.seeds))
    first = np.empty((len(means), 4 * size.seeds))
    for j in range(4 * size.seeds):
        rng = seeds.generator(seed, "rates", size.d, j)
        k, v = np.abs(rng.standard_normal((max(size.pairs), size.d))), rng.standard_normal((max(size.pairs), size.d))
        for m, (rule, aux) in enumerate(means.values()):
            for i, n in enumerate((1, *size.pairs)):
                none, beta = np.zeros((n, size.d)), np.repeat([1.0, 0.0], n)
                q, keys, values = (np.concatenate(x) for x in ((none, k[:n]), (k[:n], none), (v[:n], none)))
                found = cosine(fw.scan(rule, q, keys, values, beta, aux0=aux).y[n:], v[:n])
                (first[m] if i == 0 else recall[m, i - 1])[j] = found
    text = {"units": "1", "long_name": "cosine of recall of rates by the exact rule"}
    columns = {"rates": (("mean", "pairs", "repeat"), recall, text), "rates_first": (("mean", "repeat"), first, text)}
    return xr.Dataset(columns, {"mean": list(means), "pairs": ("pairs", list(size.pairs), {"long_name": "items"})})


def cosine(y: np.ndarray, v: np.ndarray) -> float:
    """Mean cosine of reads with their values; silence has none and counts as 0."""
    size = np.linalg.norm(y, axis=1) * np.linalg.norm(v, axis=1)
    return float(np.divide((y * v).sum(axis=1), size, out=np.zeros(len(y)), where=size > 0).mean())


def one_item(size: Size, seed: int) -> xr.Dataset:
    """Raw cosine of one item of uniform rates with its outer product, by expected spikes at the peak rate."""
    repeats, T, tau = 4 * size.seeds, 100.0, 20.0
    columns: dict[str, Any] = {name: np.empty((len(size.one), repeats)) for name in ("counts", "poisson")}
    for engine, found in columns.items():
        for i, spikes in enumerate(size.one):
            network = fw.SpikingNetwork(
                engine=engine, code=fw.RateCode(peak=1000 * spikes / T, neurons_per_feature=1),
                mechanism=fw.GatedTrace(tau=tau), dale=False,
            )  # fmt: skip
            for j in range(repeats):
                rng = seeds.generator(seed, "one item", spikes, j)
                k, v = rng.uniform(0, 1, (2, 1, 1, 100))
                W = door.run("hebb", fw.Instructions(0 * k, k, v), on=network, seed=rng).W[0]
                ideal = np.outer(v, k)
                found[i, j] = (W * ideal).sum() / np.linalg.norm(W) / np.linalg.norm(ideal)
    closed_form = {
        "counts": [theory.count_cosine(n) for n in size.one],
        "poisson": [theory.trace_cosine(1.5 * T / n, T, tau) for n in size.one],
    }
    text = {"units": "1", "long_name": "cosine of one item with its outer product"}
    return xr.Dataset(
        {f"one_{name}": (("one", "repeat"), x, text) for name, x in columns.items()}
        | {f"one_{name}_closed_form": ("one", x, text) for name, x in closed_form.items()},
        coords={"one": ("one", list(size.one), {"units": "1", "long_name": "spikes at the peak rate in a window"})},
    )


def select(ds: xr.Dataset, sweep: str, engine: str, mechanism: str) -> xr.Dataset:
    """The runs of one curve, in order."""
    mine = (ds.sweep == sweep) & (ds.engine == engine) & (ds.mechanism == mechanism)
    chosen = ds.isel(run=np.flatnonzero(mine.values))
    return chosen.isel(run=np.argsort(chosen[sweep].values, kind="stable"))


def feature_spikes(ds: xr.Dataset) -> xr.DataArray:
    """Expected spikes at the peak rate in one window, over all neurons of a feature."""
    return ds.neurons * ds.peak / 1000 * ds.window


def budget(ds: xr.Dataset) -> xr.Dataset:
    """Spikes of an association (all neurons; and of a feature at peak) for what is wanted, from the sweep of rates."""
    rows = []
    for mechanism in MECHANISMS:
        one = select(ds, "peak", "counts", mechanism)
        mean = one.mean("seed")
        goals = (
            (mean.agreement.values, WANTED),
            ((mean.recall - mean.ideal_hebb).values, 0.0),
            ((mean.recall_spikes - mean.ideal_hebb).values, 0.0),
        )
        x = mean.spikes.values, feature_spikes(one).values
        rows.append([[crossing(spikes, y, wanted) for y, wanted in goals] for spikes in x])
    text = {"units": "1", "long_name": "spikes needed"}
    coords = {
        "by": ("by", list(MECHANISMS), {"long_name": "mechanism"}),
        "counted": ("counted", ["association", "feature"], {"long_name": "which spikes are counted"}),
        "goal": ("goal", ["agreement", "recall", "recall_spikes"], {"long_name": "what is wanted"}),
    }
    return xr.Dataset({"needed": (("by", "counted", "goal"), rows, text)}, coords)


def rows(ds: xr.Dataset) -> list[Row]:
    """Spikes needed, closed forms against counts, and LIF neurons against counts or Poisson ones on the same items."""
    found = []
    for mechanism in MECHANISMS:
        for goal, text in (
            ("agreement", f"agreement {WANTED:g}"),
            ("recall", "recall above ideal Hebb, weights"),
            ("recall_spikes", "recall above ideal Hebb, spikes"),
        ):
            if goal != "agreement" and mechanism == "gated trace, Hebb":
                continue
            for counted, unit in (
                ("association", "spikes per association"),
                ("feature", "spikes of a feature at peak"),
            ):
                value = ds.needed.sel(by=mechanism, goal=goal, counted=counted)
                found.append(Row(f"{unit} for {text}, {mechanism}", value))
    for name in ("counts", "poisson"):
        for n in ds.one.values:
            closed, one = (x.sel(one=n) for x in (ds[f"one_{name}_closed_form"], ds[f"one_{name}"]))
            what = f"cosine of one item, {n:g} spikes, {name}, against closed form"
            found.append(Row(what, one, closed.mean(), "theory", band=ONE_BAND if n >= ONE_FROM else 0.0))
    d = json.loads(ds.attrs["parameters"])["size"]["d"]
    for n in ds.pairs.values:
        at, want = ds.rates.sel(pairs=n), float(theory.hebb_cosine(int(n), d))
        what = f"recall of {n} rates, covariance"
        found.append(Row(f"{what}, known mean", at.sel(mean="known"), want, "theory", band=RATES_BAND))
        for name, text in (("running", "covariance, running mean"), ("none", "no mean (Hebb)")):
            what = f"recall of {n} rates, {text}"
            found.append(Row(what, at.sel(mean=name), at.sel(mean="known"), "control", claim="below"))
    for mean, alone in (("running", 0.0), ("known", 1.0)):
        what = f"recall of one item by a later token, covariance, {mean} mean"
        found.append(Row(what, ds.rates_first.sel(mean=mean), alone, "exact", band=1e-12))
    for sweep in UNITS:
        engine = "poisson" if sweep in ("gap", "tau") else "counts"
        runs = select(ds, sweep, engine, "gated trace, Hebb")
        for i, value in enumerate(runs[sweep].values):
            here, what = runs.isel(run=i), f"agreement, Hebb, {LABELS[sweep]} {value:g}, {engine}, against closed form"
            found.append(Row(what, _seeds(here.agreement), _seeds(here.closed_form), "theory"))
        for mechanism in PAIR:
            lif, other = (select(ds, sweep, e, mechanism) for e in ("lif", engine))
            for i, value in enumerate(lif[sweep].values):
                mine = _seeds(lif.agreement.isel(run=i))
                against = _seeds(other.agreement.isel(run=int(np.flatnonzero(other[sweep].values == value).item())))
                what = f"agreement, {mechanism}, {LABELS[sweep]} {value:g}, LIF, against {engine}"
                found.append(Row(what, mine, against[: len(mine)], "other engine"))
    return found


def _seeds(x: xr.DataArray) -> np.ndarray:
    """The values of those seeds that were run, which are the first ones."""
    found: np.ndarray = x.values[~np.isnan(x.values)]
    return found


COLOURS = dict(zip(MECHANISMS, ("blue", "sky", "sky", "vermillion", "green", "orange", "purple"), strict=True))
FILLED = {"counts": "o", "poisson": "s", "lif": "^"}


def figure(ds: xr.Dataset) -> Any:
    """Nine panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 165, "abc;def;ghi")
    _one(ds, axes["a"])
    for letter, sweep in zip("bcdefg", UNITS, strict=True):
        _sweep(ds, axes[letter], sweep)
    peak = ds.isel(run=np.flatnonzero((ds.sweep == "peak").values))
    ideals = {name: float(peak[f"ideal_{name}"].mean()) for name in ("hebb", "covariance", "known")}
    _against_spikes(ds, axes["h"], "agreement", {f"{WANTED:g}": WANTED})
    levels = ("ideal Hebb", "ideal covariance", "the same, known mean")
    _against_spikes(ds, axes["i"], "recall", dict(zip(levels, ideals.values(), strict=True)))
    with plot.style():
        for letter in "hi":
            plot.legend(axes[letter])
        plot.shared_legend(fig, axes["b"])
    plot.letter(axes, offset=26.0)
    return fig


def _one(ds: xr.Dataset, ax: Any) -> None:
    """One item against its closed forms."""
    from synfwp import plot

    with plot.style():
        for name, label, colour in (("counts", "counts", "black"), ("poisson", "traces", "green")):
            found = ds[f"one_{name}"]
            error = found.std("repeat", ddof=1) / found.sizes["repeat"] ** 0.5
            plot.points(ax, ds.one, found.mean("repeat"), error, colour=colour, marker=FILLED[name], label=label)
            dash = (0, (3, 2))
            ax.plot(
                ds.one, ds[f"one_{name}_closed_form"], color=plot.COLOURS[colour], lw=0.8, ls=dash, label="closed form"
            )
        ax.set_xscale("log")
        ax.set_xticks(ds.one, [f"{n:g}" for n in ds.one.values])
        ax.minorticks_off()
        ax.set_xlabel("spikes (at peak, one window)")
        ax.set_ylabel("cosine (one item)")
        ax.set_ylim(0, 1.02)
    plot.legend(ax)


def _sweep(ds: xr.Dataset, ax: Any, sweep: str) -> None:
    """Agreement of the Hebbian and the delta rule against what is swept, in counts, Poisson and LIF neurons."""
    from synfwp import plot

    with plot.style():
        for mechanism in PAIR:
            colour = plot.COLOURS[COLOURS[mechanism]]
            for engine, marker in FILLED.items():
                one = select(ds, sweep, engine, mechanism)
                if not one.sizes["run"]:
                    continue
                mean, n = one.agreement.mean("seed"), one.agreement.notnull().sum("seed")
                error = one.agreement.std("seed", ddof=1).fillna(0) / n**0.5 if (n > 1).all() else None
                line = plot.points(ax, one[sweep], mean, error, colour=colour, marker=marker)
                line.lines[0].set_markerfacecolor(colour if engine == "counts" else "white")
                if engine != "lif":
                    ax.plot(one[sweep], mean, color=colour, lw=0.7, ls="-" if engine == "counts" else ":")
            if mechanism == PAIR[0]:
                closed = select(ds, sweep, "poisson" if sweep in ("gap", "tau") else "counts", mechanism)
                ax.plot(closed[sweep], closed.closed_form.mean("seed"), color="0.3", lw=0.9, ls=(0, (3, 2)))
        lowest = float(ds.agreement.where(ds.sweep == sweep).min())
        ax.set_ylim(max(0.0, np.floor(10 * lowest) / 10 - 0.1), 1.02)
        values = np.unique(select(ds, sweep, "counts", PAIR[0])[sweep].values)
        if sweep != "gap":
            ax.set_xscale("log")
        ax.set_xticks(values, [f"{value:.3g}" for value in values])
        ax.minorticks_off()
        unit = {"neurons": "(number)", "items": "(number)"}.get(sweep, f"({UNITS[sweep]})")
        ax.set_xlabel(f"{LABELS[sweep]} {unit}")
        ax.set_ylabel("agreement (corr.)")
        if sweep == "peak":
            _key(ax)


def _key(ax: Any) -> None:
    """Entries of the legend of all sweeps."""
    from synfwp import plot

    spelled = {"counts": "counts", "poisson": "Poisson neurons", "lif": "LIF neurons"}
    for mechanism, text in zip(PAIR, ("Hebb, gated trace", "delta, two phases"), strict=True):
        ax.plot([], [], color=plot.COLOURS[COLOURS[mechanism]], lw=1.5, label=text)
    for engine, marker in FILLED.items():
        face = "black" if engine == "counts" else "white"
        ax.plot([], [], marker, color="black", markerfacecolor=face, label=spelled[engine])
    ax.plot([], [], color="0.3", lw=0.9, ls=(0, (3, 2)), label="Hebb in closed form")


def _against_spikes(ds: xr.Dataset, ax: Any, variable: str, levels: dict[str, float]) -> None:
    """A score of every mechanism against the spikes of an association, along the sweep of peak rates in counts."""
    from synfwp import plot

    with plot.style():
        for mechanism, colour in COLOURS.items():
            if variable == "recall" and mechanism == "gated trace, Hebb":
                continue
            one = select(ds, "peak", "counts", mechanism).mean("seed")
            label = mechanism.removeprefix("gated trace, ") if variable == "agreement" else None
            style: Any = {"ls": (0, (2, 1)), "mfc": "white"} if mechanism == KNOWN else {}
            style |= {"color": plot.COLOURS[colour], "marker": "o", "lw": 0.7, "ms": 2.5}
            ax.plot(one.spikes, one[variable], **style, label=label)
        for (label, level), dash in zip(levels.items(), ((0, (3, 2)), (0, (1, 1)), (0, (5, 1, 1, 1))), strict=False):
            ax.axhline(level, color="0.45", lw=0.7, ls=dash, label=label)
        ax.set_xscale("log")
        ax.set_xlabel("spikes per association (total)")
        ax.set_ylabel("agreement (corr.)" if variable == "agreement" else "recall (cosine)")
        ax.set_ylim(0, 1.02 if variable == "agreement" else 0.9)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = json.loads(ds.attrs["parameters"])["size"]
    middle = Cell(**size["middle"])
    need = {
        goal: ", ".join(f"{name} {float(ds.needed.sel(by=name, counted='association', goal=goal)):.0f}" for name in of)
        for goal, of in (("agreement", list(MECHANISMS)), ("recall", list(MECHANISMS)[1:]))
    }
    peak = ds.isel(run=np.flatnonzero((ds.sweep == "peak").values))
    delta = select(ds, "peak", "counts", "two phases")
    text = f"""
        The spike budget of an association. {middle.items} items with keys of {size["d"]} features (rectified normal,
        unit length) and values of {size["d"]} (normal), beta 1, weights free to change sign; {size["seeds"]} seeds of
        counts, {size["neuron_seeds"]} of Poisson and LIF neurons. (a) Cosine of one item of uniform rates with its
        outer product, against expected spikes at the peak rate; closed forms 1/(1 + 1.5/n) of counts, and of traces of
        20 ms in a window of 100 ms. (b, c, d, e, f, g) Centred correlation of the weights with those of the ideal rule,
        one parameter at a time around {middle.peak:g} Hz, windows of {middle.window:g} ms, {middle.neurons} neurons per
        feature, gaps of {middle.gap:g} ms, traces of {middle.tau:g} ms and {middle.items} items; counts know neither
        gaps nor traces. Dashed: Hebbian rule in closed form, which leaves out what leaks from item to item where traces
        outlast a gap (d, e). (h) The same against spikes of all neurons for one association, counts over peak rates;
        agreement {WANTED:g} needs {need["agreement"]}. (i) Mean cosine of recall from the weights with the value; above
        the ideal Hebbian rule ({float(peak.ideal_hebb.mean()):.2f}) with {need["recall"]} spikes per association; ideal
        covariance rule: {float(peak.ideal_covariance.mean()):.2f} with a running mean (filled) and
        {float(peak.ideal_known.mean()):.2f} with a known one (open), ideal delta rule: {float(delta.ideal.mean()):.2f}.
    """
    return " ".join(text.split()).replace("nan", "more than was run")
