"""Multi-query associative recall: accuracy against the bytes of the memory, by update rule (Arora et al. 2024).

A sequence shows pairs, key and value as two tokens each, then asks for every key once more, among other symbols.
A memory of fixed size holds fewer pairs than attention, whose memory grows with the sequence. In the published figure
a rule that corrects errors makes more of the same bytes than rules that add and forget; here every key is written
once, and the small nets that learn to bind at all are about equal, whatever their rule.

As published (zoology): the task, with queries at gaps of a power law and a token of its own for each key and value;
answers are scored at the queries; several widths of the memory; a short convolution shows a layer the token before.

Ours, since this runs on a CPU: short sequences and a small vocabulary, one layer and one head, the number of updates,
one learning rate for all, the best of 2 seeds beside their mean (some nets do not start to learn in time), Adam with a
warm-up and a cosine, float32, bytes of W or of all keys and values alone (the token that the convolution keeps is not
counted). The published points, read off a figure (+-.01), come from longer sequences and larger nets: they cannot be
compared one by one. What is compared is the order of the rules.

Cites: arora2024
"""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.settings import sized
from synfwp.tasks import MQAR, Batch

RULES = ("hebb", "leaky_hebb", "gated_hebb", "delta", "gated_delta", "softmax")
PUBLISHED = (  # net, the rule of its layers, kB of state, accuracy
    ("DeltaNet", "delta", 9.0, 0.79),
    ("DeltaNet", "delta", 34.0, 0.96),
    ("DeltaNet", "delta", 134.0, 0.995),
    ("Mamba-2", "leaky_hebb", 8.0, 0.52),
    ("GLA", "gated_hebb", 5.0, 0.53),
)
TAPS, MODEL = 2, 64  # of the convolution; width of the stream
RATE, WARMUP, BYTES = 0.01, 50, 4  # bytes of a float32


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
    """What is run: rules, widths d of keys and values, the task, loads of the test, updates, sequences, seeds."""

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
    learning_rate: float = RATE  # of Adam
    warmup: int = WARMUP  # updates over which the rate rises

    def task(self, pairs: int | None = None) -> Symbols:
        """The task of the training, or one with another load and as many places for each pair."""
        n = self.pairs if pairs is None else pairs
        return Symbols(
            keys=self.symbols, values=self.symbols, pairs=n, slots=max(n, round(self.slots * n / self.pairs))
        )


FULL = Size(RULES, (12, 16, 24), 64, 16, 24, (4, 8, 16, 24, 32), steps=1200, batch=32, nets=2, sequences=200)
QUICK = Size(("hebb", "delta"), (8,), 16, 8, 8, (4, 8, 16), steps=220, batch=16, nets=1, sequences=100)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Train every rule at every width; ``quick`` trains two small nets."""
    every = range(seed, seed + size.nets)
    nets = [[[train(rule, d, size, net) for net in every] for d in size.widths] for rule in size.rules]
    tests = [size.task(n)(seeds.generator(seed, "test", n), size.sequences) for n in size.loads]
    found = np.array([[[[net.accuracy(test) for test in tests] for net in row] for row in rule] for rule in nets])
    loss = [[[net.history.loss.values for net in row] for row in rule] for rule in nets]
    share = {"units": "1"}
    variables: dict[str, Any] = {
        "accuracy": (("rule", "width", "seed", "pairs"), found),
        "loss": (("rule", "width", "seed", "step"), loss, {"units": "nat"}),
        "state": (
            ("rule", "width"),
            [[state_bytes(rule, d, size) for d in size.widths] for rule in size.rules],
            {"units": "byte", "long_name": "memory at the end of a sequence of the training"},
        ),
        "chance": ((), size.task().chance, share | {"long_name": "chance level"}),
        "among": ((), 1 / size.pairs, share | {"long_name": "accuracy of a guess among the values of the sequence"}),
        "published_accuracy": (
            "point",
            [accuracy for *_, accuracy in PUBLISHED],
            share | {"long_name": "accuracy, published for longer sequences and larger nets"},
        ),
        "published_state": (
            "point",
            [1000 * kB for _, _, kB, _ in PUBLISHED],
            {"units": "byte", "long_name": "memory, published"},
        ),
    }
    coords = {
        "rule": list(size.rules),
        "width": ("width", list(size.widths), share | {"long_name": "width of keys and values"}),
        "seed": every,
        "pairs": list(size.loads),
        "step": range(size.steps),
        "point": ("point", [f"{net}, {kB:g} kB" for net, _, kB, _ in PUBLISHED], {"long_name": "published net"}),
        "point_rule": ("point", [rule for _, rule, _, _ in PUBLISHED], {"long_name": "rule of its layers"}),
    }
    settings = {
        "size": size._asdict(), "taps": TAPS, "d_model": MODEL, "quick": quick,
    }  # fmt: skip
    ds = results.dataset(
        variables, coords | {"trained": ((), size.pairs, share | {"long_name": "pairs of the training"})},
        **results.provenance(settings, seed),
    )  # fmt: skip
    return results.compared(ds, table)


def train(rule: str, d: int, size: Size, seed: int) -> fw.Trained:
    """One net with keys and values of width d; attention takes its keys as they are, a rule takes unit keys."""
    task = size.task()
    programmer = fw.Programmer(
        rule=rule, d_in=2 * size.symbols + 1, d_key=d, d_value=d, d_out=task.d_out, tokens=True, d_model=MODEL,
        feature="identity", key_norm="none" if rule == "softmax" else "l2", convolution=TAPS, residual=True, norm=True,
    )  # fmt: skip
    return fw.train(
        programmer, task, steps=size.steps, batch=size.batch, learning_rate=size.learning_rate,
        warmup=size.warmup, seed=seed, dtype=np.float32,
    )  # fmt: skip


def state_bytes(rule: str, d: int, size: Size) -> int:
    """Bytes of W, or of the keys and values of all tokens."""
    return BYTES * (2 * size.task().length * 2 * d if rule == "softmax" else d * d)


# --- table, figure, caption -------------------------------------------------------------------------------------------


def table(ds: xr.Dataset) -> xr.Dataset:
    """What is printed: best and mean of the seeds, the gains of delta at the same bytes, and the published points."""
    rows: list[tuple[str, float, float]] = []
    trained = ds.accuracy.sel(pairs=int(ds.trained))
    for rule in ds.rule.values:
        for d in ds.width.values:
            one, size = trained.sel(rule=rule, width=d), int(ds.state.sel(rule=rule, width=d))
            rows.append((f"{rule}, {size} bytes, best seed", np.nan, float(one.max())))
            rows.append((f"{rule}, {size} bytes, mean of seeds", np.nan, float(one.mean())))
    best = trained.max("seed")
    gain = (best.sel(rule="delta") - best).mean("width")
    others = [rule for rule in ds.rule.values if rule not in ("delta", "softmax")]
    rows += [(f"delta minus {rule}, best seeds, mean of sizes", np.nan, float(gain.sel(rule=rule))) for rule in others]
    for point in ds.point.values:
        rows.append((f"{point}, another scale", float(ds.published_accuracy.sel(point=point)), np.nan))
    return results.comparison(rows)


LOOK = {"softmax": ("black", "X")}


def figure(ds: xr.Dataset) -> Any:
    """Accuracy against bytes, against the load of the test, and the published points at their own scale."""
    from synfwp import plot

    fig, axes = plot.figure("double", 62, "abc")
    _against_bytes(ds, axes["a"])
    _against_load(ds, axes["b"])
    _published(ds, axes["c"])
    plot.letter(axes)
    return fig


def _look(rule: str) -> tuple[str, str]:
    """Colour and marker of a rule."""
    from synfwp import plot
    from synfwp.plot.scores import RULE_STYLES

    colour, marker = (LOOK | RULE_STYLES)[rule]
    return plot.COLOURS[colour], marker


def _against_bytes(ds: xr.Dataset, ax: Any) -> None:
    """Seeds as small symbols, the best of them as a line."""
    from synfwp import plot
    from synfwp.plot.parts import spell

    with plot.style():
        for rule in ds.rule.values:
            tint, marker = _look(rule)
            size, score = ds.state.sel(rule=rule).values / 1000, 100 * ds.accuracy.sel(rule=rule, pairs=int(ds.trained))
            ax.plot(
                size, score.transpose("width", "seed"), marker, color=tint, markersize=2, markeredgewidth=0, alpha=0.6
            )
            ax.plot(size, score.max("seed"), color=tint, marker=marker, label=spell(rule), clip_on=False, zorder=3)
        ax.axhline(100 * float(ds.among), color="0.45", linewidth=0.7, linestyle=(0, (3, 2)), label="guess", zorder=1)
        _bytes(ax)
        ax.set_ylim(0, 103)
        ax.set_xlabel("memory (kB)")
        ax.set_ylabel("accuracy (%)")
        plot.legend(ax)


def _bytes(ax: Any) -> None:
    """A logarithmic axis with plain numbers."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda kB, _: f"{kB:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


def _against_load(ds: xr.Dataset, ax: Any) -> None:
    """Nets of one width with other numbers of pairs than they were trained on."""
    from synfwp import plot

    width = _width(ds)
    with plot.style():
        for rule in ds.rule.values:
            tint, marker = _look(rule)
            score = 100 * ds.accuracy.sel(rule=rule, width=width)
            ax.plot(ds.pairs, score.transpose("pairs", "seed"), color=tint, linewidth=0.4, alpha=0.4)
            best = score.isel(seed=int(score.sel(pairs=int(ds.trained)).argmax("seed")))
            ax.plot(ds.pairs, best, color=tint, marker=marker, clip_on=False, zorder=3)
        ax.axvline(float(ds.trained), color="0.45", linewidth=0.7, linestyle=":", zorder=0)
        ax.set_ylim(0, 103)
        ax.set_xlabel("pairs in the test (1)")
        ax.set_ylabel("accuracy (%)")


def _width(ds: xr.Dataset) -> int:
    """The second smallest width, or the only one: where the rules differ."""
    return int(ds.width[min(1, ds.sizes["width"] - 1)])


def _published(ds: xr.Dataset, ax: Any) -> None:
    """Open symbols in the colour of the rule."""
    from synfwp import plot

    with plot.style():
        for net in dict.fromkeys(name.partition(",")[0] for name in ds.point.values.tolist()):
            some = ds.isel(point=[i for i, name in enumerate(ds.point.values) if name.startswith(f"{net},")])
            tint, marker = _look(str(some.point_rule.values[0]))
            ax.plot(
                some.published_state / 1000, 100 * some.published_accuracy, "--", color=tint, marker=marker,
                markerfacecolor="white", label=net, clip_on=False,
            )  # fmt: skip
        _bytes(ax)
        ax.set_ylim(0, 103)
        ax.set_xlabel("memory of published nets (kB)")
        ax.set_ylabel("accuracy (%)")
        plot.legend(ax)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = json.loads(ds.attrs["parameters"])["size"]
    n, length = size["pairs"], 2 * (size["pairs"] + size["slots"])
    best = ds.accuracy.sel(pairs=n, width=_width(ds)).max("seed")
    numbers = ", ".join(f"{rule} {100 * float(best.sel(rule=rule)):.1f} %" for rule in ds.rule.values)
    text = f"""
        Multi-query associative recall (Arora et al. 2024), at a small scale. (a) Accuracy against the bytes of the
        memory at the end of a sequence: W for a rule, all keys and values for softmax. One layer with keys and values
        of {", ".join(map(str, size["widths"]))} features, {n} pairs of {size["symbols"]} keys and
        {size["symbols"]} values, {length} tokens, {size["steps"]} updates of {size["batch"]} sequences; small symbols:
        {size["nets"]} net(s) (seeds), lines: the best; dashed: a guess among the values of the sequence. (b) Nets of
        width {_width(ds)} with other numbers of pairs than the {n} of the training (dotted). At {n} pairs, the best:
        {numbers}. (c) Published points, for longer sequences and larger nets (another scale): DeltaNet, Mamba-2 (leaky
        Hebb) and GLA (gated Hebb).
    """
    return " ".join(text.split())
