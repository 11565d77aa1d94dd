"""Fast weights that attend to the recent past: a value is found again by its key (Ba et al. 2016).

A recurrent network reads ``c 9 k 8 j 3 f 1 ? ? c`` symbol by symbol and says 9. Its units are rates (relu). Beside its
slow weights it has fast ones, ``A <- lam A + eta h h^T`` (equation 1), which one step of an inner loop reads:
``h_0 = phi(W h + W_in x)``, then ``h = phi(LN(W h + W_in x + A h_0))`` (equations 2 and 5), LN for layer normalisation,
in the inner loop alone. lam = 0.95 and eta = 0.5 are not learned. A network that keeps the values but not their keys
can be right only as often as the commonest value is (order-blind).

Published: 26 letters, 10 digits, 4 pairs, S = 1; W starts as 0.05 times the identity, W_in uniform within
+-1 / sqrt(units); two layers before the recurrent one and one behind it; Adam. Wrong answers with 20 and 50 units:
1.81 % and 0 %, a recurrent net of relu without fast weights (IRNN) 60.23 % with 50. All this is second hand.

Ours: LN without gain and bias; Adam at 3e-3 along a half cosine, 9000 updates of 32 sequences, gradients clipped to a
norm of 1. Learning begins after a plateau of some 2000 updates, so every control has all updates. Conditions without
the further layers start from W = 0.5 times the identity and W_in with a standard deviation of 1 (from the published
start, "published start", one-hot inputs teach nothing in these updates). "All layers" adds those of a public
implementation of the paper, 50 and 100 relu units before and 100 behind, for 18000 updates from W = 0.05 times the
identity. Drawn at random and without thresholds, these layers give codes to the symbols that overlap (a mean cosine of
0.6), and nets of 20 and 50 units stayed at the order-blind level for all of the 4500 to 7000 updates that were tried;
with thresholds of 0.75 standard deviations where training starts, codes are sparser (0.43) and nets learn. That was
chosen on seed 100, which is not reported.

Controls: no fast weights (eta = 0); LN in every pass, that of h_0 too; LN in none, from the published start, since from
ours A explodes in the first sequence; tanh; a plain recurrent net, with neither fast weights nor LN.

Cites: ba2016
"""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np
import xarray as xr
from scipy.stats import norm

import synfwp as fw
from synfwp import results, seeds
from synfwp.programmer.parts import project
from synfwp.results import Row
from synfwp.settings import sized
from synfwp.tasks import AssociativeRetrieval, Batch

START: dict[str, Any] = {"identity": 0.05, "unit_inputs": False}  # as published
RULES: dict[str, dict[str, Any]] = {  # the fields of the network that differ
    "fast weights": {},
    "no fast weights": {"eta": 0.0},
    "norm in every pass": {"norm": "every"},
    "no norm": {"norm": "none", **START},
    "tanh": {"phi": "tanh"},
    "plain recurrent": {"eta": 0.0, "norm": "none"},
    "20 units": {"units": 20},
    "published start": START,
}
LAYERED = {"20 units and all layers": 20, "50 units and all layers": 50}  # units
# share of wrong answers with 20 and 50 units, and of the recurrent net without fast weights
PUBLISHED = {"20 units": 0.0181, "fast weights": 0.0, "plain recurrent": 0.6023}
TABLE = "ba2016, table 1 (second hand)"
POINTS = 90  # of a learning curve
LEARNED = 0.9  # accuracy during training that ends the plateau
SOLVED = 0.98  # accuracy of a net that counts as having solved the task


@dataclass(frozen=True, kw_only=True)
class FastWeights(fw.PlasticNetwork):
    """The network of the package from another start: W = identity times ``identity``, W_in of SD 1 or uniform."""

    identity: float = 0.5
    unit_inputs: bool = True

    def init(self, seed: seeds.Seed = 0, dtype: Any = np.float64) -> dict[str, Any]:
        """Parameters where training starts."""
        params, shape = super().init(seed, dtype), (self.d_hidden, self.d_in)
        W, W_in = self.identity * np.eye(self.d_hidden), params["W_in"] * np.asarray(self.d_in**0.5, dtype)
        if not self.unit_inputs:
            W_in = seeds.generator(seed, "inputs").uniform(-1, 1, shape) / self.d_hidden**0.5
        return params | {"W": W.astype(dtype), "W_in": W_in.astype(dtype)}


@dataclass(frozen=True, kw_only=True)
class Layered(FastWeights):
    """The same with layers of relu units: two between symbols and network, one between network and answer.

    Thresholds of ``threshold`` standard deviations make the codes of symbols sparse where training starts, and weights
    are drawn so that each layer has inputs of variance 1.
    """

    symbols: int = 37
    answers: int = 10
    before: tuple[int, int] = (50, 100)
    behind: int = 100
    threshold: float = 0.75

    def init(self, seed: seeds.Seed = 0, dtype: Any = np.float64) -> dict[str, Any]:
        """Parameters where training starts."""
        params, rng, b = super().init(seed, dtype), seeds.generator(seed, "layers"), self.threshold
        power = (1 + b * b) * norm.cdf(-b) - b * norm.pdf(b)  # mean square of a unit's rate
        first, second = self.before
        shapes = {"first": (first, self.symbols), "second": (second, first), "W_in": (self.d_hidden, second)}
        shapes |= {"behind": (self.behind, self.d_hidden), "answer": (self.answers, self.behind)}
        inputs = {"first": 1.0, "second": first * power, "W_in": second * power}  # mean square of a code, all units
        for name, shape in shapes.items():
            scale = inputs.get(name, shape[1]) ** -0.5
            params[name] = (rng.standard_normal(shape) * scale).astype(dtype)
        start = {"b_first": (first, -b), "b_second": (second, -b), "b_behind": (self.behind, 0.0)}
        start["b_answer"] = (self.answers, 0.0)
        return params | {name: np.full(size, value, dtype) for name, (size, value) in start.items()}

    def scores(self, params: Any, x: Any) -> Any:
        """Scores (..., T, answers) for symbols (..., T, symbols)."""
        h = x.astype(params["W"].dtype)
        for name in ("first", "second"):
            h = anp.maximum(project(h, params[name]) + params[f"b_{name}"], 0)
        h = anp.maximum(project(self.run(params, h)[0], params["behind"]) + params["b_behind"], 0)
        return project(h, params["answer"]) + params["b_answer"]


class Size(NamedTuple):
    """What is run."""

    keys: int  # keys of the task
    values: int  # values of the task
    pairs: int  # pairs of a sequence in training
    hidden: int  # hidden units
    seeds: int  # nets of each rule, each with a seed of its own
    steps: int  # updates
    batch: int = 32  # sequences of an update
    sequences: int = 2000  # sequences of a test
    learning_rate: float = 3e-3  # of Adam
    eta: float = 0.5  # learning rate of the fast weights
    lam: float = 0.95  # decay of the fast weights
    inner: int = 1  # steps of the inner loop
    tested: tuple[int, ...] = (1, 2, 3, 4, 5, 6)  # pairs of a test sequence
    layered_steps: int = 18000  # updates with all layers
    layers: tuple[int, int, int] = (50, 100, 100)  # units of the layers, two before the recurrent one and one behind it

    def task(self, pairs: int | None = None) -> AssociativeRetrieval:
        """What is trained, or the same with another number of pairs."""
        return AssociativeRetrieval(keys=self.keys, values=self.values, pairs=pairs or self.pairs)


FULL = Size(26, 10, 4, 50, seeds=5, steps=9000)
QUICK = Size(
    3, 3, 2, 30, seeds=1, steps=450, sequences=500, learning_rate=1e-2, eta=0.2, tested=(1, 2, 3), layered_steps=350
)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Train the nets of every rule and test them; ``quick`` does it with one small net of each."""
    ds = results.cells(cell, {"rule": list(RULES), "seed": range(seed, seed + size.seeds)}, size=size)
    ds = ds.assign_coords(
        pairs=("pairs", list(size.tested), {"units": "number", "long_name": "pairs"}),
        step=(
            "step",
            (np.arange(ds.sizes["step"]) + 0.5) * (size.steps // min(POINTS, size.steps)),
            {"units": "number"},
        ),
    )
    every = {"layered": list(LAYERED), "seed": range(seed, seed + size.seeds)}
    ds = xr.merge([ds, results.cells(layered, every, size=size)])
    chance = {"units": "1", "long_name": "chance level"}
    ds = ds.assign(chance=((), size.task().chance, chance), trained_pairs=((), size.pairs, {"units": "number"}))
    ds = ds.assign_attrs(results.provenance({"size": size._asdict(), "quick": quick}, seed))
    return results.compared(ds, rows)


def cell(size: Size, rule: str, seed: int) -> dict[str, Any]:
    """Train one net and test it; a training that diverges gives no right answer."""
    share, tests = {"units": "1"}, [draw(size, seed, pairs) for pairs in size.tested]
    at, step = draw(size, seed, size.pairs), size.steps // min(POINTS, size.steps)
    try:
        with np.errstate(all="ignore"):  # a training that diverges ends with its own message
            net = train(size, rule, seed)
    except FloatingPointError:
        right, cut, by_pairs, curve = 0.0, 0.0, [0.0] * len(tests), np.zeros(size.steps)
    else:
        right, cut, curve = accuracy(net, at), accuracy(frozen(net), at), net.history.accuracy.values
        by_pairs = [accuracy(net, batch) for batch in tests]
    curve = curve[: step * (size.steps // step)].reshape(-1, step).mean(axis=1)
    blind = [batch.accuracy(size.task(n).order_blind(batch.x)) for n, batch in zip(size.tested, tests, strict=True)]
    most = at.accuracy(size.task().order_blind(at.x))
    return {
        "wrong": ((), 1 - right, share | {"long_name": "wrong answers"}),
        "frozen": ((), 1 - cut, share | {"long_name": "wrong answers with eta = 0 after training"}),
        "by_pairs": ("pairs", by_pairs, share | {"long_name": "accuracy"}),
        "blind": ("pairs", blind, share | {"long_name": "accuracy of the commonest value"}),
        "order_blind": ((), most, share | {"long_name": "accuracy of the commonest value at the trained pairs"}),
        "accuracy": ("step", curve, share | {"long_name": "accuracy on the batches of training"}),
    }


def train(size: Size, rule: str, seed: int) -> fw.Trained:
    """One net with what its rule changes."""
    task, fields = size.task(), {"eta": size.eta, "lam": size.lam, "inner": size.inner} | RULES[rule]
    network = FastWeights.fast_weights(task.d_in, fields.pop("units", size.hidden), task.d_out, **fields)
    return fw.train(network, task, steps=size.steps, batch=size.batch, learning_rate=size.learning_rate, seed=seed)


def layered(size: Size, layered: str, seed: int) -> dict[str, Any]:
    """Train one net with the paper's further layers and test it."""
    task, (*before, behind) = size.task(), size.layers
    fields: dict[str, Any] = {"symbols": task.d_in, "answers": task.d_out, "before": tuple(before), "behind": behind}
    network = Layered.fast_weights(
        before[-1],
        LAYERED[layered],
        None,
        eta=size.eta,
        lam=size.lam,
        inner=size.inner,
        identity=START["identity"],
        **fields,
    )
    usual: dict[str, Any] = {"batch": size.batch, "learning_rate": size.learning_rate, "dtype": np.float32}
    net = fw.train(network, task, steps=size.layered_steps, seed=seed, **usual)
    wrong = 1 - accuracy(net, draw(size, seed, size.pairs))
    return {"layered_wrong": ((), wrong, {"units": "1", "long_name": "wrong answers with all layers"})}


def accuracy(net: fw.Trained, batch: Batch) -> float:
    """Share of right answers; where a net without norm explodes in the sequence, there is none."""
    with np.errstate(all="ignore"):
        scores = net.programmer.scores(net.params, batch.x)
    return batch.accuracy(np.where(np.isfinite(scores).all(axis=-1), scores.argmax(axis=-1), -1))


def frozen(net: fw.Trained) -> fw.Trained:
    """The net with eta = 0 after training."""
    return fw.Trained(net.programmer, net.programmer.frozen(net.params), net.history)


def draw(size: Size, seed: int, pairs: int) -> Batch:
    """Sequences that no training saw; all nets of a seed see the same."""
    return size.task(pairs)(seeds.generator(seed, "test", pairs), size.sequences)


def rows(ds: xr.Dataset) -> list[Row]:
    """What the nets answer beside what was published, what their controls do, and the order-blind level."""
    size = json.loads(ds.attrs["parameters"])["size"]
    of = {rule: ds.wrong.sel(rule=rule) for rule in ds.rule.values.tolist()}
    own, blind = of["fast weights"], 1 - ds.order_blind.sel(rule="fast weights")
    fewer = "fewer updates, no gain and bias after the normalisation"
    why = {
        "fast weights": "no layers before and behind the recurrent one, fewer updates",
        "20 units": "no layers before and behind the recurrent one, fewer updates",
        "plain recurrent": "",
    }
    found = [
        Row(f"wrong answers, {rule}", of[rule], PUBLISHED[rule], kind="published", source=TABLE, why=why[rule])
        for rule in PUBLISHED
    ]
    found += [
        Row(
            f"wrong answers, {name}", ds.layered_wrong.sel(layered=name), PUBLISHED[rule], "published", TABLE, why=fewer
        )
        for name, rule in zip(LAYERED, ("20 units", "fast weights"), strict=True)
    ]
    found += [
        Row(f"wrong answers, {rule}, against fast weights", of[rule], own, kind="control", claim="above")
        for rule in ("no fast weights", "norm in every pass", "no norm", "published start")
    ]
    found += [
        Row("wrong answers, tanh, against fast weights", of["tanh"], own, kind="control", claim="above"),
        Row(
            "wrong answers with eta = 0 after training, against fast weights",
            ds.frozen.sel(rule="fast weights"),
            own,
            kind="control",
            claim="above",
        ),
        Row("wrong answers, fast weights, against order-blind", own, blind, kind="ceiling", claim="below"),
        Row("wrong answers, no fast weights, against order-blind", of["no fast weights"], blind, kind="ceiling"),
    ]
    solved = {rule: int((wrong < 1 - SOLVED).sum()) for rule, wrong in of.items()}
    found += [Row(f"nets of {own.size} with at least {SOLVED} right, {rule}", n) for rule, n in solved.items()]
    above = ds.accuracy.sel(rule="fast weights") > LEARNED
    late = above.step.values[above.argmax("step").values]
    found.append(Row(f"updates to an accuracy of {LEARNED}, fast weights", np.where(above.any("step"), late, np.nan)))
    one = ds.by_pairs.sel(rule="fast weights")
    found += [
        Row(f"accuracy at {n} pairs, fast weights trained on {size['pairs']}", one.sel(pairs=n)) for n in size["tested"]
    ]
    return found


def figure(ds: xr.Dataset) -> Any:
    """Two panels."""
    from synfwp import plot

    fig, axes = plot.figure("double", 66, "ab")
    blind = float(ds.order_blind.mean())
    shown = ds.sel(rule=[rule for rule in RULES if rule != "published start"])  # at the order-blind level
    plot.learning_curve(shown[["accuracy"]], axes["a"], reference=blind, reference_label="order-blind")
    ax = plot.against(shown, axes["b"], variable="by_pairs", along="pairs")
    with plot.style():
        axes["a"].set_ylim(0, 105)
        level = ds.blind.sel(rule="fast weights").mean("seed")
        ax.plot(ds.pairs, 100 * level, "--", color="0.45", linewidth=0.7, label="order-blind")
        ax.axvline(float(ds.trained_pairs), color="0.45", linewidth=0.7, linestyle=":", zorder=0)
        plot.legend(ax)
    plot.letter(axes)
    return fig


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = json.loads(ds.attrs["parameters"])["size"]
    mean, sd = ds.wrong.mean("seed").to_series(), ds.wrong.std("seed", ddof=1 if size["seeds"] > 1 else 0).to_series()
    layers = (100 * ds.layered_wrong).mean("seed").to_series().to_dict()
    wrong = ", ".join(f"{rule} {100 * mean[rule]:.2f} +- {100 * sd[rule]:.2f} %" for rule in RULES)
    text = f"""
        Fast weights attend to the recent past (Ba et al. 2016). {size["pairs"]} pairs of one of {size["keys"]} keys and
        one of {size["values"]} values, symbol by symbol, then a key: which value came with it? Recurrent nets of
        {size["hidden"]} units, {size["seeds"]} net(s) (seeds) of each kind, {size["steps"]} updates of {size["batch"]}
        sequences: with fast weights (relu, eta = {size["eta"]:g}, layer normalisation in the inner loop alone), and as
        controls without fast weights, with layer normalisation in every pass or (published start) in none, with tanh
        for relu, without both fast weights and normalisation, with 20 units, and (not drawn) from the published start
        of the slow weights. (a) Accuracy during training, on new sequences; dashed: the commonest value of the
        sequence, which needs no keys, {100 * float(ds.order_blind.mean()):.1f} %. (b) Accuracy for as many pairs as in
        training (dotted) and others, {size["sequences"]} sequences each; thin lines: nets; symbols: their means. Wrong
        answers (mean and SD): {wrong}; means with the paper's further layers (not drawn):
        {", ".join(f"{name} {value:.2f} %" for name, value in layers.items())}. Published, second hand, for 20 and 50
        units: {100 * PUBLISHED["20 units"]:g} and {100 * PUBLISHED["fast weights"]:g} %.
    """
    return " ".join(text.split())
