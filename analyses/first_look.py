"""Fast weights are synapses: one trained rule as a recurrence, in rates and in spikes.

A linear programmer learns associative recall with overwriting through the Hebbian and through the delta rule. The
instructions that it has learned to send then drive the exact recurrence, a network of firing rates and networks of
spiking neurons. Beside it, the rule of real synapses that no pair of spikes explains: triplet STDP on the data of
Sjostrom, Turrigiano & Nelson 2001.

Cites: irie2025, schlag2021, hasselmo2002, tyulmankov2022, sjostrom2001, pfister2006
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import measures, plasticity, results, seeds
from synfwp.settings import sized
from synfwp.tasks import Batch, Recall

TABLE = "sjostrom2001_frequency_timing"
# Relative weight change at 0.1, 10, 20, 40, 50 Hz, first for +10 and then for -10 ms, and the error E, as the model of
# Pfister & Gerstner 2006 gives them with the parameters of their tables 3 (visual cortex, all-to-all).
PUBLISHED_DW = {
    "visual_cortex": (0.000, 0.132, 0.247, 0.534, 0.741, -0.312, -0.334, -0.352, 0.155, 0.727),
    "visual_cortex_minimal": (0.000, 0.119, 0.228, 0.532, 0.763, -0.317, -0.332, -0.342, 0.174, 0.749),
}
PUBLISHED_E = {"visual_cortex": 0.342, "visual_cortex_minimal": 0.356}
SUBSTRATES = ("exact", "rate", "counts", "lif", "shuffled")
TARGET = {"hebb": "hebb", "anti_hebb": "hebb", "delta": "delta"}  # rule of the synapses: rule of the training


class Size(NamedTuple):
    """How much is run: the task, nets, training steps, test sequences and, for LIF neurons, fewer of them."""

    task: Recall
    nets: int  # nets, each with a seed of its own
    steps: int  # updates
    sequences: int  # sequences of a test
    lif_sequences: int  # sequences of a test with LIF neurons
    learning_rate: float  # of Adam
    peak: float = 100.0  # Hz: peak rate
    neurons_per_feature: int = 8  # neurons of a feature
    window: float = 100.0  # ms: each phase of an item
    gap: float = 40.0  # ms: gap behind each phase

    def network(self, engine: str) -> fw.SpikingNetwork:
        """All tokens that only ask are read at the end, scored or not: novel keys too."""
        code = fw.RateCode(peak=self.peak, neurons_per_feature=self.neurons_per_feature)
        cycle = fw.ThetaCycle(retrieve=self.window, encode=self.window, gap=self.gap, read="end")
        return fw.SpikingNetwork(engine=engine, code=code, schedule=cycle)


FULL = Size(Recall(keys=32, values=32, writes=64), nets=5, steps=800, sequences=20, lif_sequences=3, learning_rate=5e-3)
QUICK = Size(Recall(keys=8, values=8, writes=12), nets=1, steps=150, sequences=10, lif_sequences=4, learning_rate=2e-2)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Train, run, compare; ``quick`` does it with 8 keys and one net."""
    nets = [train(size, seed, net) for net in range(size.nets)]
    test = size.task(seeds.generator(seed, "test"), size.sequences)
    scores = np.array([[answer(size, rule, net, test, i) for i, net in enumerate(nets)] for rule in TARGET])
    recall, weights, target, familiar, spikes = (scores[..., i, :] for i in range(5))
    shown = show(size, nets[0]["delta"], test)
    stdp = triplets()
    variables: dict[str, Any] = {
        "loss": (
            ("rule", "seed", "step"),
            [[net[rule].history.loss.values for net in nets] for rule in ("hebb", "delta")],
            {"units": "nat", "long_name": "loss"},
        ),
        "accuracy": (("plasticity", "seed", "substrate"), recall),
        "accuracy_of_weights": (
            ("plasticity", "seed", "substrate"),
            weights,
            {"units": "1", "long_name": "accuracy of the read-out of W itself"},
        ),
        "accuracy_target": (
            ("plasticity", "seed", "substrate"),
            target,
            {"units": "1", "long_name": "accuracy of the exact rule on the same sequences"},
        ),
        "familiarity": (
            ("plasticity", "seed", "substrate"),
            familiar,
            {"units": "1", "long_name": "area under the ROC curve, old against new keys, norm of the read"},
        ),
        "spikes_per_item": (
            ("plasticity", "seed", "substrate"),
            spikes,
            {"units": "1", "long_name": "spikes per association, all neurons"},
        ),
        "chance": ((), test.chance, {"units": "1", "long_name": "chance level"}),
        "ceiling": (
            (),
            test.accuracy(size.task.order_blind(test.x, seeds.generator(seed, "ties"))),
            {"units": "1", "long_name": "accuracy of the best order-blind memory"},
        ),
        **{str(name): shown[name] for name in shown.data_vars},
        **{str(name): stdp[name] for name in stdp.data_vars},
    }
    coords = {
        "rule": ["hebb", "delta"],
        "plasticity": ("plasticity", list(TARGET), {"long_name": "rule of the synapses"}),
        "substrate": ("substrate", list(SUBSTRATES), {"long_name": "substrate of the fast weights"}),
        "seed": range(seed, seed + size.nets),
        "step": range(size.steps),
        **{str(name): part[name] for part in (shown, stdp) for name in part.coords},
    }
    settings = {"size": size._asdict() | {"task": vars(size.task)}, "quick": quick}
    ds = results.dataset(variables, coords=coords, **results.provenance(settings, seed))
    return results.compared(ds, table)


def train(size: Size, seed: int, net: int) -> dict[str, fw.Trained]:
    """One net trained through each rule."""
    task = size.task
    return {
        rule: fw.train(
            fw.Programmer(
                rule=rule, d_in=task.d_in, d_key=task.keys, d_value=task.values, d_out=task.d_out, write_channel=-1
            ),
            task,
            steps=size.steps,
            learning_rate=size.learning_rate,
            seed=seed + net,
        )
        for rule in ("hebb", "delta")
    }


def answer(size: Size, rule: str, net: dict[str, fw.Trained], test: Batch, seed: int) -> np.ndarray:
    """Accuracy from the read, from W and of the exact rule, familiarity, spikes: (5, substrates)."""
    trained = net[TARGET[rule]]
    columns = []
    for substrate in SUBSTRATES:
        few = size.lif_sequences if substrate == "lif" else size.sequences
        part = Batch(test.x[:few], test.target[:few], test.mask[:few], test.chance)
        sent = trained.instructions(part.x)
        if substrate == "shuffled":
            sent = sent.shuffled(seed)
        networks: dict[str, Any] = {
            "exact": fw.Exact(),
            "rate": fw.RateNetwork(),
            "lif": size.network("lif"),
        }
        network = networks.get(substrate, size.network("counts"))
        ds = fw.simulate(rule, sent, on=network, seed=seed)
        y = ds.get("y_spikes", ds.y).values
        asks = part.x[..., -1] == 0
        old, norm = part.mask[asks], np.linalg.norm(y[asks], axis=-1)
        spikes = float(ds.spikes_per_item.mean()) if "spikes_per_item" in ds else np.nan
        reads = (y, ds.y.values, ds.y_exact.values)
        recalled = [part.accuracy(trained.answer(read)) for read in reads]
        if rule == "anti_hebb":
            recalled = [np.nan] * 3  # it stores what to cancel: scored as familiarity
        columns.append([*recalled, measures.auc(norm, old), spikes])
    return np.array(columns).T


def show(size: Size, trained: fw.Trained, test: Batch) -> xr.Dataset:
    """One sequence of the delta net in LIF neurons beside the exact fast weights, with the spikes of two items.

    The second of them is the first write in the sequence to a key that has been written before.
    """
    sent = trained.instructions(test.x[:1])
    exact = fw.simulate("delta", sent)
    lif = fw.simulate("delta", sent, on=size.network("lif"), seed=0, record=True)
    keys = test.x[0][:, : size.task.keys].argmax(axis=-1).tolist()
    again = next(t for t in range(1, len(keys)) if keys[t] in keys[:t])
    steps = 4 if size.gap else 2  # retrieve, gap, encode, gap
    phases = slice(steps * (again - 1), steps * (again + 1))
    start, stop = float(lif.phase_start[phases][0]), float(lif.phase_stop[phases][-1])
    spikes = lif.isel(spike=((lif.spike_time >= start) & (lif.spike_time < stop)).values, phase=phases)
    zero = {name: spikes[name].copy(data=spikes[name] - start) for name in ("spike_time", "phase_start", "phase_stop")}
    text = {"units": "1", "long_name": "centred correlation of the fast weights, LIF network"}
    return xr.Dataset(
        {
            "W_exact": exact.W[0].assign_attrs(long_name="fast weights, exact recurrence"),
            "W_lif": lif.W[0].assign_attrs(long_name="fast weights, LIF network"),
            "agreement": ("compared", lif.centred_correlation.values[:, 0], text),
            **zero,
            **{name: spikes[name] for name in ("spike_unit", "spike_population", "population_size")},
            "phase_name": spikes.phase_name,
        },
        coords={"compared": ("compared", lif.reference.values, {"long_name": "what the network is compared with"})},
    ).drop_vars("reference", errors="ignore")


def triplets() -> xr.Dataset:
    """Triplet STDP, full and minimal, and the best pair STDP on the frequency protocol."""
    rules = {name: fw.TripletSTDP(name) for name in PUBLISHED_E} | {"pair": plasticity.best_pair_rule(TABLE)}
    compared = {name: plasticity.compare_with_table(rule, TABLE) for name, rule in rules.items()}
    data = compared["pair"]
    units = {"units": "1"}
    return xr.Dataset(
        {
            "dw_data": data.dw_data,
            "dw_sem": data.dw_sem,
            "dw_model": (
                ("stdp", "point"),
                [ds.dw_model.values for ds in compared.values()],
                {**units, "long_name": "relative change of weight, model"},
            ),
            "stdp_error": (
                "stdp",
                [float(ds.error) for ds in compared.values()],
                {**units, "long_name": "E, mean of (data - model)^2 / sigma^2"},
            ),
        },
        coords={"stdp": ("stdp", list(rules), {"long_name": "rule of spike-timing-dependent plasticity"})},
    )


def table(ds: xr.Dataset) -> xr.Dataset:
    """The comparison that is printed: quantity, published or exact value, obtained, difference."""
    mean = ds.mean("seed")
    rows: list[tuple[str, float, float]] = []
    exact = {rule: float(mean.accuracy.sel(plasticity=rule, substrate="exact")) for rule in ("hebb", "delta")}
    rows.append(("accuracy, hebb, exact, against the order-blind ceiling", float(ds.ceiling), exact["hebb"]))
    rows.append(("accuracy, delta, exact, against perfect memory", 1.0, exact["delta"]))
    for rule in ("hebb", "delta"):
        for substrate in ("rate", "counts", "lif"):
            target = _pick(mean.accuracy_target, rule, substrate)
            rows.append(
                (f"accuracy, {rule}, {substrate}, against exact", target, _pick(mean.accuracy, rule, substrate))
            )
    rows.append(("accuracy, delta, counts, items shuffled, against chance", float(ds.chance),
                 _pick(mean.accuracy, "delta", "shuffled")))  # fmt: skip
    familiar = mean.familiarity
    for substrate in ("exact", "rate", "counts", "lif"):
        rows.append((f"familiarity (AUC), anti_hebb, {substrate}", np.nan if substrate == "exact" else
                     _pick(familiar, "anti_hebb", "exact"), _pick(familiar, "anti_hebb", substrate)))  # fmt: skip
    for rule in TARGET:
        for substrate in ("counts", "lif"):
            rows.append(
                (f"spikes per association, {rule}, {substrate}", np.nan, _pick(mean.spikes_per_item, rule, substrate))
            )
    for name, published in PUBLISHED_DW.items():
        for i, value in enumerate(published):
            hz, ms = float(ds.freq_hz[i]), float(ds.dt_ms[i])
            rows.append((f"dw, {name}, {hz:g} Hz, {ms:+g} ms", value, float(ds.dw_model.sel(stdp=name)[i])))
        rows.append((f"E, {name}", PUBLISHED_E[name], float(ds.stdp_error.sel(stdp=name))))
    rows.append(("E, best pair STDP", np.nan, float(ds.stdp_error.sel(stdp="pair"))))
    return results.comparison(rows)


def _pick(values: xr.DataArray, rule: str, substrate: str) -> float:
    """One cell of a variable over rules and substrates."""
    return float(values.sel(plasticity=rule, substrate=substrate))


def figure(ds: xr.Dataset) -> Any:
    """Seven panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 112, "abbc;defg", width_ratios=[1.25, 1, 1, 1.15])
    plot.learning_curve(ds, axes["a"])
    recall = ds[["accuracy", "chance"]].rename(plasticity="rule").sel(rule=["hebb", "delta"]).drop_vars("seed")
    plot.recall(recall, axes["b"])
    with plot.style():
        axes["b"].axhline(
            100 * float(ds.ceiling), color=plot.COLOURS["blue"], lw=0.6, ls=":", label="order-blind ceiling"
        )
        plot.legend(axes["b"])
    familiar = (
        ds[["familiarity"]]
        .rename(plasticity="rule")
        .sel(rule=["anti_hebb"], substrate=["exact", "rate", "counts", "lif"])
    )
    plot.recall(familiar.drop_vars("seed"), axes["c"], variable="familiarity")
    plot.raster(ds.isel(phase=(ds.phase_name != "gap").values), axes["d"], window=(0.0, float(ds.phase_stop[-1])))
    limit = float(np.abs(ds.W_exact).max())
    plot.weights(ds.W_exact, axes["e"], limit=limit)
    plot.weights(ds.W_lif, axes["f"], limit=limit)
    _frequency(ds, axes["g"])
    with plot.style():
        neurons = json.loads(ds.attrs["parameters"])["size"]["neurons_per_feature"]
        axes["d"].set_ylim(0, 3 * neurons * ds.sizes["key"])
        axes["c"].set_ylabel("familiarity, AUC (%)")
        axes["e"].set_title("exact")
        axes["f"].set_title("LIF neurons")
    plot.letter(axes)
    return fig


def _frequency(ds: xr.Dataset, ax: Any) -> None:
    """Weight change against the rate of pairing: data with standard errors, triplet and pair STDP as lines."""
    from synfwp import plot

    with plot.style():
        for ms, colour, marker in ((10.0, "blue", "o"), (-10.0, "vermillion", "s")):
            side = (ds.dt_ms == ms).values
            rate = ds.freq_hz.values[side]
            plot.points(
                ax,
                rate,
                100 * ds.dw_data.values[side],
                100 * ds.dw_sem.values[side],
                label=f"data, {ms:+g} ms",
                colour=plot.COLOURS[colour],
                marker=marker,
            )
            for name, line in (("visual_cortex", "-"), ("pair", ":")):
                label = {"visual_cortex": "triplet STDP", "pair": "best pair STDP"}[name] if ms > 0 else None
                dw = 100 * ds.dw_model.sel(stdp=name).values[side]
                ax.plot(rate, dw, line, color=plot.COLOURS[colour], label=label)
        ax.axhline(0, color="black", lw=0.4)
        ax.set_xlabel("rate of pairing (Hz)")
        ax.set_ylabel("weight change (%)")
        plot.legend(ax)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = ds.sizes
    agree = ds.agreement.sel(compared="target").item(), ds.agreement.sel(compared="shuffled").item()
    keys, values = size["key"], size["value"]
    error = {name: float(ds.stdp_error.sel(stdp=name)) for name in ("visual_cortex", "pair")}
    text = f"""
        Fast weights are synapses. Associative recall with overwriting: pairs of {keys} keys and {values} values, drawn
        with replacement; every key is queried and its latest value is the right one. (a) Training loss (cross-entropy)
        of {size["seed"]} net(s) for each rule. (b) Recall of the trained nets when their instructions drive the exact
        recurrence, a rate network (read-out sampled and held), a spiking network in Poisson counts, one of leaky
        integrate-and-fire (LIF) neurons, and the counts network with values dealt to other keys (shuffled); decoded
        from read-out rates or spikes. Points: nets; bars: means; dashed: chance, {100 * float(ds.chance):.1f} %;
        dotted:
        best memory that ignores order, {100 * float(ds.ceiling):.1f} %. (c) Anti-Hebbian synapses as a familiarity
        detector: area under the ROC curve of the norm of the read, keys that were written against keys that were not.
        (d) Spikes of the LIF network for the delta rule, two successive items; the second key had been written before.
        While an item is retrieved, what its key recalls is depressed; while it is encoded, its value is clamped and
        potentiated. Neurons: keys, then push and pull sides of values. (e, f) Fast weights after all writes, exact and
        in LIF synapses: centred correlation {agree[0]:.2f}, with shuffled items {agree[1]:.2f}. (g) Triplet STDP
        (Pfister & Gerstner 2006, visual cortex, all-to-all) on data of Sjostrom et al. 2001 (mean and s.e.m.), error
        E = {error["visual_cortex"]:.3f}; the best pair STDP, all four parameters free, has E = {error["pair"]:.2f}.
    """
    return " ".join(text.split())
