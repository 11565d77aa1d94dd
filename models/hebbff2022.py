"""HebbFF: continual familiarity from learned plasticity, anti-Hebbian and Hebbian (Tyulmankov et al. 2022).

A feedforward network, ``h = sigmoid((W + A) x + b)``, says of every item of a stream whether it was shown before; its
plastic weights change with every item, ``A <- lam A + eta h x^T``. The slow weights, lam and eta are learned by
gradient descent on items that come again after 6 tokens, once from eta = -5/d and once from +5/d; then both nets are
tested at other lags. The published numbers are those of the authors' trained nets.

As published: d = N = 100, one fresh sequence in each update, Adam, lam from 0.99, eta through the logarithm of its size
so that it keeps its sign, normal weights of variance 1 / inputs, tests of 5000 tokens at one lag. Sequences of 200
tokens: all accuracies in the logs of the authors' two nets are multiples of 1/200 (their example script has 500).

Ours: the rate of Adam falls along a half cosine (published: 0.001 throughout), from 0.002 for the anti-Hebbian net, so
that its sum over all updates is the published one, and from 0.004 for the Hebbian one, 1.4 times the published sum;
gradients are clipped to a norm of 1; 3490 and 20000 updates (published nets: 3490 and 28690, until five accuracies
summed to 4.99); lam is learned through its logit (published: itself, clipped to [0, 1]); biases start
at 0 (published: normal); two classes with a softmax in the place of one sigmoid; double precision; what counts as the
cost of training (WINDOW).

Cites: tyulmankov2022
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import measures, results, seeds
from synfwp.programmer.optimiser import Schedule
from synfwp.settings import sized
from synfwp.tasks import Batch, Familiarity

LAGS = (1, 3, 6, 10, 15, 20, 30)
START = ("anti_hebb", "hebb")
ETA = {"anti_hebb": -5.0, "hebb": 5.0}
# The authors' trained nets (d = N = 100, trained at lag 6) at LAGS, and the range of false positives over the lags.
PUBLISHED_TRUE = {
    "anti_hebb": (1.0, 1.0, 0.98, 0.86, 0.56, 0.32, 0.08),
    "hebb": (1.0, 1.0, 0.99, 0.79, 0.20, 0.04, 0.0),
}
PUBLISHED_FALSE = {"anti_hebb": (0.003, 0.014), "hebb": (np.nan, np.nan)}
PUBLISHED_ETA = {"anti_hebb": -0.096, "hebb": 0.049}
PUBLISHED_LAM = {"anti_hebb": 0.953, "hebb": 0.895}
PUBLISHED_RATE, PUBLISHED_STEPS = 1e-3, {"anti_hebb": 3490, "hebb": 28690}  # of Adam; from their logs
PUBLISHED_COST = 10.0  # updates of the Hebbian net over those of the anti-Hebbian one, "about"
GOAL, WINDOW = 0.95, 20  # cost: updates until the mean training accuracy of so many successive ones reaches the goal


class Size(NamedTuple):
    """What is run: d = N, lag and length of the training, nets of each rule, updates, their rate, length of a test."""

    d: int  # features of an item, and hidden units
    lag: int  # lag of the repeats in training
    length: int  # items of a sequence in training
    nets: int  # nets of each rule, each with a seed of its own
    steps: dict[str, int]  # updates, for each rule
    learning_rate: dict[str, float]  # of Adam, for each rule
    tokens: int  # items of a test
    eta: dict[str, float] = ETA  # learning rate of the plasticity times d where training starts, for each rule
    lam: float = 0.99  # decay of the plastic weights where training starts

    @property
    def task(self) -> Familiarity:
        """What is trained."""
        return Familiarity(d=self.d, lags=self.lag, length=self.length)


STEPS = {"anti_hebb": PUBLISHED_STEPS["anti_hebb"], "hebb": 20000}
RATE = {"anti_hebb": 2 * PUBLISHED_RATE, "hebb": 4 * PUBLISHED_RATE}  # the mean along a half cosine is half of it
FULL = Size(d=100, lag=6, length=200, nets=3, steps=STEPS, learning_rate=RATE, tokens=5000)
QUICK = Size(40, 3, 100, 1, {"anti_hebb": 400, "hebb": 800}, {"anti_hebb": 0.01, "hebb": 0.02}, tokens=2000)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Train both nets, test them at every lag; ``quick`` does it with one small net of each rule."""
    nets = {rule: [train(size, rule, seed + net) for net in range(size.nets)] for rule in START}
    tests, trained = [stream(size, lag, seed) for lag in LAGS], stream(size, size.lag, seed)
    scores = np.array([[[rates(net, test) for test in tests] for net in row] for row in nets.values()])
    weights = [[net.programmer.weights(net.params) for net in row] for row in nets.values()]
    every = [net for row in nets.values() for net in row]
    loss, accuracy = (
        results.padded([net.history[name].values for net in every]).reshape(len(START), size.nets, -1)
        for name in ("loss", "accuracy")
    )
    share, cell, point = {"units": "1"}, ("rule", "seed"), ("rule", "seed", "lag")
    variables: dict[str, Any] = {
        "true_positives": (point, scores[..., 0], share | {"long_name": "share of repeated items called familiar"}),
        "false_positives": (point, scores[..., 1], share | {"long_name": "share of new items called familiar"}),
        "frozen": (
            cell,
            [[frozen(net, trained) for net in row] for row in nets.values()],
            share | {"long_name": "area under the ROC curve at the trained lag with eta = 0"},
        ),
        "eta": (cell, [[float(w["eta"]) for w in row] for row in weights], share | {"long_name": "learning rate"}),
        "lam": (cell, [[float(w["lam"]) for w in row] for row in weights], share | {"long_name": "decay"}),
        "loss": (("rule", "seed", "step"), loss, {"units": "nat"}),
        "accuracy": (("rule", "seed", "step"), accuracy, {"long_name": "accuracy on the batch of the step"}),
        "cost": (
            cell,
            [[cost(curve) for curve in row] for row in accuracy],
            share | {"long_name": f"updates until the accuracy reaches {GOAL:g}"},
        ),
        "spent": (
            cell,
            [[spent(size, rule, cost(curve)) for curve in row] for rule, row in zip(START, accuracy, strict=True)],
            share | {"long_name": f"sum of the rates of Adam until the accuracy reaches {GOAL:g}"},
        ),
        "chance": ((), size.task.chance, share | {"long_name": "chance level"}),
        "trained_lag": ((), size.lag, share | {"long_name": "lag of training"}),
        **published(),
    }
    coords = {
        "rule": list(START),
        "seed": range(seed, seed + size.nets),
        "lag": ("lag", list(LAGS), {"units": "1", "long_name": "items between two showings"}),
        "end": ("end", ["lowest", "highest"], {"long_name": "end of a range over lags"}),
        "step": range(loss.shape[-1]),
    }
    settings = {"size": size._asdict(), "quick": quick}
    ds = results.dataset(variables, coords, **results.provenance(settings, seed))
    return results.compared(ds, table)


def train(size: Size, rule: str, seed: int) -> fw.Trained:
    """One net, from the eta of its rule."""
    network = fw.PlasticNetwork.hebbff(
        d_in=size.d, d_hidden=size.d, eta=size.eta[rule] / size.d, lam=size.lam, keep_sign=True
    )
    steps, learning_rate = size.steps[rule], size.learning_rate[rule]
    return fw.train(network, size.task, steps=steps, batch=1, learning_rate=learning_rate, seed=seed)


def stream(size: Size, lag: int, seed: int) -> tuple[int, Familiarity, Batch]:
    """A test in which items come again at one lag; all nets see the same."""
    task = Familiarity(d=size.d, lags=lag, length=size.tokens)
    return lag, task, task(seeds.generator(seed, "test", lag), 1)


def rates(net: fw.Trained, test: tuple[int, Familiarity, Batch]) -> tuple[float, float]:
    """True and false positives of a net on a test."""
    lag, task, batch = test
    found, false = task.rates(batch.x, np.asarray(net.programmer.scores(net.params, batch.x)).argmax(axis=-1))
    return found[lag], false


def frozen(net: fw.Trained, test: tuple[int, Familiarity, Batch]) -> float:
    """What is left with eta = 0: area under the ROC curve of the scores, repeated items against new ones."""
    batch = test[2]
    scores = np.asarray(net.programmer.scores(net.programmer.frozen(net.params), batch.x))
    return measures.auc((scores[..., 1] - scores[..., 0]).ravel(), batch.target.ravel() == 1)


def cost(accuracy: Any) -> float:
    """Updates until the mean of WINDOW successive accuracies reaches GOAL; NaN if none does."""
    reached = np.convolve(accuracy, np.full(WINDOW, 1 / WINDOW), "valid") >= GOAL
    return float(reached.argmax() + WINDOW) if reached.any() else np.nan


def spent(size: Size, rule: str, updates: float) -> float:
    """Sum of the rates of Adam over so many updates of a training; NaN for NaN."""
    if updates != updates:
        return np.nan
    rate = Schedule(size.learning_rate[rule])
    return sum(rate(step, size.steps[rule]) for step in range(int(updates)))


def published() -> dict[str, Any]:
    """The numbers of the authors' nets, as variables."""
    return {
        "true_positives_published": (
            ("rule", "lag"),
            [PUBLISHED_TRUE[rule] for rule in START],
            {"units": "1", "long_name": "share of repeated items called familiar, published"},
        ),
        "false_positives_published": (
            ("rule", "end"),
            [PUBLISHED_FALSE[rule] for rule in START],
            {"units": "1", "long_name": "share of new items called familiar, published"},
        ),
        "eta_published": (
            "rule",
            [PUBLISHED_ETA[rule] for rule in START],
            {"units": "1", "long_name": "learning rate, published"},
        ),
        "lam_published": (
            "rule",
            [PUBLISHED_LAM[rule] for rule in START],
            {"units": "1", "long_name": "decay, published"},
        ),
    }


def table(ds: xr.Dataset) -> xr.Dataset:
    """The comparison that is printed: means over nets against the published nets."""
    rows: list[tuple[str, float, float]] = []
    mean = ds.mean("seed")
    for rule in START:
        one = mean.sel(rule=rule)
        for lag in LAGS:
            known, found = (float(one[name].sel(lag=lag)) for name in ("true_positives_published", "true_positives"))
            rows.append((f"true positives, {rule}, lag {lag}", known, found))
        ends = float(one.false_positives.min()), float(one.false_positives.max())
        for end, known, found in zip(ds.end.values, one.false_positives_published.values.tolist(), ends, strict=True):
            rows.append((f"false positives, {rule}, {end} of the lags", known, found))
        rows.append((f"eta, {rule}", float(one.eta_published), float(one.eta)))
        rows.append((f"lam, {rule}", float(one.lam_published), float(one.lam)))
        rows.append((f"AUC with eta = 0, {rule}, against chance", 0.5, float(one.frozen)))
        rows.append((f"updates to accuracy {GOAL:g}, {rule}", np.nan, _cost(ds.cost, rule)))
    for name, costs in (("updates", ds.cost), ("sum of rates", ds.spent)):
        ratio = _cost(costs, "hebb") / _cost(costs, "anti_hebb")
        rows.append((f"{name} to accuracy {GOAL:g}, hebb over anti_hebb", PUBLISHED_COST, ratio))
    return results.comparison(rows)


def _cost(costs: xr.DataArray, rule: str) -> float:
    """Mean cost of training over the nets of a rule; NaN if one of them did not reach the goal."""
    return float(costs.sel(rule=rule).mean(skipna=False))


def figure(ds: xr.Dataset) -> Any:
    """Four panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 58, "abcd")
    _against_lag(ds, axes["a"], "true_positives")
    _against_lag(ds, axes["b"], "false_positives")
    curves = ds[["loss", "accuracy"]].coarsen(step=WINDOW, boundary="trim").mean()
    plot.learning_curve(curves, axes["c"], log=False)
    chance = float(ds.chance)
    plot.learning_curve(curves, axes["d"], variable="accuracy", reference=chance, reference_label="chance")
    plot.letter(axes)
    return fig


def _against_lag(ds: xr.Dataset, ax: Any, name: str) -> None:
    """Nets as thin lines and their mean, published numbers as open markers or, where only a range is known, a band."""
    from synfwp import plot
    from synfwp.plot.parts import spell
    from synfwp.plot.scores import RULE_STYLES

    first = name == "true_positives"
    with plot.style():
        for rule in START:
            colour, marker = RULE_STYLES[rule]
            tint, text = plot.COLOURS[colour], spell(rule)
            found, known = 100 * ds[name].sel(rule=rule).values, 100 * ds[f"{name}_published"].sel(rule=rule).values
            ax.plot(LAGS, found.T, color=tint, linewidth=0.4, alpha=0.4)
            label = text if first else None
            ax.plot(LAGS, found.mean(axis=0), color=tint, marker=marker, label=label, clip_on=False, zorder=3)
            if first:
                ax.plot(LAGS, known, "--", color=tint, marker=marker, markerfacecolor="white", clip_on=False)
            elif np.isfinite(known).all():
                ax.axhspan(*known, color=tint, alpha=0.15, linewidth=0, label=f"{text}, published")
        if first:
            ax.plot([], [], "--", color="black", marker="o", markerfacecolor="white", label="published")
        ax.axvline(float(ds.trained_lag), color="0.45", linewidth=0.7, linestyle=":", zorder=0)
        ax.set_ylim(0)
        ax.set_xlabel("lag (items)")
        ax.set_ylabel(f"{name.replace('_', ' ')} (%)")
        plot.legend(ax)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = json.loads(ds.attrs["parameters"])["size"]
    eta, lam = ({rule: float(ds[name].sel(rule=rule).mean()) for rule in START} for name in ("eta", "lam"))
    costs = {rule: _cost(ds.cost, rule) for rule in START}
    needed = {rule: f"{updates:.0f}" if updates == updates else "not reached" for rule, updates in costs.items()}
    kept = {rule: float(ds.frozen.sel(rule=rule).mean()) for rule in START}
    steps = size["steps"]
    text = f"""
        Continual familiarity from learned plasticity (HebbFF, Tyulmankov, Yang & Abbott 2022). Was this item shown
        before? Nets of {size["d"]} inputs and {size["d"]} hidden units, trained on items that come again
        {size["lag"]} tokens later, one sequence of {size["length"]} tokens in each update (anti-Hebb:
        {steps["anti_hebb"]} updates, Hebb: {steps["hebb"]}); {size["nets"]} net(s) (seeds) for each sign of the
        learning rate. Published: one trained net of the authors for each sign, 100 inputs, 100 hidden units, lag of
        training 6. (a) True positives against the lag of the test, {size["tokens"]} tokens at each lag. Thin lines:
        nets; filled symbols: their means; open symbols, dashed: published; dotted: lag of training. Learned eta and
        lam: anti-Hebb {eta["anti_hebb"]:.3f} and {lam["anti_hebb"]:.3f} (published {PUBLISHED_ETA["anti_hebb"]:g} and
        {PUBLISHED_LAM["anti_hebb"]:g}), Hebb {eta["hebb"]:.3f} and {lam["hebb"]:.3f} (published
        {PUBLISHED_ETA["hebb"]:g} and {PUBLISHED_LAM["hebb"]:g}). (b) False positives; band: published range over the
        lags, anti-Hebb. (c, d) Loss (cross-entropy) and accuracy during training, each a mean of {WINDOW} updates,
        every one on a new sequence; dashed: chance, {100 * float(ds.chance):.1f} %. Updates until the mean accuracy of
        {WINDOW} reaches {100 * GOAL:g} %: anti-Hebb {needed["anti_hebb"]}, Hebb {needed["hebb"]}. With eta = 0 after
        training, the area under the ROC curve at the lag of training is {kept["anti_hebb"]:.2f} for anti-Hebb and
        {kept["hebb"]:.2f} for Hebb.
    """
    return " ".join(text.split())
