"""MPN: evidence integrated by synapses alone, without recurrence (Aitken & Mihalas 2023).

A feedforward network, ``h = tanh((W + W * M) x)``, sees words that speak for one of three classes or for none, then
"go", and says which class had the most; its modulations change with every word, ``M <- lam M + eta h x^T``. W, the
read-out, lam and eta are learned by gradient descent, from eta = 1 (hebb) and from eta = -1 (anti_hebb). The control is
the same network with eta fixed at 0 (static): the last word is always "go", so it can only guess.

As published, from the notebook of the paper's code: 3 classes, sequences of 20 words with "go", words as random bits in
d = 50 dimensions, all counts of evidence with one winner as likely, 100 hidden units, uniform weights of variance
2 / (inputs + units), no biases, lam from 0.95 and clipped to at most that, Adam at 0.001 throughout, batches of 64, 500
sequences for validation and 1000 for the test, single precision. The published numbers, and those of validation every
50 updates, are of one net, whose training ended after 2000 updates, the first at which it might: so do ours.

Ours: eta from 1 or -1 (published: uniform, of either sign); no L1 penalty (published: 1e-4); gradients clipped to a
norm of 1 (published: 10); a new batch for every update (published: 3200 sequences, ten times each, then others); words
of its own for every net; the parameters of the validation with the least loss are the ones that are tested; 100 updates
without plasticity. A third run, "hebb, lam free", has no clip at 0.95 and shows what the clip costs.

Cites: aitken2023
"""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np
import xarray as xr
from autograd.tracer import getval

import synfwp as fw
from synfwp import results, seeds
from synfwp.results import Row
from synfwp.settings import sized
from synfwp.tasks import Batch, EvidenceIntegration

RULES = ("hebb", "static", "anti_hebb", "hebb, lam free")
LENGTHS = (5, 10, 20, 40, 80)
SEQUENCES = {"validation": 500, "test": 1000}
EVERY = 50  # updates between two validations
SOURCE = "aitken2023, notebook mpn_demonstration.ipynb of the authors' code (github.com/kaitken17/mpn)"
OURS = "not told apart: new sequences in every update (theirs: ten times each), no L1 penalty, words"
TEST = 0.998
VALIDATION = (  # from update 50 on
    0.412, 0.822, 0.930, 0.924, 0.940, 0.938, 0.930, 0.944, 0.952, 0.938, 0.952, 0.946, 0.950, 0.946,
    0.954, 0.956, 0.958, 0.962, 0.962, 0.966, 0.962, 0.968, 0.972, 0.972, 0.976, 0.978, 0.976, 0.974,
    0.978, 0.978, 0.982, 0.984, 0.976, 0.984, 0.986, 0.982, 0.980, 0.986, 0.988, 0.990,
)  # fmt: skip
SHOWN = (100, 500, 1000, 2000)  # of these updates, in the table


class Size(NamedTuple):
    """What is run: inputs, hidden units, tokens, nets for each rule, updates (static: less), batch, test sequences."""

    d: int  # inputs
    hidden: int  # hidden units
    length: int  # tokens of a sequence in training
    seeds: int  # nets of each rule, each with words of its own
    steps: int  # updates
    static: int  # updates of the net without plasticity
    batch: int  # sequences of an update
    sequences: int  # sequences of a test at each length
    learning_rate: float = 1e-3  # of Adam, throughout
    lam: float = 0.95  # decay of the modulations where training starts, and at most
    eta: dict[str, float] = {"hebb": 1.0, "anti_hebb": -1.0}  # noqa: RUF012  # learning rate where training starts

    def task(self, seed: int, length: int | None = None) -> EvidenceIntegration:
        """What is trained, or the same words in sequences of another length."""
        return EvidenceIntegration(classes=3, length=length or self.length, d=self.d, words=seed)


FULL = Size(d=50, hidden=100, length=20, seeds=5, steps=2000, static=100, batch=64, sequences=1000)
QUICK = Size(30, 40, 10, 2, steps=250, static=50, batch=32, sequences=300, learning_rate=1e-2)


@dataclass(frozen=True, kw_only=True)
class Network(fw.PlasticNetwork):
    """MPN as its authors train it: no biases, uniform weights, lam is learned itself and clipped to ``lam_max``."""

    lam_max: float = 1.0

    def init(self, seed: seeds.Seed = 0, dtype: Any = np.float64) -> dict[str, np.ndarray]:
        """Parameters before training."""
        rng, params = seeds.generator(seed, "uniform"), super().init(seed, dtype)
        for name in ("W", "W_out"):
            shape = params[name].shape
            params[name] = rng.uniform(-1, 1, shape).astype(dtype) * np.asarray((6 / sum(shape)) ** 0.5, dtype)
        left_out = ("b", "b_out", "logit_lam")
        params = {name: x for name, x in params.items() if name not in left_out}
        return params | ({"lam": np.asarray(self.lam, dtype)} if self.learn else {})

    def weights(self, params: dict[str, Any]) -> dict[str, Any]:
        """The numbers of the equations; a lam beyond [0, lam_max] is clipped, its gradient is not."""
        if "lam" not in params:
            return super().weights(params)
        lam = params["lam"]
        return super().weights(params) | {"lam": (lam - getval(lam)) + np.clip(getval(lam), 0, self.lam_max)}

    def scores(self, params: dict[str, Any], x: Any) -> Any:
        """Scores of the classes."""
        return anp.dot(self.run(params, x)[0], params["W_out"].T)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Train the nets of every rule and test them; ``quick`` does it with small nets."""
    ds = results.cells(cell, {"rule": list(RULES), "seed": range(seed, seed + size.seeds)}, size=size)
    ds["chance"] = ((), size.task(seed).chance, {"units": "1", "long_name": "chance level"})
    ds = ds.assign_attrs(results.provenance({"size": size._asdict(), "quick": quick}, seed))
    return results.compared(ds, rows)


def cell(size: Size, rule: str, seed: int) -> xr.Dataset:
    """One net, trained from the eta of its rule and tested."""
    net, share = train(size, rule, seed), {"units": "1"}
    weights, test = net.programmer.weights(net.params), draw(size, seed, "test", SEQUENCES["test"])
    leads, pooled = np.arange(1, size.length), draw(size, seed, "lead", 5 * size.sequences)
    lengths = [net.accuracy(draw(size, seed, "length", size.sequences, length)) for length in LENGTHS]
    variables = {
        "test": ((), net.accuracy(test), share | {"long_name": "accuracy, test"}),
        "frozen": (
            (),
            float(right(net, test, net.programmer.frozen(net.params)).mean()),
            share | {"long_name": "accuracy, test, with eta = 0 after training"},
        ),
        "eta": ((), float(weights["eta"]), share | {"long_name": "learning rate"}),
        "lam": ((), float(weights["lam"]), share | {"long_name": "decay"}),
        "gradient": ((), float(net.history.gradient_norm.max()), share | {"long_name": "largest norm of a gradient"}),
        "by_lead": ("lead", by_lead(net, size, seed, pooled, leads), share | {"long_name": "accuracy"}),
        "by_length": ("length", lengths, share | {"long_name": "accuracy"}),
        "accuracy": ("step", net.history.evaluation_accuracy.values, share | {"long_name": "accuracy of validation"}),
    }
    coords = {
        "lead": ("lead", leads, share | {"units": "words", "long_name": "lead of the winner"}),
        "length": ("length", list(LENGTHS), share | {"units": "words", "long_name": "length"}),
        "step": ("step", net.history.evaluation.values, share | {"long_name": "training step"}),
    }
    return results.dataset(variables, coords)


def train(size: Size, rule: str, seed: int) -> fw.Trained:
    """One net, from the eta of its rule; the parameters of the validation with the least loss."""
    free, static = rule.endswith("free"), rule == "static"
    start: dict[str, Any] = {"eta": size.eta.get(rule.split(",")[0], 0.0), "lam": size.lam, "learn": not static}
    network = Network.mpn(size.d, size.hidden, 3, lam_max=1.0 if free else size.lam, **start)
    usual: dict[str, Any] = {"batch": size.batch, "learning_rate": size.learning_rate, "schedule": "constant"}
    validation = fw.Evaluation(every=EVERY, sequences=SEQUENCES["validation"])
    steps = size.static if static else size.steps
    return fw.train(network, size.task(seed), steps=steps, evaluate=validation, seed=seed, dtype=np.float32, **usual)


def draw(size: Size, seed: int, name: str, n: int, length: int | None = None) -> Batch:
    """Sequences that no training saw; all nets of a seed see the same."""
    return size.task(seed, length)(seeds.generator(seed, name, length), n)


def right(net: fw.Trained, batch: Batch, params: Any = None) -> Any:
    """Whether a net, or the same net with other parameters, is right at the end of each sequence."""
    scores = net.programmer.scores(net.params if params is None else params, batch.x)
    return np.asarray(scores)[:, -1].argmax(axis=-1) == batch.target[:, -1]


def by_lead(net: fw.Trained, size: Size, seed: int, batch: Batch, leads: Any) -> Any:
    """Accuracy for each lead of the winner; NaN where fewer than 20 sequences have it."""
    hit, lead = right(net, batch), size.task(seed).margin(batch.x)
    return [hit[lead == n].mean() if (lead == n).sum() >= 20 else np.nan for n in leads]


def rows(ds: xr.Dataset) -> list[Row]:
    """The table. What is published is of one net: the error of that as a mean is the spread of ours, at least."""
    found, chance, size = [], float(ds.chance), json.loads(ds.attrs["parameters"])["size"]
    published = [size[name] for name in ("d", "hidden", "length", "batch", "learning_rate")] == [50, 100, 20, 64, 1e-3]

    def row(name: str, values: Any, known: float, n: int) -> Row:
        error = max(float(np.std(values, ddof=1)) if values.size > 1 else 0.0, (known * (1 - known) / n) ** 0.5)
        return Row(name, values, known, "published", SOURCE, error=error, why=OURS)

    for rule in (name for name in RULES if name != "static"):
        one, bare = ds.sel(rule=rule), rule.endswith("free") or not published
        for step in SHOWN:
            if step in one.step.values:
                known = VALIDATION[step // EVERY - 1]
                values = one.accuracy.sel(step=step).values
                name = f"accuracy of validation after {step} updates, {rule}"
                found.append(Row(name, values) if bare else row(name, values, known, SEQUENCES["validation"]))
        name = f"accuracy, test, {rule}"
        found.append(Row(name, one.test.values) if bare else row(name, one.test.values, TEST, SEQUENCES["test"]))
        found.append(Row(f"accuracy with eta = 0 after training, {rule}", one.frozen.values, chance, "chance"))
        found += [Row(f"{name}, {rule}", one[name].values) for name in ("eta", "lam")]
        found += [Row(f"accuracy at {n} words, {rule}", one.by_length.sel(length=n).values) for n in LENGTHS]
    static = ds.test.sel(rule="static").values
    found.append(Row("accuracy, test, trained with eta = 0", static, chance, "chance"))
    for rule in ("hebb", "anti_hebb"):
        name = f"accuracy, test, {rule} against trained with eta = 0"
        found.append(Row(name, ds.test.sel(rule=rule).values, static, "control", claim="above"))
    return [*found, Row("largest norm of a gradient, clipped above 1", float(ds.gradient.max()))]


def figure(ds: xr.Dataset) -> Any:
    """Three panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 58, "abc")
    chance, shown = float(ds.chance), ds.sel(rule=list(RULES[:3]))
    plot.learning_curve(shown[["accuracy"]], axes["a"], reference=chance, reference_label="chance")
    plot.against(shown, axes["b"], variable="by_lead", along="lead", reference=chance)
    plot.against(shown, axes["c"], variable="by_length", along="length", reference=chance)
    size = json.loads(ds.attrs["parameters"])["size"]
    with plot.style():
        if size["steps"] == EVERY * len(VALIDATION):
            steps = EVERY * np.arange(1, len(VALIDATION) + 1)
            axes["a"].plot(steps, 100 * np.array(VALIDATION), ":", color="black", label="published")
        axes["a"].set_ylim(0, 105)
        plot.legend(axes["a"])
        axes["c"].axvline(size["length"], color="0.45", linewidth=0.7, linestyle=":", zorder=0)
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
        recurrence, trained for {size["steps"]} updates on {size["batch"]} sequences each; {size["seeds"]} net(s)
        (seeds) for each sign of the learning rate, and as many with a rate of 0 (static, {size["static"]} updates). (a)
        Accuracy on {SEQUENCES["validation"]} sequences of validation every {EVERY} updates; dotted, at the published
        size: the authors' net; dashed: chance, {100 * float(ds.chance):.1f} %. (b) Accuracy on new sequences against
        the lead of the winner over the second; thin lines: nets; symbols: their means; leads of fewer than 20 of
        {5 * size["sequences"]} sequences are left out. (c) Accuracy in sequences of other lengths than that of training
        (dotted), {size["sequences"]} at each. Accuracy of the test: Hebb {100 * test["hebb"]:.1f} %, anti-Hebb
        {100 * test["anti_hebb"]:.1f} % (published, one net: {100 * TEST:g} %), static {100 * test["static"]:.1f} %;
        with lam not clipped, Hebb {100 * test["hebb, lam free"]:.1f} %. Learned eta and lam: Hebb {eta["hebb"]:.2f} and
        {lam["hebb"]:.3f}, anti-Hebb {eta["anti_hebb"]:.2f} and {lam["anti_hebb"]:.3f}.
    """
    return " ".join(text.split())
