"""Programmed spikes: programmers trained for the noise of spikes beside ones trained exactly, both run both ways.

A slow network learns to store pairs whose keys are written again and again, so that the last value counts, in fast
weights by the delta rule. It is trained with the exact rule, or with the noise that Poisson counts of so many spikes
give to keys, values, queries and reads (`synfwp.SpikeNoise`). Each net is then run exactly, in a rate network, and in
spiking networks of more and fewer spikes: counts, and LIF neurons at some points. Beside them softmax attention, which
keeps every pair and does not know their order: with the same noise, and with as many bytes as the matrix has.

Cites: irie2025, schlag2021, bishop1995
"""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np
import xarray as xr
from autograd.tracer import getval

import synfwp as fw
from synfwp import results, seeds, tasks
from synfwp.results import Row
from synfwp.settings import sized

WANTED = 0.9  # accuracy
CHOICES = 4  # neurons per feature


class Size(NamedTuple):
    """The task, the nets and their training, spikes of training and of the tests, and sequences of a test."""

    keys: int  # keys, and values, of the task
    writes: int  # pairs of a sequence
    d_key: int  # features of a key
    d_value: int  # features of a value
    steps: int  # updates
    batch: int  # sequences of an update
    nets: int  # nets of each training, each with a seed of its own
    trained: tuple[float, ...]  # spikes of a feature at peak in a window, in training; 0: the exact rule
    spikes: tuple[float, ...]  # the same, in tests with counts
    lif: tuple[float, ...]  # the same, in tests with LIF neurons
    sequences: int  # sequences of a test
    few: int  # sequences of a test with LIF neurons
    window: float = 100.0  # ms: each phase of an item
    gap: float = 40.0  # ms: gap between phases
    learning_rate: float = 5e-3  # of Adam

    def task(self) -> tasks.Recall:
        """Pairs whose keys are drawn with replacement."""
        return tasks.Recall(keys=self.keys, values=self.keys, writes=self.writes, replacement=True)

    def programmer(self, rule: str) -> fw.Programmer:
        """The slow network of a rule."""
        task, more = self.task(), {"d_key": self.d_key, "d_value": self.d_value}
        own: dict[str, Any] = {"key_norm": "none"}
        if rule == "delta":
            own = {"feature": "relu", "key_norm": "l2", "write_channel": -1}
        return fw.Programmer(rule=rule, d_in=task.d_in, d_out=task.d_out, **(own | more))

    def network(self, engine: str, spikes: float) -> fw.SpikingNetwork:
        """A network with so many spikes of a feature at peak in a window; weights are free to change sign."""
        peak = 1000 * spikes / self.window / CHOICES
        cycle = fw.ThetaCycle(retrieve=self.window, encode=self.window, gap=self.gap)
        code = fw.RateCode(peak=peak, neurons_per_feature=CHOICES)
        return fw.SpikingNetwork(engine=engine, code=code, schedule=cycle, dale=False)


FULL = Size(
    16, 24, 32, 16, 1000, 32, 5, (0.0, 20.0, 5.0), (2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0), (10.0, 40.0), 128, 32
)
QUICK = Size(4, 6, 8, 4, 100, 16, 2, (0.0, 5.0), (2.5, 40.0), (40.0,), 16, 2, learning_rate=2e-2)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Train the nets and run each of them in every way; ``quick`` does it with small ones."""
    every = range(seed, seed + size.nets)
    ds = results.cells(cell, {"trained": [_name(n) for n in size.trained], "seed": every}, size=size)
    ds = ds.merge(results.cells(attention, {"seed": every}, size=size))
    ds["trained"].attrs |= {"long_name": "spikes in training"}
    ds = ds.assign_attrs(results.provenance({"size": size._asdict(), "quick": quick}, seed))
    return results.compared(ds, rows)


def _name(spikes: float) -> str:
    """How a training is called."""
    return "exact" if spikes == 0 else f"{spikes:g} spikes"


def cell(size: Size, trained: str, seed: int) -> xr.Dataset:
    """One net, trained exactly or with noise, and run in every way."""
    spikes = {_name(n): n for n in size.trained}[trained]
    read = None if spikes == 0 else fw.SpikeNoise(spikes, seed=seed)
    net = fw.train(size.programmer("delta"), size.task(), **_training(size, seed), read=read)
    at, few = _batch(size, seed, size.sequences), _batch(size, seed, size.few)
    text = {"units": "1"}
    counts = [size.network("counts", n) for n in size.spikes]
    variables = {
        "exact": ((), net.accuracy(at), text | {"long_name": "accuracy, exact rule"}),
        "rate": ((), net.accuracy(at, on=fw.RateNetwork()), text | {"long_name": "accuracy, rate network"}),
        "counts": ("spikes", [net.accuracy(at, on=one, seed=seed) for one in counts], text | {"long_name": "accuracy"}),
        "lif": (
            "lif_spikes",
            [net.accuracy(few, on=size.network("lif", n), seed=seed) for n in size.lif],
            text | {"long_name": "accuracy, LIF neurons"},
        ),
        "association": (
            "spikes",
            [_association(net, few, one, seed) for one in counts],
            text | {"long_name": "spikes of all neurons per association"},
        ),
        "loss": (
            "step",
            net.history.loss.values.reshape(25, -1).mean(axis=1),
            {"units": "nat", "long_name": "loss of training"},
        ),
    }
    return results.dataset(variables, _coords(size) | {"step": np.linspace(0, size.steps, 26)[1:]})


def attention(size: Size, seed: int) -> xr.Dataset:
    """Softmax attention to the stored pairs; with the noise of counts, and with the bytes of the matrix."""
    whole = Stored(0, size.writes)
    net = fw.train(size.programmer("softmax"), size.task(), **_training(size, seed), read=whole)
    at, task = _batch(size, seed, size.sequences), size.task()
    pairs = round(size.d_key * size.d_value / (size.d_key + size.d_value))

    def accuracy(read: Any) -> float:
        return at.accuracy(np.argmax(net.programmer.scores(net.params, at.x, read), axis=-1))

    text = {"units": "1"}
    variables = {
        "softmax": ((), accuracy(whole), text | {"long_name": "accuracy of softmax attention"}),
        "softmax_noisy": (
            "spikes",
            [accuracy(fw.SpikeNoise(n, seed, whole)) for n in size.spikes],
            text | {"long_name": "accuracy of softmax attention with counted spikes"},
        ),
        "softmax_bytes": (
            (),
            accuracy(Stored(max(size.writes - pairs, 0), size.writes)),
            text | {"long_name": "accuracy of softmax attention to the last pairs"},
        ),
        "order_blind": ((), task.order_blind_accuracy(at.x), text | {"long_name": "accuracy not knowing the order"}),
        "held": ((), float(pairs), text | {"long_name": "pairs with the bytes of the matrix"}),
        "chance": ((), at.chance, text | {"long_name": "chance"}),
    }
    return results.dataset(variables, _coords(size))


@dataclass(frozen=True)
class Stored:
    """Softmax attention of every token to the pairs that a sequence writes from one token on, up to another."""

    first: int
    stop: int

    def __call__(self, rule: Any, sent: fw.Instructions) -> Any:
        """Reads (n, T, d_v); can be traced."""
        k, v = sent.k[:, self.first : self.stop], sent.v[:, self.first : self.stop]
        x = anp.einsum("nti,nsi->nts", sent.q, k)
        weights = anp.exp(x - getval(x).max(axis=-1, keepdims=True))
        return anp.einsum("nts,nsv->ntv", weights / weights.sum(axis=-1, keepdims=True), v)


def _training(size: Size, seed: int) -> dict[str, Any]:
    """Arguments of a training; all nets of a seed see the same batches."""
    rate = size.learning_rate
    return {"steps": size.steps, "batch": size.batch, "learning_rate": rate, "seed": seed, "dtype": np.float32}


def _batch(size: Size, seed: int, n: int) -> tasks.Batch:
    """Sequences that no training saw; all nets of a seed see the same."""
    return size.task()(seeds.generator(seed, "test"), n)


def _association(net: fw.Trained, batch: tasks.Batch, network: fw.SpikingNetwork, seed: int) -> float:
    """Spikes of all neurons that one write takes."""
    sent = net.instructions(batch.x[:4])
    return float(fw.simulate("delta", sent, on=network, seed=seed).spikes_per_item.mean())


def _coords(size: Size) -> dict[str, Any]:
    text = {"units": "1", "long_name": "spikes of a feature at peak in a window"}
    return {"spikes": ("spikes", list(size.spikes), text), "lif_spikes": ("lif_spikes", list(size.lif), text)}


def needed(ds: xr.Dataset, wanted: float = WANTED) -> xr.DataArray:
    """Spikes per association at which accuracy reaches what is wanted, of every net; NaN where it does not."""
    x, y = np.log(ds.association.transpose("trained", "seed", "spikes").values), ds.counts.values
    found = np.full(y.shape[:2], np.nan)
    for i in np.ndindex(found.shape):
        above = np.flatnonzero(y[i] >= wanted)
        if not above.size:
            continue
        n = int(above[0])
        share = 0.0 if n == 0 else (wanted - y[i][n - 1]) / (y[i][n] - y[i][n - 1])
        found[i] = np.exp(x[i][n] if n == 0 else (1 - share) * x[i][n - 1] + share * x[i][n])
    return xr.DataArray(found, dims=("trained", "seed"), coords={"trained": ds.trained, "seed": ds.seed})


def rows(ds: xr.Dataset) -> list[Row]:
    """Accuracies of both trainings, run both ways; nets of a seed see the same sequences."""
    found, base, budget = [], ds.sel(trained="exact"), needed(ds)
    for name in ds.trained.values.tolist():
        one = ds.sel(trained=name)
        what = f"trained with {name}"
        known: dict[str, Any] = (
            {} if name == "exact" else {"expected": base.exact.values, "kind": "control", "band": 0.01}
        )
        found.append(Row(f"accuracy, exact rule, {what}", one.exact.values, **known))
        found.append(
            Row(f"accuracy, rate network, {what}, against exact", one.rate.values, one.exact.values, "control")
        )
        for n in ds.spikes.values.tolist():
            here, quantity = one.counts.sel(spikes=n).values, f"accuracy, counts of {n:g} spikes, {what}"
            there = base.counts.sel(spikes=n).values
            if name == "exact" or there.mean() > 0.99:  # nothing is left to be gained
                found.append(Row(quantity, here))
            else:
                found.append(Row(f"{quantity}, against trained exactly", here, there, "control", claim="above"))
        for n in ds.lif_spikes.values.tolist():
            here, quantity = one.lif.sel(lif_spikes=n).values, f"accuracy, LIF, {n:g} spikes, {what}"
            if n in ds.spikes.values:
                counts = one.counts.sel(spikes=n).values
                found.append(Row(f"{quantity}, against counts", here, counts, "other engine"))
            else:
                found.append(Row(quantity, here))
        mine = budget.sel(trained=name).values
        quantity = f"spikes per association for accuracy {WANTED:g}, {what}"
        if name == "exact":
            found.append(Row(quantity, mine[np.isfinite(mine)]) if np.isfinite(mine).any() else Row(quantity, None))
        elif np.isfinite(mine).all() and np.isfinite(budget.sel(trained="exact").values).all():
            there = budget.sel(trained="exact").values
            why = "nets trained with noise send denser keys, for which more neurons fire"
            found.append(Row(f"{quantity}, against trained exactly", mine, there, "control", why=why))
    found.append(Row("accuracy, softmax, against order-blind", ds.softmax.values, ds.order_blind.values, "ceiling"))
    pairs = f"accuracy, softmax, last {float(ds.held.mean()):.0f} pairs (bytes of the matrix)"
    found.append(Row(pairs, ds.softmax_bytes.values))
    for n in ds.spikes.values.tolist():
        here, against = ds.softmax_noisy.sel(spikes=n).values, base.counts.sel(spikes=n).values
        what = f"accuracy, counts of {n:g} spikes, trained exactly, against softmax"
        found.append(Row(what, against, here, "control", claim="above"))
    return found


STYLES = {"exact": ("blue", "o"), "20 spikes": ("orange", "s"), "5 spikes": ("vermillion", "^")}


def figure(ds: xr.Dataset) -> Any:
    """Two panels: accuracy against spikes, and what each training gains."""
    from synfwp import plot

    fig, axes = plot.figure("double", 70, "ab")
    shown = ["counts", "lif", "softmax_noisy", "order_blind", "chance"]
    ds = ds.assign({name: 100 * ds[name] for name in shown})  # in per cent
    mean, n = ds.mean("seed"), ds.sizes["seed"]
    with plot.style():
        ax = axes["a"]
        for name in ds.trained.values.tolist():
            colour, marker = STYLES.get(name, ("black", "D"))
            one, at = mean.sel(trained=name), ds.sel(trained=name)
            error = at.counts.std("seed", ddof=1) / n**0.5
            plot.points(ax, one.association, one.counts, error, colour=colour, marker=marker, label=f"counts, {name}")
            ax.plot(one.association, one.counts, color=plot.COLOURS[colour], lw=0.8)
            x = np.interp(ds.lif_spikes, ds.spikes, one.association)
            ax.plot(x, one.lif, marker, color=plot.COLOURS[colour], mfc="white", ms=4, label=f"LIF, {name}")
        noisy = mean.softmax_noisy
        ax.plot(
            mean.sel(trained="exact").association,
            noisy,
            color="0.4",
            lw=0.8,
            marker="x",
            ms=3,
            label="softmax, counted",
        )
        ax.axhline(float(mean.order_blind), color="0.4", lw=0.7, ls=(0, (3, 2)), label="order unknown")
        ax.axhline(float(mean.chance), color="0.4", lw=0.7, ls=":", label="chance")
        low, high = float(mean.association.min()), float(mean.association.max())
        _logarithmic(ax, [n for n in (10, 20, 50, 100, 200, 500, 1000, 2000) if low <= n <= high])
        ax.set_ylim(0, 102)
        ax.set_xlabel("spikes per association")
        ax.set_ylabel("accuracy (%)")
        plot.legend(ax)
        ax = axes["b"]
        base = ds.sel(trained="exact")
        for name in [x for x in ds.trained.values.tolist() if x != "exact"]:
            colour, marker = STYLES.get(name, ("black", "D"))
            gain = ds.sel(trained=name).counts - base.counts
            error = gain.std("seed", ddof=1) / n**0.5
            plot.points(
                ax, ds.spikes, gain.mean("seed"), error, colour=colour, marker=marker, label=f"trained with {name}"
            )
            ax.plot(ds.spikes, gain.mean("seed"), color=plot.COLOURS[colour], lw=0.8)
        ax.axhline(0, color="0.4", lw=0.7, ls=":")
        _logarithmic(ax, ds.spikes.values)
        ax.set_xlabel("spikes of a feature at peak (number)")
        ax.set_ylabel("gain in accuracy (%)")
        plot.legend(ax)
    plot.letter(axes)
    return fig


def _logarithmic(ax: Any, ticks: Any) -> None:
    """A logarithmic axis of numbers as they are."""
    ax.set_xscale("log")
    ax.set_xticks(ticks, [f"{n:g}" for n in ticks])
    ax.minorticks_off()


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size, mean = json.loads(ds.attrs["parameters"])["size"], ds.mean("seed")
    exact = "; ".join(f"trained with {n}: {float(mean.exact.sel(trained=n)):.3f}" for n in ds.trained.values.tolist())
    text = f"""
        Programmers trained for spikes. {size["writes"]} pairs are written, keys out of {size["keys"]} with replacement;
        the last value of every key counts. Delta rule, {size["d_key"]} features of keys and {size["d_value"]} of
        values, {size["steps"]} updates of {size["batch"]} sequences, {size["nets"]} nets (seeds) for each training:
        with the exact rule, or with the noise of Poisson counts of so many spikes of a feature at peak in a window.
        (a) Accuracy in spiking networks (two phases of {size["window"]:g} ms, {CHOICES} neurons per feature) over peak
        rates: counts (filled, {size["sequences"]} sequences, mean and standard error of nets) and LIF neurons (open,
        {size["few"]} sequences); crosses: softmax attention to the stored pairs, whose keys, values,
        queries and reads are counted with as
        many spikes per feature; dashed: the best that does not know the order of writes, {float(mean.order_blind):.3f};
        dotted: chance. Softmax attention without noise {float(mean.softmax):.3f}, to the last
        {float(mean.held):.0f} pairs, which take the bytes of the matrix, {float(mean.softmax_bytes):.3f}. Run exactly:
        {exact}. (b) Accuracy in counts less that of the net of the same seed trained exactly; mean and standard error.
    """
    return " ".join(text.split())
