"""Forgetting as failure of retrieval: amplified weights of the first task bring it back (Gershman, Fiete & Irie 2025).

The network: 784 inputs, 64 rectified units, 4 classes, no biases. It learns two classes of MNIST, then two of
FashionMNIST, by gradient descent on the cross-entropy of all four classes (rate 6e-4, batches of 128 in one order, 5
epochs each). A weight matrix that gradient descent has trained is a memory of key-value pairs, its inputs and the
errors, so the weights are a sum of those of the first and of the second task. The second task erases nothing: only its
own memories are added. Yet after it the first task is answered wrongly. When the weights of the first task, of both
layers, are multiplied by 1.1 to 1.9, its answers come back: the paper's optogenetic reactivation.

Published (figure 2; the numbers are those that the authors' notebook prints, one seed): first task 99.7 % right, after
the second 9.1 %, with its weights times 1.7 98.5 %; second task 95.0 %. The multiplied weights include the random ones
from before training. How the second task does meanwhile is not shown.

Ours: synthetic clusters in place of the images. A class is a pattern in which 30 % of the pixels are on, at random
intensities; ``overlap`` of the pixels are those of a pattern that all four classes have in common; an example adds
normal noise of SD 0.3 and is cut at 0 and 1. Everything else is as published. The amount of forgetting depends on the
overlap, so all overlaps are shown, and none is chosen to meet a published number. Controls: the weights of the second
task, or of both, multiplied in the same way; the writes of the first task alone, without the random weights; and the
answer among the two classes of the first task. What comes out: forgetting and recovery as published at an overlap of
0.75. What does not: clusters with less in common are forgotten less. What the paper does not show: where the first task
is forgotten, the factor that brings it back costs part of the second one.

Cites: gershman2025, irie2022dual
"""

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

import synfwp as fw
from synfwp import results, seeds
from synfwp.results import Row
from synfwp.settings import sized

Array = np.ndarray
Weights = tuple[Array, Array]  # hidden x inputs, classes x hidden

CLASSES = 4  # two of each task
# accuracy on the first task at strengths of 1.0 to 1.9, printed by the authors' notebook "Forgetting_and_recovery"
PUBLISHED_STRENGTH = (0.0913, 0.2865, 0.5551, 0.7773, 0.8922, 0.9452, 0.9726, 0.9853, 0.9910, 0.9948)
AMPLIFIED = ("first task", "writes of the first task", "second task", "both tasks")
TASKS = ("first", "second")


class Size(NamedTuple):
    """The network, its training as published, and the clusters."""

    seeds: int  # nets for each overlap
    inputs: int = 784  # pixels
    hidden: int = 64  # units
    rate: float = 6e-4  # of gradient descent
    batch: int = 128  # examples of an update
    epochs: int = 5  # of each task
    examples: int = 12000  # of each task
    tested: int = 2000  # test examples of each task
    active: float = 0.3  # share of pixels of a pattern that are on
    noise: float = 0.3  # SD of a pixel
    overlaps: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75)  # share of pixels that all classes have in common
    strengths: tuple[float, ...] = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9)  # factors of the weights


FULL = Size(seeds=10)
QUICK = Size(seeds=2, inputs=196, hidden=32, rate=8e-3, examples=3000, tested=400, overlaps=(0.0, 0.75))


class Task(NamedTuple):
    """Examples (n, inputs) and their classes, for training and for a test."""

    x: Array
    classes: Array
    x_test: Array
    classes_test: Array


def tasks(size: Size, overlap: float, seed: int) -> tuple[Task, Task]:
    """Two tasks of two clusters each; ``overlap`` of the pixels are alike in all four patterns."""
    rng = seeds.generator(seed, "clusters")
    shape = (CLASSES + 1, size.inputs)
    pattern = (rng.uniform(size=shape) < size.active) * rng.uniform(size=shape)
    centre = np.where(rng.uniform(size=(CLASSES, size.inputs)) < overlap, pattern[:1], pattern[1:])

    def drawn(task: int, n: int) -> tuple[Array, Array]:
        classes = 2 * task + rng.integers(2, size=n)
        return np.clip(centre[classes] + size.noise * rng.standard_normal((n, size.inputs)), 0, 1), classes

    first, second = (Task(*drawn(task, size.examples), *drawn(task, size.tested)) for task in (0, 1))
    return first, second


def outputs(weights: Weights, x: Array) -> tuple[Array, Array]:
    """Rectified activity of the hidden units, and the four outputs."""
    hidden = np.maximum(x @ weights[0].T, 0)
    return hidden, hidden @ weights[1].T


def errors(weights: Weights, x: Array, classes: Array) -> tuple[Array, Array, Array]:
    """Hidden activity, and errors of outputs and of hidden units: negative gradients of the cross-entropy, summed."""
    hidden, out = outputs(weights, x)
    p = np.exp(out - out.max(axis=1, keepdims=True))
    error = np.eye(CLASSES)[classes] - p / p.sum(axis=1, keepdims=True)
    return hidden, error, (error @ weights[1]) * (hidden > 0)


def learn(size: Size, fixed: Weights, task: Task, log: list[Any]) -> tuple[Weights, list[tuple[Array, Array]]]:
    """Weights that gradient descent adds to ``fixed`` ones in one task, and each write to the outputs (key, value)."""
    added = (np.zeros_like(fixed[0]), np.zeros_like(fixed[1]))
    writes = []
    for _ in range(size.epochs):
        for start in range(0, size.examples, size.batch):
            x, classes = (a[start : start + size.batch] for a in (task.x, task.classes))
            hidden, out_error, hidden_error = errors(total(fixed, added), x, classes)
            rate = size.rate / len(x)
            added = (added[0] + rate * hidden_error.T @ x, added[1] + rate * out_error.T @ hidden)
            writes.append((hidden, rate * out_error))
        log.append(total(fixed, added))
    return added, writes


def total(*parts: Weights) -> Weights:
    """Sum of weights, layer by layer."""
    return sum(part[0] for part in parts), sum(part[1] for part in parts)  # type: ignore[return-value]


def scaled(weights: Weights, factor: float) -> Weights:
    """Both layers times a factor."""
    return factor * weights[0], factor * weights[1]


def one_net(size: Size, start: Weights, both: tuple[Task, Task]) -> Weights:
    """The same training of a net that has one set of weights."""
    first, second = (weights.copy() for weights in start)
    for task in both:
        for _ in range(size.epochs):
            for begin in range(0, size.examples, size.batch):
                x, classes = (a[begin : begin + size.batch] for a in (task.x, task.classes))
                hidden, out_error, hidden_error = errors((first, second), x, classes)
                first += size.rate / len(x) * hidden_error.T @ x
                second += size.rate / len(x) * out_error.T @ hidden
    return first, second


def cell(size: Size, overlap: float, seed: int) -> xr.Dataset:
    """One net: it learns both tasks in turn, and its weights are amplified."""
    both = tasks(size, overlap, seed)
    rng = seeds.generator(seed, "weights")
    initial: Weights = (
        rng.uniform(-1, 1, (size.hidden, size.inputs)) / size.inputs**0.5,
        rng.uniform(-1, 1, (CLASSES, size.hidden)) / size.hidden**0.5,
    )
    log = [initial]
    first, writes = learn(size, initial, both[0], log)
    one = total(initial, first)
    second, more = learn(size, one, both[1], log)
    parts: dict[str, Any] = {  # what is amplified, and what is left as it is
        "first task": (one, second),
        "writes of the first task": (first, total(initial, second)),
        "second task": (second, one),
        "both tasks": (total(one, second), scaled(one, 0.0)),
    }

    def accuracy(weights: Weights, task: Task, among: tuple[int, ...] = ()) -> float:
        out = outputs(weights, task.x_test)[1]
        chosen = np.array(among)[out[:, among].argmax(axis=1)] if among else out.argmax(axis=1)
        return float((chosen == task.classes_test).mean())

    curve = [
        [[accuracy(total(scaled(up, s), rest), task) for s in size.strengths] for task in both]
        for up, rest in (parts[name] for name in AMPLIFIED)
    ]
    keys, values = (np.concatenate([write[i] for write in writes + more]) for i in (0, 1))
    recurrent = fw.scan("hebb", keys, keys, values, W0=initial[1]).W
    trained, single = total(one, second), one_net(size, initial, both)
    mean = [task.x_test.mean(axis=0) for task in both]
    number = {"units": "1"}
    return xr.Dataset(
        {
            "accuracy": (
                ("task", "epoch"),
                [[accuracy(weights, task) for weights in log] for task in both],
                number | {"long_name": "accuracy"},
            ),
            "amplified_accuracy": (
                ("amplified", "task", "strength"),
                curve,
                number | {"long_name": "accuracy with amplified weights"},
            ),
            "accuracy_among_own": (
                (),
                accuracy(trained, both[0], (0, 1)),
                number | {"long_name": "accuracy on the first task among its own two classes, after the second"},
            ),
            "cosine": (
                (),
                float(mean[0] @ mean[1] / np.linalg.norm(mean[0]) / np.linalg.norm(mean[1])),
                number | {"long_name": "cosine of the mean images of the two tasks"},
            ),
            "one_net": (
                (),
                float(np.abs(outputs(trained, both[0].x_test)[1] - outputs(single, both[0].x_test)[1]).max()),
                number | {"long_name": "largest difference of outputs to a net with one set of weights"},
            ),
            "from_writes": (
                (),
                float(np.abs(recurrent - trained[1]).max()),
                number | {"long_name": "largest difference of output weights to the sum of all writes"},
            ),
        },
        coords={
            "task": ("task", list(TASKS), {"long_name": "task that is tested"}),
            "epoch": ("epoch", np.arange(2 * size.epochs + 1), {"units": "epochs", "long_name": "epoch"}),
            "amplified": ("amplified", list(AMPLIFIED), {"long_name": "weights that are multiplied"}),
            "strength": ("strength", list(size.strengths), number | {"long_name": "factor of the weights"}),
        },
    )


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Nets at every overlap, 10 seeds each."""
    grid = {"overlap": list(size.overlaps), "seed": range(seed, seed + size.seeds)}
    with threadpool_limits(1):  # products are small: BLAS splits them badly
        ds = results.cells(cell, grid, size=size)
    ds["overlap"].attrs = {"units": "1", "long_name": "pixels that all classes have in common"}
    ds.attrs.update(results.provenance({"size": size._asdict(), "quick": quick}, seed))
    return results.compared(ds, rows)


def rows(ds: xr.Dataset) -> list[Row]:
    """What is printed: at every overlap what is forgotten and brought back, with its controls; then the identities."""
    found = []
    other = "synthetic clusters in place of MNIST and FashionMNIST: what is forgotten depends on their overlap"
    number = "gershman2025, figure 2, authors' notebook"
    half = int(ds.epoch[-1]) // 2
    for overlap in ds.overlap.values.tolist():
        one, text = ds.sel(overlap=overlap), f"overlap {overlap:g}"
        curve = one.amplified_accuracy.sel(amplified="first task")
        first, second = (curve.sel(task=task) for task in TASKS)
        plain, strong = first.sel(strength=1.0), first.sel(strength=1.7)
        learned = one.accuracy.sel(task="first", epoch=half)
        found += [
            Row(f"first task, after the second, {text}", plain, PUBLISHED_STRENGTH[0], "published", number, why=other),
            Row(f"first task, its weights times 1.7, {text}", strong, PUBLISHED_STRENGTH[7], "published", number,
                why=other),
            Row(f"second task, {text}", second.sel(strength=1.0)),
        ]  # fmt: skip
        found += [
            Row(f"first task, times 1.7 against times 1, {text}", strong, plain, "control", claim="above"),
            Row(f"first task, writes alone times 1.7 against all its weights, {text}",
                one.amplified_accuracy.sel(amplified="writes of the first task", task="first", strength=1.7),
                strong, "control"),
            Row(f"first task, weights of the second times 1.7, {text}",
                one.amplified_accuracy.sel(amplified="second task", task="first", strength=1.7),
                strong, "control", claim="below"),
            Row(f"first task among its own classes, after the second, {text}", one.accuracy_among_own, learned,
                "control"),
            Row(f"second task, weights of the first times 1.7, {text}", second.sel(strength=1.7),
                second.sel(strength=1.0), "control", why="what brings the first task back takes the second away"),
        ]  # fmt: skip
    both = ds.amplified_accuracy.sel(amplified="both tasks", task="first")
    change = np.abs(both.sel(strength=1.7) - both.sel(strength=1.0)).max("overlap")
    rounding = 1e-9  # some 1e5 additions of numbers below 10
    return [
        *found,
        Row("change of accuracy when all weights are times 1.7", change, 0.0, "exact"),
        Row("outputs against a net with one set of weights", ds.one_net.max("overlap"), 0.0, "exact", band=rounding),
        Row("output weights against the Hebbian sum of all writes", ds.from_writes.max("overlap"), 0.0, "exact",
            band=rounding),
    ]  # fmt: skip


def figure(ds: xr.Dataset) -> Any:
    """Learning of both tasks, the first one against the factor at every overlap, and the controls at the last one."""
    from synfwp import plot

    fig, axes = plot.figure("double", 58, "abc")
    colours = [plot.COLOURS[name] for name in ("sky", "green", "orange", "vermillion", "purple", "blue")]
    shown = ds.isel(overlap=-1)
    with plot.style():
        for task, colour in zip(TASKS, ("blue", "vermillion"), strict=True):
            _band(axes["a"], ds.epoch, shown.accuracy.sel(task=task), plot.COLOURS[colour], f"{task} task")
        axes["a"].axvline(int(ds.epoch[-1]) / 2, color="grey", lw=0.5, ls=":")
        axes["a"].set(xlabel="training (epochs)", ylabel="accuracy (%)", ylim=(-2, 102))
        curves = ds.amplified_accuracy.sel(amplified="first task", task="first")
        for overlap, colour in zip(ds.overlap.values, colours, strict=False):
            _band(axes["b"], ds.strength, curves.sel(overlap=overlap), colour, f"overlap {overlap:g}")
        published = np.arange(1.0, 1.95, 0.1)
        plot.points(axes["b"], published, 100 * np.array(PUBLISHED_STRENGTH), colour="black", label="MNIST, published")
        axes["b"].set(xlabel="weights of the first task (factor)", ylabel="accuracy, first task (%)", ylim=(-2, 102))
        labels = ("first task", "its writes alone", "second task", "both tasks")
        for name, label, colour in zip(AMPLIFIED, labels, colours[::-1], strict=False):
            curve = shown.amplified_accuracy.sel(amplified=name, task="first")
            _band(axes["c"], ds.strength, curve, colour, label)
        lost = shown.amplified_accuracy.sel(amplified="first task", task="second")
        _band(axes["c"], ds.strength, lost, plot.COLOURS["black"], "first task, second tested", "--")
        axes["c"].set(xlabel="weights (factor)", ylabel="accuracy (%)", ylim=(-2, 102))
        for ax in axes.values():
            plot.legend(ax)
    plot.letter(axes)
    return fig


def _band(ax: Any, x: Any, values: xr.DataArray, colour: str, label: str, line: str = "-") -> None:
    """Mean over seeds, and its standard deviation as a band, in %."""
    mean, sd = 100 * values.mean("seed"), 100 * values.std("seed", ddof=1)
    ax.plot(x, mean, line, color=colour, label=label)
    ax.fill_between(x, mean - sd, mean + sd, color=colour, alpha=0.2, lw=0)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    last = float(ds.overlap[-1])
    curve = 100 * ds.amplified_accuracy.sel(amplified="first task", task="first").isel(overlap=-1)
    sides = (curve.sel(strength=1.0), curve.sel(strength=1.7))
    plain, strong = (f"{float(one.mean()):.1f} +- {float(one.std(ddof=1)):.1f} %" for one in sides)
    text = f"""
        Forgetting is a failure of retrieval. A net with one hidden layer learns two clusters, then two others
        ({ds.sizes["seed"]} seeds; lines: means, bands: SD). (a) Accuracy on both tasks, which change at the dotted
        line; the classes share {100 * last:g} % of their pixels. (b) Accuracy on the first task after both,
        when the weights that it has added and the random ones are multiplied, at every overlap; points: MNIST, then
        FashionMNIST (Gershman, Fiete & Irie 2025, one seed). At an overlap of {last:g} a factor of 1.7 takes the first
        task from {plain} to {strong}. (c) The same at that overlap when other weights are multiplied, as the legend
        has it; dashed: accuracy on the second task.
    """
    return " ".join(text.split())
