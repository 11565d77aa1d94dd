"""Fast weights that attend to the recent past: a value is found again by its key (Ba et al. 2016).

A recurrent network reads ``c 9 k 8 j 3 f 1 ? ? c`` symbol by symbol and says 9. Beside its slow weights it has fast
ones, ``A <- lam A + eta h h^T``, which one step of an inner loop reads: ``h = phi(LN(W h + W_in x + A h_0))``, LN for
layer normalisation. The same network is trained without LN, without fast weights (eta = 0) and with phi = relu; a
network that keeps the values but not their keys can be right only as often as the commonest value is (order-blind).

As published: 26 letters, 10 digits, 4 pairs, 50 hidden units, S = 1, lam = 0.95, neither lam nor eta learned, W starts
as a multiple of the identity, Adam. The published errors are second hand: they are reported, nothing is fitted to them.

Ours: phi = tanh (published: relu, which is still at the order-blind level when the controls end); LN without gain and
bias, and in the first pass of the inner loop too, so that h_0 is larger, and eta = ETA (published: 0.5); W starts at
0.5 (published: 0.05) times the identity and W_in with a standard deviation of 1, since inputs are one-hot; no further
layers before and after the recurrent one; the number of updates, the batch and the rate of Adam, along a half cosine;
gradients clipped to a norm of 1; double precision.

Cites: ba2016
"""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.settings import sized
from synfwp.tasks import AssociativeRetrieval, Batch

ETA = 0.1
RULES: dict[str, dict[str, Any]] = {  # the fields of the network that differ
    "fast weights": {},
    "no norm": {"norm": False},
    "relu": {"phi": "relu"},
    "no fast weights": {"eta": 0.0},
}
PAIRS = (1, 2, 3, 4, 5, 6)
PUBLISHED = 0.0  # share of wrong answers of the fast weights with 50 units, second hand
EARLY = 50  # updates before the end of the controls, over which all rules are compared
SMOOTH = 20  # steps that one point of a learning curve is the mean of


@dataclass(frozen=True, kw_only=True)
class FastWeights(fw.PlasticNetwork):
    """The network of the package from another start: W = identity times ``identity``, W_in of standard deviation 1."""

    identity: float = 0.5

    def init(self, seed: seeds.Seed = 0, dtype: Any = np.float64) -> dict[str, Any]:
        """Parameters where training starts."""
        params = super().init(seed, dtype)
        W = (self.identity * np.eye(self.d_hidden)).astype(dtype)
        return params | {"W": W, "W_in": params["W_in"] * np.asarray(self.d_in**0.5, dtype)}


class Size(NamedTuple):
    """What is run: keys, values, pairs, hidden units, nets, updates (controls: less), batch, test sequences."""

    keys: int  # keys of the task
    values: int  # values of the task
    pairs: int  # pairs of a sequence in training
    hidden: int  # hidden units
    nets: int  # nets of each rule, each with a seed of its own
    steps: int  # updates
    control: int  # updates of the controls
    batch: int  # sequences of an update
    sequences: int  # sequences of a test
    learning_rate: float = 1e-2  # of Adam
    eta: float = ETA  # learning rate of the fast weights
    lam: float = 0.95  # decay of the fast weights
    inner: int = 1  # steps of the inner loop
    identity: float = 0.5  # W is the identity times this where training starts

    def task(self, pairs: int | None = None) -> AssociativeRetrieval:
        """What is trained, or the same with another number of pairs."""
        return AssociativeRetrieval(keys=self.keys, values=self.values, pairs=pairs or self.pairs)


FULL = Size(26, 10, 4, 50, nets=3, steps=2500, control=800, batch=32, sequences=2000)
QUICK = Size(6, 4, 2, 40, nets=1, steps=400, control=150, batch=32, sequences=500)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Train the nets of every rule and test them; ``quick`` does it with one small net of each."""
    every = [train(size, rule, seed + net) for rule in RULES for net in range(size.nets)]
    tests = [draw(size, seed, pairs) for pairs in PAIRS]
    at = draw(size, seed, size.pairs)
    curves = (results.padded([net.history[name].values for net in every]) for name in ("loss", "accuracy"))
    loss, accuracy = (curve.reshape(len(RULES), size.nets, -1) for curve in curves)

    def cells(value: Any) -> Any:
        found = np.array([value(net) for net in every])
        return found.reshape(len(RULES), size.nets, *found.shape[1:])

    cell, share = ("rule", "seed"), {"units": "1"}
    blind = [batch.accuracy(size.task(n).order_blind(batch.x)) for n, batch in zip(PAIRS, tests, strict=True)]
    variables: dict[str, Any] = {
        "wrong": (cell, cells(lambda net: 1 - net.accuracy(at)), share | {"long_name": "wrong answers"}),
        "frozen": (
            cell,
            cells(lambda net: 1 - frozen(net).accuracy(at)),
            share | {"long_name": "wrong answers with eta = 0 after training"},
        ),
        "by_pairs": (
            (*cell, "pairs"),
            cells(lambda net: [net.accuracy(batch) for batch in tests]),
            share | {"long_name": "accuracy"},
        ),
        "blind": ("pairs", blind, share | {"long_name": "accuracy of the commonest value"}),
        "order_blind": (
            (),
            at.accuracy(size.task().order_blind(at.x)),
            share | {"long_name": "accuracy of the commonest value at the trained number of pairs"},
        ),
        "loss": ((*cell, "step"), loss, {"units": "nat"}),
        "accuracy": ((*cell, "step"), accuracy, {"long_name": "accuracy on the batch of the step"}),
        "early": (
            cell,
            accuracy[..., size.control - EARLY : size.control].mean(axis=-1),
            share | {"long_name": f"accuracy during training, mean of the {EARLY} updates before the controls end"},
        ),
        "chance": ((), size.task().chance, share | {"long_name": "chance level"}),
        "trained_pairs": ((), size.pairs, share | {"long_name": "pairs of training"}),
    }
    coords = {
        "rule": list(RULES),
        "seed": range(seed, seed + size.nets),
        "pairs": ("pairs", list(PAIRS), {"units": "number", "long_name": "pairs"}),
        "step": range(loss.shape[-1]),
    }
    settings = {"size": size._asdict(), "quick": quick}
    ds = results.dataset(variables, coords, **results.provenance(settings, seed))
    return results.compared(ds, table)


def train(size: Size, rule: str, seed: int) -> fw.Trained:
    """One net with what its rule leaves."""
    task = size.task()
    own = {"eta": size.eta, "lam": size.lam, "inner": size.inner, "identity": size.identity}
    fields: dict[str, Any] = {"phi": "tanh"} | own | RULES[rule]
    network = FastWeights.fast_weights(task.d_in, size.hidden, task.d_out, **fields)
    steps = size.control if RULES[rule] else size.steps
    return fw.train(network, task, steps=steps, batch=size.batch, learning_rate=size.learning_rate, seed=seed)


def frozen(net: fw.Trained) -> fw.Trained:
    """The net with eta = 0 after training."""
    return fw.Trained(net.programmer, net.programmer.frozen(net.params), net.history)


def draw(size: Size, seed: int, pairs: int) -> Batch:
    """Sequences that no training saw; all nets see the same."""
    return size.task(pairs)(seeds.generator(seed, "test", pairs), size.sequences)


def table(ds: xr.Dataset) -> xr.Dataset:
    """The comparison that is printed: means over nets against the published error and the order-blind level."""
    mean, blind = ds.mean("seed"), 1 - float(ds.order_blind)
    rows = [("wrong answers, fast weights", PUBLISHED, float(mean.wrong.sel(rule="fast weights")))]
    rows += [(f"wrong answers, {rule}, against order-blind", blind, float(mean.wrong.sel(rule=rule))) for rule in RULES]
    after = float(mean.frozen.sel(rule="fast weights"))
    rows.append(("wrong answers with eta = 0 after training, fast weights, against order-blind", blind, after))
    control = json.loads(ds.attrs["parameters"])["size"]["control"]
    rows += [(f"accuracy after {control} updates, {rule}", np.nan, float(mean.early.sel(rule=rule))) for rule in RULES]
    found = mean.by_pairs.sel(rule="fast weights")
    rows += [(f"accuracy at {n} pairs, fast weights", np.nan, float(found.sel(pairs=n))) for n in PAIRS]
    return results.comparison(rows)


def figure(ds: xr.Dataset) -> Any:
    """Two panels."""
    from synfwp import plot

    fig, axes = plot.figure(122, 62, "ab")
    curves = ds[["accuracy"]].coarsen(step=SMOOTH, boundary="trim").mean()
    plot.learning_curve(curves, axes["a"], reference=float(ds.order_blind), reference_label="order-blind")
    ax = plot.against(ds, axes["b"], variable="by_pairs", along="pairs")
    with plot.style():
        axes["a"].set_ylim(0, 105)
        ax.plot(PAIRS, 100 * ds.blind.values, "--", color="0.45", linewidth=0.7, label="order-blind")
        ax.axvline(float(ds.trained_pairs), color="0.45", linewidth=0.7, linestyle=":", zorder=0)
        plot.legend(ax)
    plot.letter(axes)
    return fig


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size, wrong = json.loads(ds.attrs["parameters"])["size"], ds.wrong.mean("seed").to_series().to_dict()
    text = f"""
        Fast weights attend to the recent past (Ba et al. 2016). {size["pairs"]} pairs of one of {size["keys"]} keys and
        one of {size["values"]} values, symbol by symbol, then a key: which value came with it? Recurrent nets of
        {size["hidden"]} units, {size["nets"]} net(s) (seeds) of each kind, {size["batch"]} sequences in each update:
        with fast weights ({size["steps"]} updates), and as controls ({size["control"]} updates) without layer
        normalisation, with relu for tanh, and without fast weights. (a) Accuracy during training, each point a mean of
        {SMOOTH} updates on new sequences; dashed: the commonest value of the sequence, which needs no keys,
        {100 * float(ds.order_blind):.1f} %. (b) Accuracy for as many pairs as in training (dotted) and others,
        {size["sequences"]} sequences each; thin lines: nets; symbols: their means. Wrong answers: fast weights
        {100 * wrong["fast weights"]:.2f} % (published, second hand, for 50 units: {100 * PUBLISHED:g} %), without layer
        normalisation {100 * wrong["no norm"]:.1f} %, relu {100 * wrong["relu"]:.1f} %, without fast weights
        {100 * wrong["no fast weights"]:.1f} %.
    """
    return " ".join(text.split())
