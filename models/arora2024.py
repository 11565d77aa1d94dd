"""Multi-query associative recall: accuracy against the bytes of the memory, by update rule (Arora et al. 2024).

The paper (zoology): a sequence shows N pairs, key and value as two tokens each, then asks for every key once more at
gaps that follow a power law, among other symbols; each key and value is a token of its own; answers are scored at the
queries. Layers of a net write keys and values into a memory, by rules that differ, at several widths; a short
convolution shows a layer the token before. A memory of fixed size holds fewer pairs than attention, whose memory grows
with the sequence. Published (a figure, read off to +-0.01): a rule that corrects errors (DeltaNet) makes more of the
same bytes than rules that add and forget (Mamba-2, GLA).

Ours, since this runs on a CPU: 16 pairs of 64 keys and 64 values, one layer and one head, 1200 updates of Adam with a
warm-up and a cosine, float32, ten nets (seeds) of each kind, a learning rate for each rule (of three, by the mean
accuracy of nets of other seeds at one width), bytes of W (for mesa of G and H) or of all keys and values alone (the
token that the convolution keeps is not counted). The published points come from longer sequences and larger nets: they
are not run, and cannot be compared one by one.

The line under the data: the same memories without any training. Keys and values are fixed codes of the same width:
random unit vectors, tight frames (Tropp et al. 2005), or frames spread further (keys apart as lines, values apart as
points), and the answer is the value whose code is nearest to the read. At this size Hebb's rule with spread codes
already gives what trained nets reach, and with argmax its capacity grows as d_k d_v / (2 ln V): keys are written once,
so that there is little to correct, and more pairs cannot show the published order.

It shows with interference, again untrained (d = V = 64, one-hot values with replacement): keys with replacement, of
which the latest value is right, so that Hebb and mesa, which ignore order, have a ceiling; keys that share half of
their variance; keys that are firing rates. Centred Hebb (covariance) stands beside the delta rule there. The beta of
the delta rule is the best on other networks; beta = 1 is shown as well.

Cites: arora2024
"""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds, theory
from synfwp.settings import sized
from synfwp.tasks import MQAR, Batch, codes

RULES = ("hebb", "leaky_hebb", "gated_hebb", "delta", "gated_delta", "mesa", "softmax")
UNTRAINED = {  # the memory without training that a rule is compared with
    "hebb": "hebb",
    "leaky_hebb": "hebb",
    "gated_hebb": "hebb",
    "delta": "delta",
    "gated_delta": "delta",
    "mesa": "mesa",
}
PUBLISHED = (  # net, kB of state, accuracy: figure in the README of zoology
    ("DeltaNet", 9.0, 0.79),
    ("DeltaNet", 34.0, 0.96),
    ("DeltaNet", 134.0, 0.995),
    ("Mamba-2", 8.0, 0.52),
    ("GLA", 5.0, 0.53),
)
READ_OFF = 0.01  # how well these are read off
CODES = {"random": ("random", "random"), "tight": ("tight", "tight"), "spread": ("lines", "points")}  # keys, values
KEYS = ("once", "again", "correlated", "rates")
TAPS, MODEL = 2, 64  # of the convolution; width of the stream
BYTES = 4  # of a float32
OTHERS = 1000  # seeds from here on choose the rates of learning and the betas
NEAR = 0.05  # a net this close to the untrained line has reached it


@dataclass(frozen=True)
class Symbols(MQAR):
    """The task with a token of its own for each key and value: integers (batch, 2 T), asked at the keys."""

    def __call__(self, rng: np.random.Generator, batch: int) -> Batch:
        """Draw ``batch`` sequences."""
        drawn = super().__call__(rng, batch)
        target = np.full((batch, 2 * self.length), -1)
        target[:, ::2] = drawn.target
        return Batch(self.tokens(drawn.x), target, target >= 0, drawn.chance)


class Size(NamedTuple):
    """What is run: the task, the nets and their training, the memories without training, the interference."""

    rules: tuple[str, ...]  # rules of the layers
    widths: tuple[int, ...]  # widths of keys and values, a net for each
    symbols: int  # keys, and values, of the task
    pairs: int  # pairs of a sequence in training
    slots: int  # places for the queries in training
    loads: tuple[int, ...]  # pairs of a sequence in the tests
    steps: int  # updates
    batch: int  # sequences of an update
    nets: int  # nets of each kind, each with a seed of its own
    sequences: int  # sequences of a test
    rates: tuple[float, ...]  # learning rates of Adam that are tried
    tuned: int  # nets, and networks, of other seeds that choose a rate, or a beta
    tuned_width: int  # width of the nets that choose a rate
    networks: int  # pairs of codes without training, each with a seed of its own
    betas: tuple[float, ...]  # write strengths of the delta rule without training
    d: int  # features, and values, under interference
    writes: tuple[int, ...]  # pairs under interference
    tested: int  # sequences of each network under interference
    warmup: int = 50  # updates over which the rate rises
    window: int = 20  # updates of one point of a learning curve
    shared: float = 0.5  # cosine of correlated keys
    ridge: float = 1e-10  # of mesa without training
    spreading: int = 1500  # steps of descent that spread a code

    def task(self, pairs: int | None = None) -> Symbols:
        """The task of the training, or one with another load and as many places for each pair."""
        n = self.pairs if pairs is None else pairs
        return Symbols(
            keys=self.symbols, values=self.symbols, pairs=n, slots=max(n, round(self.slots * n / self.pairs))
        )


FULL = Size(
    RULES, (12, 16, 24), 64, 16, 24, (4, 8, 16, 24, 32), steps=1200, batch=32, nets=10, sequences=200,
    rates=(0.003, 0.01, 0.03), tuned=3, tuned_width=16, networks=20, betas=(0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0),
    d=64, writes=(16, 32, 64, 128), tested=40,
)  # fmt: skip
QUICK = Size(
    ("hebb", "delta"), (8,), 16, 8, 8, (4, 8, 16), steps=220, batch=16, nets=1, sequences=100,
    rates=(0.01,), tuned=1, tuned_width=8, networks=3, betas=(0.2, 0.5, 1.0), d=24, writes=(12, 24), tested=40,
    spreading=300,
)  # fmt: skip


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Memories without training, then nets of every rule at every width; ``quick`` trains two small nets."""
    networks = range(seed, seed + size.networks)
    others = range(seed + OTHERS, seed + OTHERS + size.tuned)
    grids: dict[str, tuple[Any, dict[str, Any]]] = {
        "untrained": (untrained, {"width": size.widths}),
        "interference": (interference, {"condition": KEYS}),
    }
    found = {}
    for name, (cell, grid) in grids.items():
        ds, other = (results.cells(cell, {**grid, "seed": every}, size=size) for every in (networks, others))
        found[name] = best_delta(ds, other, name).rename(seed="network")
    tried = results.cells(
        trained, {"rule": size.rules, "rate": size.rates, "width": (size.tuned_width,), "seed": others}, size=size
    )
    mean = tried.accuracy.sel(pairs=size.pairs).mean(("width", "seed"))
    rate = mean.idxmax("rate")
    every = {"width": size.widths, "seed": range(seed, seed + size.nets)}
    nets = [
        results.cells(trained, {"rule": (rule,), "rate": (float(rate.sel(rule=rule)),), **every}, size=size)
        for rule in size.rules
    ]
    ds = xr.concat([one.isel(rate=0, drop=True) for one in nets], dim="rule", combine_attrs="override")
    share = {"units": "1"}
    given = {
        "chosen_rate": ("rule", rate.values, share | {"long_name": "learning rate"}),
        "tried": (("rule", "rate"), mean.values, share | {"long_name": "accuracy of nets of other seeds"}),
        "state": (
            ("rule", "width"),
            [[state_bytes(rule, d, size) for d in size.widths] for rule in size.rules],
            {"units": "byte", "long_name": "memory at the end of a sequence of the training"},
        ),
        "among": ((), 1 / size.pairs, share | {"long_name": "accuracy of a guess among the values of the sequence"}),
    }
    coords = {
        "rule": list(size.rules),
        "rate": ("rate", list(size.rates), share | {"long_name": "learning rate"}),
        "width": ("width", list(size.widths), share | {"long_name": "width of keys and values"}),
        "trained": ((), size.pairs, share | {"long_name": "pairs of the training"}),
    }
    ds = xr.merge([results.dataset(given, coords), ds, *found.values()], combine_attrs="override", join="outer")
    settings = {"size": size._asdict(), "taps": TAPS, "d_model": MODEL, "quick": quick}
    ds.attrs = results.provenance(settings, seed)
    return results.compared(ds, rows)


# --- nets -------------------------------------------------------------------------------------------------------------


def trained(size: Size, rule: str, rate: float, width: int, seed: int) -> xr.Dataset:
    """One net, and its accuracy for every load."""
    net = train(rule, width, size, seed, rate)
    tests = [size.task(n)(seeds.generator(seed, "test", n), size.sequences) for n in size.loads]
    curve = net.history.loss.values
    curve = curve[: len(curve) // size.window * size.window].reshape(-1, size.window).mean(axis=1)
    variables = {
        "accuracy": ("pairs", [net.accuracy(test) for test in tests]),
        "loss": ("step", curve, {"units": "nat"}),
    }
    load = {"units": "1", "long_name": "pairs in the test"}
    return results.dataset(
        variables, {"pairs": ("pairs", list(size.loads), load), "step": size.window * np.arange(1, len(curve) + 1)}
    )


def train(rule: str, d: int, size: Size, seed: int, rate: float) -> fw.Trained:
    """One net with keys and values of width d; attention takes its keys as they are, a rule takes unit keys."""
    task = size.task()
    programmer = fw.Programmer(
        rule=rule, d_in=2 * size.symbols + 1, d_key=d, d_value=d, d_out=task.d_out, tokens=True, d_model=MODEL,
        feature="identity", key_norm="none" if rule == "softmax" else "l2", convolution=TAPS, residual=True, norm=True,
    )  # fmt: skip
    return fw.train(
        programmer, task, steps=size.steps, batch=size.batch, learning_rate=rate, warmup=size.warmup, seed=seed,
        dtype=np.float32,
    )  # fmt: skip


def state_bytes(rule: str, d: int, size: Size) -> int:
    """Bytes of W, of G and H (mesa), or of the keys and values of all tokens (softmax)."""
    if rule == "softmax":
        return BYTES * 2 * size.task().length * 2 * d
    return BYTES * d * d * (2 if rule == "mesa" else 1)


# --- without training -------------------------------------------------------------------------------------------------


def untrained(size: Size, width: int, seed: int) -> xr.Dataset:
    """Accuracy of memories whose keys and values are fixed codes, on the pairs of the task."""
    found = []
    for name, kinds in CODES.items():
        rng, drawn = seeds.generator(seed, "codes", name, width), seeds.generator(seed, "pairs")
        keys, values = (codes.draw(kind, size.symbols, width, rng, size.spreading) for kind in kinds)
        k, v = (np.argsort(drawn.random((size.sequences, size.symbols)), axis=1)[:, : size.pairs] for _ in range(2))
        found.append(accuracies(size, keys[k], values[v], values, v, np.full(v.shape, True)))
    return _of_learners(size, {"untrained": (("code", "learner"), found)}, code=CODES)


def interference(size: Size, condition: str, seed: int) -> xr.Dataset:
    """Accuracy of memories with keys of one kind and one-hot values with replacement, and the order-blind ceiling."""
    rng, d = seeds.generator(seed, "interference"), size.d
    found, ceiling = [], []
    for writes in size.writes:
        shape = (size.tested, writes)
        values, key = rng.integers(d, size=shape), np.tile(np.arange(writes), (size.tested, 1))
        k = rng.standard_normal((*shape, d))
        if condition == "again":
            key = rng.integers(d, size=shape)
            k = np.take_along_axis(rng.standard_normal((size.tested, d, d)), key[..., None], axis=1)
        elif condition == "correlated":
            common = codes.unit(rng.standard_normal((size.tested, 1, d)))
            k = size.shared**0.5 * common + (1 - size.shared) ** 0.5 * codes.unit(k)
        elif condition == "rates":
            k = np.maximum(k, 0)
        counts = np.zeros((size.tested, max(writes, d), d))
        np.add.at(counts, (np.arange(size.tested)[:, None], key, values), 1)
        later = np.triu(key[:, :, None] == key[:, None, :], 1).any(axis=-1)
        found.append(accuracies(size, codes.unit(k), np.eye(d)[values], np.eye(d), values, ~later))
        ceiling.append(theory.order_blind_accuracy(counts))
    text = {"units": "1", "long_name": "accuracy of the best memory that ignores order"}
    variables = {"interference": (("writes", "learner"), found), "ceiling": ("writes", ceiling, text)}
    return _of_learners(size, variables, writes=size.writes)


def accuracies(size: Size, k: Any, v: Any, known: Any, answer: Any, asked: Any) -> list[float]:
    """Share of the keys asked for, after all writes, whose read is nearest to the code of the answer; all learners."""
    q, keys, values = (np.concatenate(pair, axis=1) for pair in ((0 * k, k), (k, 0 * k), (v, 0 * v)))
    write, found = np.repeat([1.0, 0.0], k.shape[1]), []
    for rule, beta in learners(size.betas).values():
        gates: dict[str, Any] = {}
        if rule == "mesa":
            gates = {"decay": np.ones_like(write), "ridge": np.full(k.shape[-1], size.ridge)}
        y = fw.scan(rule, q, keys, values, write * beta, **gates).y[:, k.shape[1] :]
        found.append(float(((y @ known.T).argmax(axis=-1) == answer)[asked].mean()))
    return found


def learners(betas: tuple[float, ...]) -> dict[str, tuple[str, float]]:
    """Rule and write strength by name."""
    fixed = {rule: (rule, 1.0) for rule in ("hebb", "covariance", "mesa")}
    return fixed | {f"delta, beta = {beta:g}": ("delta", beta) for beta in betas}


def best_delta(ds: xr.Dataset, other: xr.Dataset, name: str) -> xr.Dataset:
    """Learners with one delta rule, of the beta that is the best on other networks, and that of beta = 1."""
    deltas = [one for one in ds.learner.values.tolist() if one.startswith("delta")]
    best = other[name].sel(learner=deltas).mean("seed").idxmax("learner")
    kept = ds[name].sel(learner=["hebb", "covariance", "mesa", deltas[-1]])
    delta = ds[name].sel(learner=best).drop_vars("learner").expand_dims(learner=["delta"])
    both = xr.concat([kept, delta.transpose(*kept.dims)], dim="learner").rename(learner="memory")
    numbers = [float(one.rpartition(" ")[2]) for one in best.values.ravel().tolist()]
    beta = best.copy(data=np.reshape(numbers, best.shape)).drop_vars("learner", errors="ignore")
    beta.attrs = {"units": "1", "long_name": "beta of the delta rule"}
    return ds.drop_vars([name, "learner"]).assign({name: both, f"{name}_beta": beta})


def _of_learners(size: Size, variables: dict[str, Any], **dims: Any) -> xr.Dataset:
    """Accuracies by learner, with labels."""
    share = {"units": "1", "long_name": "accuracy"}
    named = {name: (*entry, share) if len(entry) == 2 else entry for name, entry in variables.items()}
    labels = {"learner": list(learners(size.betas)), **{name: list(x) for name, x in dims.items()}}
    return results.dataset(named, {name: (name, x, {"units": "1", "long_name": name}) for name, x in labels.items()})


# --- table, figure, caption -------------------------------------------------------------------------------------------


def rows(ds: xr.Dataset) -> list[results.Row]:
    """Memories without training; nets against them; the delta rule against Hebb; the published points."""
    table = []
    for width in ds.width.values.tolist():
        for code in ds.code.values.tolist():
            for memory in ("hebb", "delta", "delta, beta = 1", "mesa"):
                found = ds.untrained.sel(width=width, code=code, memory=memory).values
                label = f"untrained, {code} codes, {memory}, width {width}"
                exact = memory == "mesa" and width >= int(ds.trained)  # as many features as pairs: no interference
                table.append(results.Row(label, found, 1.0, "exact") if exact else results.Row(label, found))
    for rule in ds.rule.values.tolist():
        table.append(results.Row(f"{rule}, learning rate chosen", float(ds.chosen_rate.sel(rule=rule))))
        for width in ds.width.values.tolist():
            table += _trained(ds, rule, width)
    both = {"delta", "hebb"} <= set(ds.rule.values.tolist())
    for width in ds.width.values.tolist() if both else ():
        one = ds.accuracy.sel(width=width, pairs=int(ds.trained))
        label = f"delta against hebb, trained, width {width}"
        why = "keys are written once: codes that interfere little leave nothing to correct"
        table.append(_above(label, one.sel(rule="delta"), one.sel(rule="hebb"), why=why))
    for condition in KEYS:
        table += _interfered(ds.sel(condition=condition, writes=_load(ds)), f"keys: {condition}, {_load(ds)} pairs")
    for net, kB, known in PUBLISHED:
        why, source = "not run: longer sequences and larger nets", "arora2024, figure in the README of zoology"
        table.append(results.Row(f"{net}, {kB:g} kB", np.nan, known, "published", source, band=READ_OFF, why=why))
    return table


def _trained(ds: xr.Dataset, rule: str, width: int) -> list[results.Row]:
    """Nets of one rule and width beside the same memory without training, and how many of them reach it."""
    found, label = ds.accuracy.sel(rule=rule, width=width, pairs=int(ds.trained)).values, f"{rule}, width {width}"
    label = f"{label}, {int(ds.state.sel(rule=rule, width=width))} bytes"
    line = 1.0
    if rule in UNTRAINED:
        control = ds.untrained.sel(width=width, code="spread", memory=UNTRAINED[rule]).values
        line = float(control.mean())
        error = float(control.std(ddof=1) / control.size**0.5) if control.size > 1 else 0.0
        why = "some nets have not learned to bind" if (found < line - NEAR).any() else "keys and values are learned"
        table = [results.Row(f"{label}, against spread codes", found, line, "control", error=error, why=why)]
    else:
        table = [results.Row(label, found)]
    reached = int((found > line - NEAR).sum())
    return [*table, results.Row(f"{label}, nets that reach the line, of {found.size}", reached)]


def _interfered(one: xr.Dataset, label: str) -> list[results.Row]:
    """All memories under one kind of interference, and what an error corrects."""
    memories = ["hebb", "covariance", "delta", "delta, beta = 1", "mesa"]
    found = {name: one.interference.sel(memory=name).values for name in memories}
    table = [results.Row(f"{label}, {name}", x) for name, x in found.items()]
    table.append(_above(f"{label}, delta against hebb", found["delta"], found["hebb"]))
    if label.startswith("keys: again"):
        text = f"{label}, delta against the best that ignores order"
        table.append(results.Row(text, found["delta"], one.ceiling.values, "ceiling", claim="above"))
    return table


def _above(label: str, found: Any, than: Any, why: str = "") -> results.Row:
    """A rule that corrects errors against Hebb's, on the same seeds."""
    found, than = np.asarray(found), np.asarray(than)
    return results.Row(label, found, than, "control", claim="above", why=why if found.mean() <= than.mean() else "")


def _load(ds: xr.Dataset) -> int:
    """Pairs under interference: as many as features, where that was run."""
    d = json.loads(ds.attrs["parameters"])["size"]["d"]
    return int(ds.writes.sel(writes=d, method="nearest"))


LOOK = {
    "softmax": ("black", "X"),
    "mesa": ("green", "^"),
    "covariance": ("sky", "P"),
    "delta, beta = 1": ("orange", "D"),
}


def figure(ds: xr.Dataset) -> Any:
    """Accuracy against bytes, against the load of the test, and under interference."""
    from synfwp import plot

    fig, axes = plot.figure("double", 68, "abc")
    _against_bytes(ds, axes["a"])
    _against_load(ds, axes["b"])
    _under_interference(ds, axes["c"])
    plot.letter(axes)
    return fig


def _look(rule: str) -> tuple[str, str]:
    """Colour and marker of a rule."""
    from synfwp import plot
    from synfwp.plot.scores import RULE_STYLES

    colour, marker = (LOOK | RULE_STYLES)[rule]
    return plot.COLOURS[colour], marker


def _against_bytes(ds: xr.Dataset, ax: Any) -> None:
    """Nets as small symbols, their means as filled ones; dashed lines: spread codes without training."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    from synfwp import plot
    from synfwp.plot.parts import spell

    with plot.style():
        for rule in ds.rule.values.tolist():
            tint, marker = _look(rule)
            kB, score = ds.state.sel(rule=rule).values / 1000, 100 * ds.accuracy.sel(rule=rule, pairs=int(ds.trained))
            each = score.transpose("width", "seed")
            ax.plot(kB, each, marker, color=tint, markersize=2, markeredgewidth=0, alpha=0.6)
            ax.plot(kB, score.mean("seed"), marker, color=tint, label=spell(rule), clip_on=False, zorder=3)
            if UNTRAINED.get(rule) == rule:
                line = 100 * ds.untrained.sel(memory=rule, code="spread").mean("network")
                ax.plot(kB, line, color=tint, linewidth=0.7, linestyle=(0, (3, 2)), zorder=1)
        ax.plot([], [], color="0.45", linewidth=0.7, linestyle=(0, (3, 2)), label="untrained")
        ax.axhline(100 * float(ds.among), color="0.45", linewidth=0.7, linestyle=":", label="guess", zorder=1)
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda kB, _: f"{kB:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_ylim(0, 103)
        ax.set_xlabel("memory (kB)")
        ax.set_ylabel("accuracy (%)")
        plot.legend(ax)


def _against_load(ds: xr.Dataset, ax: Any) -> None:
    """Nets of one width with other numbers of pairs than they were trained on."""
    from synfwp import plot

    with plot.style():
        for rule in ds.rule.values.tolist():
            tint, marker = _look(rule)
            score = 100 * ds.accuracy.sel(rule=rule, width=_width(ds))
            ax.plot(ds.pairs, score.transpose("pairs", "seed"), color=tint, linewidth=0.4, alpha=0.3)
            ax.plot(ds.pairs, score.mean("seed"), color=tint, marker=marker, clip_on=False, zorder=3)
        ax.axvline(float(ds.trained), color="0.45", linewidth=0.7, linestyle=":", zorder=0)
        ax.set_ylim(0, 103)
        ax.set_xlabel("pairs in the test (items)")
        ax.set_ylabel("accuracy (%)")


def _width(ds: xr.Dataset) -> int:
    """The second smallest width, or the only one: where the rules differ."""
    return int(ds.width[min(1, ds.sizes["width"] - 1)])


def _under_interference(ds: xr.Dataset, ax: Any) -> None:
    """Means and SD over networks for each kind of keys; a bar: the best memory that ignores order."""
    from synfwp import plot
    from synfwp.plot.parts import spell

    one, place = ds.sel(writes=_load(ds)), np.arange(len(KEYS))
    memories = ["hebb", "covariance", "delta", "delta, beta = 1", "mesa"]
    with plot.style():
        for i, memory in enumerate(memories):
            tint, marker = _look(memory)
            score = 100 * one.interference.sel(memory=memory, condition=list(KEYS))
            x, name = place + 0.13 * (i - 2), memory if "beta" in memory else spell(memory)
            plot.points(
                ax,
                x,
                score.mean("network"),
                score.std("network", ddof=min(1, score.sizes["network"] - 1)),
                label=name,
                colour=tint,
                marker=marker,
            )
        again = KEYS.index("again")
        ceiling = 100 * float(one.ceiling.sel(condition="again").mean())
        ax.hlines(
            ceiling, again - 0.4, again + 0.4, color="0.45", linewidth=0.7, linestyle=(0, (3, 2)), label="no order"
        )
        ax.set_xticks(place, KEYS)
        ax.set_xlim(-0.5, len(KEYS) - 0.5)
        ax.set_ylim(0, 105)
        ax.set_xlabel("kind of keys")
        ax.set_ylabel("accuracy (%)")
        plot.legend(ax)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = json.loads(ds.attrs["parameters"])["size"]
    n, length, load = size["pairs"], 2 * (size["pairs"] + size["slots"]), _load(ds)
    at = 100 * ds.accuracy.sel(pairs=n, width=_width(ds))
    means, spreads = at.mean("seed"), at.std("seed", ddof=1) if size["nets"] > 1 else 0 * at.mean("seed")
    numbers = ", ".join(
        f"{r} {float(means.sel(rule=r)):.1f} ({float(spreads.sel(rule=r)):.1f})" for r in ds.rule.values
    )
    line = 100 * ds.untrained.sel(code="spread", width=_width(ds)).mean("network")
    codes_ = ", ".join(f"{name} {float(line.sel(memory=name)):.1f}" for name in ("hebb", "delta", "mesa"))
    rates = 100 * ds.interference.sel(condition="rates", writes=load).mean("network")
    rated = ", ".join(f"{name} {float(rates.sel(memory=name)):.1f}" for name in rates.memory.values.tolist())
    text = f"""
        Multi-query associative recall (Arora et al. 2024), at a small scale. (a) Accuracy against the bytes of the
        memory at the end of a sequence: W for a rule (mesa: G and H), all keys and values for softmax. One layer with
        keys and values of {", ".join(map(str, size["widths"]))} features, {n} pairs of {size["symbols"]} keys and
        {size["symbols"]} values, {length} tokens, {size["steps"]} updates of {size["batch"]} sequences; small symbols:
        {size["nets"]} net(s) (seeds), large: their means; dashed: spread codes without any training, means of
        {size["networks"]} networks, in the colour of the rule; dotted: a guess among the values of the sequence. At
        width {_width(ds)}, in % (SD): {numbers}; untrained: {codes_}. (b) Nets of width {_width(ds)} with other numbers
        of pairs than the {n} of the training (dotted); thin lines: nets. (c) Interference, without training: {load}
        pairs, {size["d"]} features, {size["d"]} one-hot values with replacement; keys that are written once, again
        (with replacement, the latest value is right; dashed: the best memory that ignores order), correlated (cosine
        {size["shared"]:g}) or rates (rectified). Means and SD of {size["networks"]} networks; beta of delta is the best
        on other networks. Rates, in %: {rated}.
    """
    return " ".join(text.split())
