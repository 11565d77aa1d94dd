"""MPN: evidence integrated by synapses alone, without recurrence (Aitken & Mihalas 2023).

A feedforward network, ``h = tanh((W + W * M) x)``, sees words that speak for one of three classes or for none, then
"go", and says which class had the most; its modulations change with every word, ``M <- lam M + eta h x^T``. W, lam and
eta are learned by gradient descent, from eta = 1 (hebb), from eta = -1 (anti_hebb) and with eta fixed at 0 (static):
what the last word tells, which is nothing. The published numbers are those in the authors' notebook, of one net.

As published: 3 classes, sequences of 20 words with "go", words as random bits in d = 50 dimensions, all counts of
evidence with one winner as likely, 100 hidden units, uniform (here: normal) weights of variance 2 / (inputs + units),
lam from 0.95, Adam, batches of 64, 500 sequences for validation and 1000 for the test.

Ours: the rate of Adam falls along a half cosine from 3e-3 over 600 updates (published: 0.001 for 2000 updates, the
first after which the accuracy of validation could end the training); eta from 1 or -1 (published: uniform, of either
sign); lam is learned through its logit and may pass 0.95 (published: clipped at 0.95); biases, from 0; no L1 penalty
(published: 1e-4); gradients clipped to a norm of 1 (published: 10); a new batch for every update (published: 3200
sequences, ten times each, then others); double precision.

Cites: aitken2023
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.settings import sized
from synfwp.tasks import Batch, EvidenceIntegration

START = ("hebb", "static", "anti_hebb")
ETA = {"hebb": 1.0, "anti_hebb": -1.0}
LENGTHS = (5, 10, 20, 40, 80)
PUBLISHED = {"validation": 0.99, "test": 0.998}  # from the authors' notebook, one net
SEQUENCES = {"validation": 500, "test": 1000}
SMOOTH = 10  # steps that one point of a learning curve is the mean of


class Size(NamedTuple):
    """What is run: inputs, hidden units, tokens, nets for each rule, updates (static: less), batch, test sequences."""

    d: int  # inputs
    hidden: int  # hidden units
    length: int  # tokens of a sequence in training
    nets: int  # nets of each rule, each with a seed of its own
    steps: int  # updates
    static: int  # updates of the net without plasticity
    batch: int  # sequences of an update
    sequences: int  # sequences of a test at each length
    learning_rate: float = 3e-3  # of Adam
    lam: float = 0.95  # decay of the modulations where training starts
    eta: dict[str, float] = ETA  # learning rate of the modulations where training starts, for each rule

    def task(self, length: int | None = None) -> EvidenceIntegration:
        """What is trained, or the same words in sequences of another length."""
        return EvidenceIntegration(classes=3, length=length or self.length, d=self.d)


FULL = Size(d=50, hidden=100, length=20, nets=3, steps=600, static=100, batch=64, sequences=1000)
QUICK = Size(30, 40, 10, 1, steps=300, static=50, batch=32, sequences=400, learning_rate=1e-2)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Train the nets of every rule and test them; ``quick`` does it with one small net of each."""
    nets = {rule: [train(size, rule, seed + net) for net in range(size.nets)] for rule in START}
    every = [net for row in nets.values() for net in row]
    batches = {name: draw(size, seed, name, n) for name, n in SEQUENCES.items()}
    tests = [draw(size, seed, "length", size.sequences, length) for length in LENGTHS]
    leads = np.arange(1, size.length)

    def cells(value: Any) -> Any:
        found = np.array([value(net) for net in every])
        return found.reshape(len(START), size.nets, *found.shape[1:])

    cell, share = ("rule", "seed"), {"units": "1"}
    variables: dict[str, Any] = {
        name: (cell, cells(lambda net, b=batch: net.accuracy(b)), share | {"long_name": f"accuracy, {name}"})
        for name, batch in batches.items()
    }
    curves = {name: results.padded([net.history[name].values for net in every]) for name in ("loss", "accuracy")}
    loss, accuracy = (curve.reshape(len(START), size.nets, -1) for curve in curves.values())
    pooled = draw(size, seed, "lead", 5 * size.sequences)
    variables |= {
        "frozen": (
            cell,
            cells(lambda net: right(net, batches["test"], net.programmer.frozen(net.params)).mean()),
            share | {"long_name": "accuracy, test, with eta = 0 after training"},
        ),
        "eta": (cell, cells(lambda net: float(weights(net)["eta"])), share | {"long_name": "learning rate"}),
        "lam": (cell, cells(lambda net: float(weights(net)["lam"])), share | {"long_name": "decay"}),
        "by_lead": (
            (*cell, "lead"),
            cells(lambda net: by_lead(net, size, pooled, leads)),
            share | {"long_name": "accuracy"},
        ),
        "by_length": (
            (*cell, "length"),
            cells(lambda net: [net.accuracy(test) for test in tests]),
            share | {"long_name": "accuracy"},
        ),
        "loss": ((*cell, "step"), loss, {"units": "nat"}),
        "accuracy": ((*cell, "step"), accuracy, {"long_name": "accuracy on the batch of the step"}),
        "chance": ((), size.task().chance, share | {"long_name": "chance level"}),
        "trained_length": ((), size.length, share | {"long_name": "length of the sequences of training"}),
    }
    coords = {
        "rule": list(START),
        "seed": range(seed, seed + size.nets),
        "lead": ("lead", leads, {"units": "words", "long_name": "lead of the winner"}),
        "length": ("length", list(LENGTHS), {"units": "words", "long_name": "length"}),
        "step": range(loss.shape[-1]),
    }
    settings = {"size": size._asdict(), "quick": quick}
    ds = results.dataset(variables, coords, **results.provenance(settings, seed))
    return results.compared(ds, table)


def train(size: Size, rule: str, seed: int) -> fw.Trained:
    """One net, from the eta of its rule."""
    eta, scale = size.eta.get(rule, 0.0), (2 / (size.d + size.hidden)) ** 0.5
    network = fw.PlasticNetwork.mpn(size.d, size.hidden, 3, eta=eta, lam=size.lam, learn=rule != "static", scale=scale)
    steps = size.static if rule == "static" else size.steps
    return fw.train(network, size.task(), steps=steps, batch=size.batch, learning_rate=size.learning_rate, seed=seed)


def draw(size: Size, seed: int, name: str, n: int, length: int | None = None) -> Batch:
    """Sequences that no training saw; all nets see the same."""
    return size.task(length)(seeds.generator(seed, name, length), n)


def weights(net: fw.Trained) -> Any:
    """The numbers of a trained net."""
    return net.programmer.weights(net.params)


def right(net: fw.Trained, batch: Batch, params: Any = None) -> Any:
    """Whether a net, or the same net with other parameters, is right at the end of each sequence."""
    scores = net.programmer.scores(net.params if params is None else params, batch.x)
    return np.asarray(scores)[:, -1].argmax(axis=-1) == batch.target[:, -1]


def by_lead(net: fw.Trained, size: Size, batch: Batch, leads: Any) -> Any:
    """Accuracy for each lead of the winner; NaN where fewer than 20 sequences have it."""
    hit, lead = right(net, batch), size.task().margin(batch.x)
    return [hit[lead == n].mean() if (lead == n).sum() >= 20 else np.nan for n in leads]


def table(ds: xr.Dataset) -> xr.Dataset:
    """The comparison that is printed: means over nets against the published net."""
    mean, chance = ds.mean("seed"), float(ds.chance)
    rows: list[tuple[str, float, float]] = []
    for rule in ("hebb", "anti_hebb"):
        one = mean.sel(rule=rule)
        rows += [(f"accuracy, {name}, {rule}", known, float(one[name])) for name, known in PUBLISHED.items()]
        rows.append((f"accuracy with eta = 0 after training, {rule}, against chance", chance, float(one.frozen)))
        rows += [(f"{name}, {rule}", np.nan, float(one[name])) for name in ("eta", "lam")]
        rows += [(f"accuracy at {n} words, {rule}", np.nan, float(one.by_length.sel(length=n))) for n in LENGTHS]
    rows.append(("accuracy, trained with eta = 0, against chance", chance, float(mean.test.sel(rule="static"))))
    return results.comparison(rows)


def figure(ds: xr.Dataset) -> Any:
    """Three panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 58, "abc")
    chance = float(ds.chance)
    curves = ds[["accuracy"]].coarsen(step=SMOOTH, boundary="trim").mean()
    plot.learning_curve(curves, axes["a"], reference=chance, reference_label="chance")
    plot.against(ds, axes["b"], variable="by_lead", along="lead", reference=chance)
    plot.against(ds, axes["c"], variable="by_length", along="length", reference=chance)
    with plot.style():
        axes["a"].set_ylim(0, 105)
        at = float(ds.trained_length)
        axes["c"].axvline(at, color="0.45", linewidth=0.7, linestyle=":", zorder=0)
        axes["c"].set_xscale("log")
        axes["c"].set_xticks(LENGTHS, [str(n) for n in LENGTHS])
        axes["c"].minorticks_off()
    plot.letter(axes)
    return fig


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size, mean = json.loads(ds.attrs["parameters"])["size"], ds.mean("seed")
    eta, lam, test = (mean[name].to_series().to_dict() for name in ("eta", "lam", "test"))
    text = f"""
        Evidence integrated by synaptic modulations (MPN, Aitken & Mihalas 2023). Which of three classes did most of
        {size["length"] - 1} words speak for? Nets of {size["d"]} inputs and {size["hidden"]} hidden units without
        recurrence, trained for {size["steps"]} updates on {size["batch"]} sequences each; {size["nets"]} net(s) (seeds)
        for each sign of the learning rate, and as many with a rate of 0 (static, {size["static"]} updates). (a)
        Accuracy during training, each point a mean of {SMOOTH} updates, every one on new sequences; dashed: chance,
        {100 * float(ds.chance):.1f} %. (b) Accuracy on new sequences against the lead of the winner over the second;
        thin lines: nets; symbols: their means; leads of fewer than 20 of {5 * size["sequences"]} sequences are left
        out. (c) Accuracy in sequences of other lengths than that of training (dotted), {size["sequences"]} at each.
        Accuracy of the test: Hebb {100 * test["hebb"]:.1f} %, anti-Hebb {100 * test["anti_hebb"]:.1f} % (published, one
        net: {100 * PUBLISHED["test"]:g} %), static {100 * test["static"]:.1f} %. Learned eta and lam: Hebb
        {eta["hebb"]:.2f} and {lam["hebb"]:.3f}, anti-Hebb {eta["anti_hebb"]:.2f} and {lam["anti_hebb"]:.3f}.
    """
    return " ".join(text.split())
