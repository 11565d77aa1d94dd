"""HebbFF: continual familiarity from learned plasticity, anti-Hebbian and Hebbian (Tyulmankov et al. 2022).

A feedforward network, ``h = sigmoid((W + A) x + b)``, ``y = sigmoid(w . h + c)``, says of every item of a stream
whether it was shown before; its plastic weights change with every item, ``A <- lam A + eta h x^T``, after the read. W,
b, w, c, lam and eta are learned by gradient descent on items that come again after 3 or 6 tokens, once with eta kept
below 0 and once above it; then both nets are tested at other lags.

As published, from the paper's code: d = N = 25 and 100, items of random signs, a repeat with probability 1/2 of what is
new; one fresh sequence of 200 tokens in each update (the accuracies in the logs of the trained nets are multiples of
1/200; the example script has 500); Adam at 0.001 throughout, the same for both signs; training ends when five
accuracies, one of every tenth update, sum to 4.99; W and w normal of variance 1 / inputs, b and c normal of variance
1; eta = -5/d or 5/d, learned through the logarithm of its size; lam from 0.99, learned itself and clipped to [0, 1];
single precision. What is compared: one trained net of the authors for each condition, run here on 50 000 tokens at each
lag (true and false positives are recomputed), its eta and lam, and the updates in its log.

Ours: at most 40 000 updates (the authors' Hebbian nets with d = 25 had 304 330 and 508 940, the second without reaching
the goal); training goes on to the next multiple of 100 updates; gradients are clipped to a norm of 1 (the last row of
the table is the largest); tests of 5000 tokens at each lag. The cost of training is the update at which five
accuracies, as above, sum to 4.5, 4.75 or 4.99.

Cites: tyulmankov2022
"""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np
import xarray as xr
from autograd.tracer import getval

import synfwp as fw
from synfwp import measures, results, seeds
from synfwp.results import Row
from synfwp.settings import sized
from synfwp.tasks import Batch, Familiarity

LAGS = (1, 3, 6, 10, 15, 20, 30)
RULES = ("anti_hebb", "hebb")
GOALS = (4.5, 4.75, 4.99)  # sums of RUN accuracies, one of every EVERY updates
SHOWN = 4.75  # the goal of the figure
EVERY, RUN, BLOCK = 10, 5, 100
COLOUR, MARKER = {"anti_hebb": "green", "hebb": "blue"}, {"anti_hebb": "^", "hebb": "o"}
ITEMS = {"true positives": 50_000 / 3, "false positives": 100_000 / 3}  # that the authors' nets were tested on
SOURCE = "tyulmankov2022, trained nets of the authors (github.com/dtyulman/hebbff, publish/antiHebb)"


class Authors(NamedTuple):
    """One trained net: its eta and lam, updates to GOALS in its log, true and false positives at LAGS."""

    eta: float
    lam: float
    updates: tuple[float, ...]
    true: tuple[float, ...]
    false: tuple[float, ...]


AUTHORS = {  # by d = N, lag of training, rule
    (100, 6, "anti_hebb"): Authors(
        -0.0963, 0.9534, (560, 880, 3490),
        (1.0, 0.9996, 0.9834, 0.8753, 0.5796, 0.3155, 0.1017),
        (0.0041, 0.0042, 0.0042, 0.0052, 0.0083, 0.0111, 0.0146),
    ),
    (100, 6, "hebb"): Authors(
        0.0492, 0.8952, (3860, 8250, 28690),
        (0.9991, 0.9978, 0.9835, 0.7838, 0.2231, 0.0313, 0.0023),
        (0.0253, 0.0172, 0.0095, 0.0035, 0.0017, 0.0007, 0.0005),
    ),
    (100, 3, "anti_hebb"): Authors(
        -0.1055, 0.8918, (230, 340, 1590),
        (1.0, 0.9865, 0.7488, 0.2177, 0.0506, 0.0224, 0.0125),
        (0.0021, 0.0019, 0.0030, 0.0054, 0.0071, 0.0091, 0.0085),
    ),
    (100, 3, "hebb"): Authors(
        0.0614, 0.7925, (900, 4610, 17180),
        (0.9992, 0.9861, 0.4762, 0.0150, 0.0008, 0.0001, 0.0001),
        (0.0269, 0.0096, 0.0017, 0.0003, 0.0001, 0.0001, 0.0001),
    ),
    (25, 6, "anti_hebb"): Authors(
        -0.2743, 0.9463, (3270, 5310, 27960),
        (1.0, 0.9999, 0.9926, 0.8454, 0.3924, 0.1732, 0.0750),
        (0.0096, 0.0108, 0.0124, 0.0170, 0.0223, 0.0268, 0.0329),
    ),
    (25, 6, "hebb"): Authors(
        0.0485, 0.8828, (17130, 60350, np.nan),
        (0.9994, 0.9980, 0.9472, 0.5541, 0.2220, 0.1002, 0.0501),
        (0.0642, 0.0600, 0.0536, 0.0459, 0.0422, 0.0382, 0.0344),
    ),
    (25, 3, "anti_hebb"): Authors(
        -0.3520, 0.8906, (890, 1500, 12060),
        (1.0, 0.9896, 0.7384, 0.1589, 0.0457, 0.0264, 0.0192),
        (0.0059, 0.0071, 0.0094, 0.0121, 0.0154, 0.0165, 0.0169),
    ),
    (25, 3, "hebb"): Authors(
        0.0797, 0.7713, (8710, 14840, 304330),
        (0.9996, 0.9909, 0.2882, 0.0390, 0.0140, 0.0091, 0.0083),
        (0.0255, 0.0193, 0.0126, 0.0088, 0.0087, 0.0085, 0.0082),
    ),
}  # fmt: skip


class Size(NamedTuple):
    """What is run: nets of each width, lag of training and sign; their training, the same for all; the tests."""

    widths: tuple[int, ...]  # features of an item, and as many hidden units
    trained: tuple[int, ...]  # lags of the repeats in training
    seeds: int  # nets of each condition
    length: int = 200  # items of a sequence in training
    steps: int = 40_000  # updates at most
    learning_rate: float = 1e-3  # of Adam, throughout
    tokens: int = 5000  # items of a test
    eta: dict[str, float] = {"anti_hebb": -5.0, "hebb": 5.0}  # noqa: RUF012  # learning rate times d at the start
    lam: float = 0.99  # decay of the plastic weights where training starts


FULL = Size(widths=(100, 25), trained=(6, 3), seeds=5)
QUICK = Size(widths=(40,), trained=(3,), seeds=2, length=100, steps=400, learning_rate=5e-3, tokens=2000)


@dataclass(frozen=True, kw_only=True)
class Network(fw.PlasticNetwork):
    """HebbFF as its authors train it: lam is learned itself, one sigmoid answers, biases are normal at the start."""

    def init(self, seed: seeds.Seed = 0, dtype: Any = np.float64) -> dict[str, np.ndarray]:
        """Parameters before training."""
        params, rng = super().init(seed, dtype), seeds.generator(seed, "biases")
        del params["logit_lam"]
        own = {name: rng.standard_normal(params[name].shape).astype(dtype) for name in ("b", "b_out")}
        return params | own | {"lam": np.asarray(self.lam, dtype)}

    def weights(self, params: dict[str, Any]) -> dict[str, Any]:
        """The numbers of the equations; a lam beyond [0, 1] is clipped, its gradient is not."""
        lam = params["lam"]
        return super().weights(params) | {"lam": (lam - getval(lam)) + np.clip(getval(lam), 0, 1)}

    def scores(self, params: dict[str, Any], x: Any) -> Any:
        """Scores of the classes, novel and familiar: 0 and the argument of the sigmoid."""
        familiar = super().scores(params, x)
        return anp.concatenate([np.zeros_like(getval(familiar)), familiar], axis=-1)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Train nets of every condition and test them at every lag; ``quick`` does it with small nets, at one lag."""
    grid = {
        "trained": list(size.trained),
        "d": list(size.widths),
        "seed": range(seed, seed + size.seeds),
        "rule": list(RULES),
    }
    ds = results.cells(cell, grid, size=size).transpose("d", "trained", "rule", "seed", ...)
    ds = ds.assign_attrs(results.provenance({"size": size._asdict(), "quick": quick}, seed))
    return results.compared(ds, rows)


def cell(size: Size, d: int, trained: int, rule: str, seed: int) -> xr.Dataset:
    """One net: trained at one lag until the accuracies reach the last goal, then tested at every lag."""
    net, share = train(size, d, trained, rule, seed), {"units": "1"}
    accuracy, weights = net.history.accuracy.values, net.programmer.weights(net.params)
    found = np.array([rates(net, *stream(d, lag, size.tokens, seed)) for lag in LAGS])
    ends = np.unique(np.geomspace(EVERY, size.steps, 41).round().astype(int))
    variables = {
        "true_positives": ("lag", found[:, 0], share | {"long_name": "repeated items called familiar"}),
        "false_positives": ("lag", found[:, 1], share | {"long_name": "new items called familiar"}),
        "frozen": (
            (),
            frozen(net, stream(d, trained, size.tokens, seed)[-1]),
            share | {"long_name": "area under the ROC curve at the trained lag with eta = 0"},
        ),
        "eta": ((), float(weights["eta"]), share | {"long_name": "learning rate"}),
        "lam": ((), float(weights["lam"]), share | {"long_name": "decay"}),
        "updates": ("goal", [cost(accuracy, goal) for goal in GOALS], share | {"long_name": "updates to the goal"}),
        "made": ((), float(accuracy.size), share | {"long_name": "updates made"}),
        "gradient": ((), float(net.history.gradient_norm.max()), share | {"long_name": "largest norm of a gradient"}),
        "accuracy": ("step", windows(accuracy, ends), share | {"long_name": "accuracy of training"}),
    }
    coords = {
        "lag": ("lag", list(LAGS), share | {"long_name": "lag", "units": "items"}),
        "goal": ("goal", list(GOALS), share | {"long_name": f"sum of {RUN} accuracies"}),
        "step": ("step", ends, share | {"long_name": "training step"}),
    }
    return results.dataset(variables, coords)


def train(size: Size, d: int, trained: int, rule: str, seed: int) -> fw.Trained:
    """One net; the training goes on from its file, block by block, until the last goal is reached."""
    layer: dict[str, Any] = {"phi": "sigmoid", "recurrent": False, "keep_sign": True, "lam": size.lam}
    network = Network(d_in=d, d_hidden=d, d_out=1, eta=size.eta[rule] / d, **layer)
    task = Familiarity(d=d, lags=trained, length=size.length)
    usual: dict[str, Any] = {"batch": 1, "learning_rate": size.learning_rate, "schedule": "constant"}
    with tempfile.TemporaryDirectory() as folder:
        for steps in (*range(BLOCK, size.steps, BLOCK), size.steps):
            kept = Path(folder) / "training.nc"
            net = fw.train(network, task, steps=steps, checkpoint=kept, seed=seed, dtype=np.float32, **usual)
            if np.isfinite(cost(net.history.accuracy.values, GOALS[-1])):
                break
    return net


def stream(d: int, lag: int, tokens: int, seed: int) -> tuple[int, Familiarity, Batch]:
    """A test in which items come again at one lag; all nets of a seed see the same."""
    task = Familiarity(d=d, lags=lag, length=tokens)
    return lag, task, task(seeds.generator(seed, "test", lag), 1)


def rates(net: fw.Trained, lag: int, task: Familiarity, batch: Batch) -> tuple[float, float]:
    """True and false positives of a net on a test."""
    found, false = task.rates(batch.x, np.asarray(net.programmer.scores(net.params, batch.x)).argmax(axis=-1))
    return found.get(lag, float("nan")), false


def frozen(net: fw.Trained, batch: Batch) -> float:
    """What is left with eta = 0: area under the ROC curve of the scores, repeated items against new ones."""
    scores = np.asarray(net.programmer.scores(net.programmer.frozen(net.params), batch.x))
    return measures.auc((scores[..., 1] - scores[..., 0]).ravel(), batch.target.ravel() == 1)


def cost(accuracy: Any, goal: float) -> float:
    """The update at which RUN accuracies, one of every EVERY updates, sum to the goal; NaN if they never do."""
    seen = np.asarray(accuracy)[EVERY - 1 :: EVERY]
    if seen.size < RUN:
        return float("nan")
    reached = np.convolve(seen, np.ones(RUN), "valid") >= goal - 1e-6
    return float((reached.argmax() + RUN) * EVERY) if reached.any() else float("nan")


def windows(accuracy: Any, ends: Any) -> list[float]:
    """Means of the accuracies between successive ends; NaN where there are none."""
    parts = [accuracy[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    return [float(part.mean()) if part.size else np.nan for part in parts]


def rows(ds: xr.Dataset) -> list[Row]:
    """The table: each condition against the net of the authors, and the two signs against each other."""
    found: list[Row] = []
    for d in ds.d.values.tolist():
        for trained in ds.trained.values.tolist():
            one, where = ds.sel(d=d, trained=trained), f"d = {d}, trained at lag {trained}"
            known = {rule: AUTHORS[d, trained, rule] for rule in RULES if (d, trained, rule) in AUTHORS}
            for rule in RULES:
                lags = LAGS if (d, trained) == (100, 6) else [lag for lag in LAGS if lag in (trained, 10, 20)]
                found += _tests(one.sel(rule=rule), known.get(rule), f"{rule}, {where}", lags)
                found += _costs(one.sel(rule=rule), known.get(rule), f"{rule}, {where}")
            found += _signs(one, known, where)
    return [*found, Row("largest norm of a gradient, clipped above 1", float(ds.gradient.max()))]


def _row(name: str, found: xr.DataArray, expected: float, kind: str, least: float = 0.0) -> Row:
    """A row against one net of the authors, one draw: the error of what is expected is our spread, at least."""
    if not np.isfinite(expected) or not found.notnull().all():
        return Row(name, found.values)
    spread = float(found.std(ddof=1)) if found.size > 1 else 0.0
    return Row(name, found.values, expected, kind, SOURCE, error=max(spread, least))


def _tests(one: xr.Dataset, known: Authors | None, where: str, lags: Any) -> list[Row]:
    """What the nets of one condition are, and say at some lags."""
    found = []
    for name, of_lag in (("true positives", one.true_positives), ("false positives", one.false_positives)):
        for lag in lags:
            theirs = np.nan if known is None else getattr(known, name.split()[0])[LAGS.index(lag)]
            items = ITEMS[name]
            least = (theirs * (1 - theirs) / items) ** 0.5
            found.append(_row(f"{name} at lag {lag}, {where}", of_lag.sel(lag=lag), theirs, "recomputed", least))
    for name in ("eta", "lam"):
        theirs = np.nan if known is None else getattr(known, name)
        found.append(_row(f"{name}, {where}", one[name], theirs, "published"))
    return [*found, Row(f"AUC with eta = 0, {where}", one.frozen.values, 0.5, "chance")]


def _costs(one: xr.Dataset, known: Authors | None, where: str) -> list[Row]:
    """Updates to every goal, and how many nets reach it; no mean where one does not."""
    found = []
    for i, goal in enumerate(GOALS):
        updates, theirs = one.updates.sel(goal=goal), np.nan if known is None else known.updates[i]
        reached = int(updates.notnull().sum())
        why = "" if known is None else f"the authors' net: {theirs:.0f} updates".replace("nan updates", "not reached")
        found.append(Row(f"nets of {updates.size} that reach {goal:g}, {where}", reached, why=why))
        found.append(_row(f"updates to {goal:g}, {where}", updates, theirs, "published"))
    return found


def _signs(one: xr.Dataset, known: dict[str, Authors], where: str) -> list[Row]:
    """The two signs against each other, net by net of the same seed: cost of training, and a lag beyond it."""
    found, (anti, hebb) = [], (one.sel(rule=rule) for rule in RULES)
    for i, goal in enumerate(GOALS):
        costs = [sign.updates.sel(goal=goal) for sign in (anti, hebb)]
        name = f"updates to {goal:g}, hebb"
        theirs = [known[rule].updates[i] for rule in RULES] if known else [np.nan, np.nan]
        if all(updates.notnull().all() for updates in costs):
            paired = f"{name} against anti_hebb, {where}"
            found.append(Row(paired, costs[1].values, costs[0].values, "control", claim="above"))
        found.append(_row(f"{name} over anti_hebb, {where}", costs[1] / costs[0], theirs[1] / theirs[0], "published"))
    far = min(lag for lag in LAGS if lag >= 3 * int(one.trained))
    told = [(sign.true_positives - sign.false_positives).sel(lag=far).values for sign in (anti, hebb)]
    name = f"true minus false positives at lag {far}, anti_hebb against hebb, {where}"
    return [*found, Row(name, told[0], told[1], "control", claim="above")]


def figure(ds: xr.Dataset) -> Any:
    """Four panels at the width of a page: three of the first width and lag of training, the last of all."""
    from synfwp import plot

    fig, axes = plot.figure("double", 58, "abcd")
    one = ds.isel(d=0, trained=0)
    _against_lag(one, axes["a"], "true_positives")
    _against_lag(one, axes["b"], "false_positives")
    plot.learning_curve(one[["accuracy"]], axes["c"])
    _updates(ds, axes["d"])
    with plot.style():
        axes["c"].set_xscale("log")
        axes["c"].set_xlabel("update (number)")
        axes["c"].set_ylim(50, 102)
    plot.letter(axes)
    return fig


def _against_lag(one: xr.Dataset, ax: Any, name: str) -> None:
    """Nets as thin lines, their mean, and the authors' net as open symbols."""
    from synfwp import plot

    plot.against(one, ax, variable=name, along="lag")
    with plot.style():
        for rule in RULES:
            known = AUTHORS.get((int(one.d), int(one.trained), rule))
            if known is not None:
                colour, marker = plot.COLOURS[COLOUR[rule]], MARKER[rule]
                theirs = 100 * np.array(getattr(known, name.split("_")[0]))
                ax.plot(LAGS, theirs, "--", color=colour, marker=marker, markerfacecolor="white", clip_on=False)
        ax.axvline(int(one.trained), color="0.45", linewidth=0.7, linestyle=":", zorder=0)
        ax.set_ylim(0, None if name == "false_positives" else 105)


def _updates(ds: xr.Dataset, ax: Any) -> None:
    """Updates to SHOWN in every condition: a symbol for each net, open ones for those of the authors."""
    from synfwp import plot

    conditions = [(trained, d) for d in sorted(ds.d.values.tolist()) for trained in sorted(ds.trained.values.tolist())]
    with plot.style():
        for place, (trained, d) in enumerate(conditions):
            for side, rule in zip((-0.17, 0.17), RULES, strict=True):
                updates = ds.updates.sel(d=d, trained=trained, rule=rule, goal=SHOWN).dropna("seed").values
                at, look = np.full(updates.size, place + side), {"color": plot.COLOURS[COLOUR[rule]], "s": 9}
                ax.scatter(at, updates, marker=MARKER[rule], linewidths=0, alpha=0.8, **look)
                known = AUTHORS.get((d, trained, rule))
                if known is not None:
                    theirs = known.updates[GOALS.index(SHOWN)]
                    ax.scatter(place + side, theirs, marker=MARKER[rule], facecolors="none", linewidths=0.7, **look)
        ax.set_yscale("log")
        ax.set_ylim(20, 2 * float(ds.made.max()))
        ax.set_xticks(range(len(conditions)), [f"{d}, {trained}" for trained, d in conditions])
        ax.set_xlim(-0.5, len(conditions) - 0.5)
        ax.set_xlabel("width, lag of training (items)")
        ax.set_ylabel(f"updates to {SHOWN:g} (number)")


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = json.loads(ds.attrs["parameters"])["size"]
    one = ds.isel(d=0, trained=0)
    learned = {rule: [f"{float(one[name].sel(rule=rule).mean()):.3f}" for name in ("eta", "lam")] for rule in RULES}
    reached = {rule: int(one.updates.sel(rule=rule, goal=SHOWN).notnull().sum()) for rule in RULES}
    text = f"""
        Continual familiarity from learned plasticity (HebbFF, Tyulmankov, Yang & Abbott 2022). Was this item shown
        before? Nets of {int(one.d)} inputs and {int(one.d)} hidden units, trained on items that come again
        {int(one.trained)} tokens later (dotted), {size["seeds"]} net(s) (seeds) for each sign of the learning rate;
        Adam at {size["learning_rate"]:g} and one sequence of {size["length"]} tokens in each update for both signs,
        until {RUN} accuracies, one of every {EVERY} updates, sum to {GOALS[-1]:g}, or {size["steps"]} updates. (a) True
        and (b) false positives against the lag of the test, {size["tokens"]} tokens at each. Thin lines: nets; filled
        symbols: their means; open symbols, dashed: one trained net of the authors, where there is one. Learned eta and
        lam: anti-Hebb {learned["anti_hebb"][0]} and {learned["anti_hebb"][1]}, Hebb {learned["hebb"][0]} and
        {learned["hebb"][1]}. (c) Accuracy during training, each point a mean of the updates since the last one. (d)
        Updates until {RUN} accuracies sum to {SHOWN:g} (anti-Hebb {reached["anti_hebb"]}, Hebb {reached["hebb"]} of
        {size["seeds"]} net(s) of the other panels) for every width and lag of training: filled, nets; open, the
        authors' log. One of their nets stands for each condition, so its spread is not known.
    """
    return " ".join(text.split())
