"""State tracking: parity needs a write strength past 1, S_3 also two writes per token (Grazzi 2025, Siems 2025).

Is the number of ones so far odd? A delta rule answers that by turning its memory over at every one, for which its
transition needs an eigenvalue of -1: beta = 2, past the value at which the error is corrected, and no rule whose
eigenvalues lie in [0, 1] does it (Grazzi et al., theorem 1). Products of permutations need more reflections a token:
in S_3 one layer needs two (Siems et al.). One-layer programmers are trained on words of 3 to 40 tokens and tested on
40 to 256; scaled accuracy is 0 at chance and 1 without errors. What theory promises is also done by hand, with
instructions that nobody trained: parity in a 1 x 1 state, S_5 in a 1 x 5 state with four writes per token, and the
same writes from a state of zero, which stays zero.

As published: tasks, lengths, the bound of beta (1 or 2), the best of 3 seeds, and a delta rule in a residual stream
with unit keys. The published transformer is larger; here it is softmax in the place of the rule, without positions.

Ours: small programmers of one layer without a short convolution (see PROGRAMMER), asked at every token; a test on 40
to 256 tokens as the beginnings of words of 256; Adam with a warm-up and a cosine, the number of updates, float32. The
published nets are larger. For modular arithmetic one layer is too few: it only gives a lower mark, and two layers did
not learn longer words in minutes.

Cites: grazzi2025, siems2025
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.settings import sized
from synfwp.tasks import Batch, ModularArithmetic, Parity, PermutationGroup

LONGEST = 256
SHORT, LONG = (3, 40), (40, LONGEST)
TASKS: dict[str, Any] = {
    "parity": Parity,
    "S3": lambda **length: PermutationGroup(group="S3", **length),
    "S3 swaps": lambda **length: PermutationGroup(group="S3", swaps_only=True, **length),
    "modular arithmetic": ModularArithmetic,
}
PROGRAMMER: dict[str, Any] = {
    "d_model": 32,
    "d_key": 8,
    "d_value": 8,
    "feature": "identity",
    "residual": True,
    "norm": True,
}


class System(NamedTuple):
    """A rule on a task: its bound of beta and the published scaled accuracy."""

    task: str
    rule: str
    beta_max: float
    published: float = np.nan

    @property
    def name(self) -> str:
        """As it stands in the table."""
        return f"{self.task}, {self.label}"

    @property
    def label(self) -> str:
        """Rule and range of beta."""
        return self.rule if self.rule == "softmax" else f"{self.rule}, beta to {self.beta_max:g}"


SYSTEMS = (
    System("parity", "delta", 2.0, 1.000),
    System("parity", "delta", 1.0, 0.017),
    System("parity", "softmax", 1.0, 0.022),
    System("S3", "delta_product(2)", 2.0),
    System("S3", "delta_product(2)", 1.0),
    System("S3", "delta", 2.0),
    System("S3 swaps", "delta", 2.0),
    System("modular arithmetic", "delta", 2.0),
    System("modular arithmetic", "delta", 1.0, 0.314),
)

RATE, WARMUP = 0.01, 50


class Size(NamedTuple):
    """What is run: systems, updates for each task, sequences in each, seeds, words of the test."""

    systems: tuple[System, ...]
    steps: dict[str, int]  # updates, for each task
    batch: int  # sequences of an update
    nets: int  # nets of each system, each with a seed of its own
    words: int  # words of the test
    learning_rate: float = RATE  # of Adam
    warmup: int = WARMUP  # updates over which the rate rises


FULL = Size(SYSTEMS, dict.fromkeys(TASKS, 800), batch=64, nets=3, words=400)
QUICK = Size(SYSTEMS[:2], {"parity": 200}, batch=16, nets=1, words=100)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Train and test every system; ``quick`` trains one net for parity with each bound of beta, for a few updates."""
    nets = [[train(system, size, seed + net) for net in range(size.nets)] for system in size.systems]
    right = [
        [right_by_length(net, test_words(system.task, size, seed)) for net in row]
        for system, row in zip(size.systems, nets, strict=True)
    ]
    cell, share = ("system", "seed"), {"units": "1"}
    exact = by_hand(seed)
    chance = [test_chance(system.task) for system in size.systems]
    variables: dict[str, Any] = {
        "accuracy": ((*cell, "length"), right, {"long_name": "share of right answers after so many tokens"}),
        "chance": ("system", chance, share | {"long_name": "chance level at the lengths of the test"}),
        "transition": (
            cell,
            [
                [lowest_eigenvalue(net, test_words(system.task, size, seed)) for net in row]
                for system, row in zip(size.systems, nets, strict=True)
            ],
            share | {"long_name": "lowest 1 - beta of a write"},
        ),
        "loss": (
            cell,
            [[float(net.history.loss[-20:].mean()) for net in row] for row in nets],
            {"units": "nat", "long_name": "mean loss of the last 20 updates"},
        ),
        "by_hand": ("reflections", list(exact.values()), share | {"long_name": "share of right answers, by hand"}),
        "scaled_published": (
            "system",
            [system.published for system in size.systems],
            share | {"long_name": "scaled accuracy, published"},
        ),
    }
    coords = {
        "system": ("system", [system.name for system in size.systems], {"long_name": "system"}),
        "task": ("system", [system.task for system in size.systems]),
        "update_rule": ("system", [system.rule for system in size.systems]),
        "beta_max": ("system", [system.beta_max for system in size.systems], share | {"long_name": "bound of beta"}),
        "seed": range(seed, seed + size.nets),
        "length": ("length", np.arange(1, LONGEST + 1), share | {"long_name": "tokens"}),
        "reflections": ("reflections", list(exact), {"long_name": "instructions that nobody trained"}),
    }
    settings = {
        "steps": size.steps, "batch": size.batch, "words": size.words, "learning_rate": size.learning_rate,
        "warmup": size.warmup, "programmer": PROGRAMMER, "quick": quick,
    }  # fmt: skip
    ds = results.dataset(variables, coords, **results.provenance(settings, seed))
    ds["scaled"] = scaled(ds).assign_attrs(units="1", long_name="scaled accuracy at the lengths of the test")
    return results.compared(ds, table)


def train(system: System, size: Size, seed: int) -> fw.Trained:
    """One net."""
    task = TASKS[system.task](length=SHORT, every=True)
    norm = "none" if system.rule == "softmax" else "l2"
    programmer = fw.Programmer(
        rule=system.rule, key_norm=norm, d_in=task.d_in, d_out=task.d_out, beta_max=system.beta_max, **PROGRAMMER
    )
    return fw.train(
        programmer, task, steps=size.steps[system.task], batch=size.batch,
        learning_rate=size.learning_rate, warmup=size.warmup, seed=seed, dtype=np.float32,
    )  # fmt: skip


def test_words(task: str, size: Size, seed: int) -> Batch:
    """Words of the greatest length, asked at every token; all nets see the same."""
    return TASKS[task](length=LONGEST, every=True)(seeds.generator(seed, "test", task), size.words)


def test_chance(task: str) -> float:
    """Accuracy of the best constant answer after 40 to 256 tokens."""
    return float(TASKS[task](length=LONG).chance)


def right_by_length(net: fw.Trained, test: Batch) -> Any:
    """Share of right answers after 1, 2, ... 256 tokens; NaN where nothing is asked."""
    answer = np.asarray(net.programmer.scores(net.params, test.x)).argmax(axis=-1)
    asked = test.mask[0]  # the same in all words, which are equally long
    right = np.full(LONGEST, np.nan)
    right[: len(asked)] = np.where(asked, (answer == test.target).mean(axis=0), np.nan)
    return right


def lowest_eigenvalue(net: fw.Trained, test: Batch) -> float:
    """The lowest ``1 - beta |k|^2`` of a write, with unit keys; NaN for a rule without beta."""
    beta = net.instructions(test.x[:50]).beta
    return np.nan if beta is None else float(1 - np.max(beta))


def scaled(ds: xr.Dataset) -> xr.DataArray:
    """``(accuracy - chance) / (1 - chance)`` of the mean over the lengths of the test."""
    accuracy = ds.accuracy.sel(length=slice(*LONG)).mean("length")
    return (accuracy - ds.chance) / (1 - ds.chance)


# --- by hand ----------------------------------------------------------------------------------------------------------


def by_hand(seed: int) -> dict[str, float]:
    """Accuracy at every one of 256 tokens of reflections that nobody trained."""
    return {
        "parity by hand, 1 x 1 state, beta = 2": parity_by_hand(seed, beta=2.0),
        "parity by hand, 1 x 1 state, beta = 1": parity_by_hand(seed, beta=1.0),
        "S5 by hand, 1 x 5 state, 4 writes per token": permutations_by_hand(seed, np.arange(5.0)),
        "S5 by hand, from a state of zero": permutations_by_hand(seed, np.zeros(5)),
    }


def parity_by_hand(seed: int, beta: float) -> float:
    """A state of 1 that every one multiplies by 1 - beta; negative is odd."""
    batch = Parity(length=LONGEST, every=True)(seeds.generator(seed, "by hand", "parity"), 50)
    key = np.ones((*batch.target.shape, 1))
    y = fw.scan("delta", key, key, 0 * key, beta * batch.x[..., 1], W0=np.ones((1, 1))).y
    return batch.accuracy((y[..., 0] < 0).astype(int))


def permutations_by_hand(seed: int, things: Any) -> float:
    """A row of five things, moved by exchanges (i, j): reflections with the key (e_i - e_j) / sqrt(2) and beta 2."""
    task = PermutationGroup(length=LONGEST, group="S5")
    batch = task(seeds.generator(seed, "by hand", "S5"), 5)
    keys, strength = (np.array(x) for x in zip(*map(exchanges, task.elements[task.moves]), strict=True))
    token = batch.x.argmax(axis=-1)
    k, beta = keys[token], strength[token]
    nothing = np.zeros((*token.shape, 4, 1))
    kept = fw.scan("delta_product(4)", k[..., 0, :], k, nothing, beta, W0=things[None], states=1).states
    states = np.asarray(kept)[..., 0, :]
    found = np.abs(states[..., None, :] - np.argsort(task.elements, axis=1)).sum(axis=-1)
    return batch.accuracy(found.argmin(axis=-1))


def exchanges(order: Any) -> tuple[Any, Any]:
    """Keys (4, 5) and strengths (4,) of at most four exchanges that take thing i to place ``order[i]``."""
    keys, strength = np.zeros((4, 5)), np.zeros(4)
    now, wanted, n = list(range(5)), np.argsort(order).tolist(), 0
    for place, thing in enumerate(wanted):
        other = now.index(thing)
        if other != place:
            now[place], now[other] = now[other], now[place]
            keys[n, [place, other]] = 0.5**0.5, -(0.5**0.5)
            strength[n] = 2.0
            n += 1
    return keys, strength


# --- table, figure, caption -------------------------------------------------------------------------------------------


def table(ds: xr.Dataset) -> xr.Dataset:
    """The comparison that is printed: best and mean scaled accuracy of the seeds, and what is done by hand."""
    rows: list[tuple[str, float, float]] = []
    for name in ds.system.values:
        one = ds.sel(system=name)
        rows.append((f"{name}, best seed", float(one.scaled_published), float(one.scaled.max())))
        rows.append((f"{name}, mean of seeds", np.nan, float(one.scaled.mean())))
    exact = {"beta = 2": 1.0, "beta = 1": 0.5, "4 writes per token": 1.0, "a state of zero": 1 / 120}
    for method in ds.reflections.values:
        known = next(value for ending, value in exact.items() if method.endswith(ending))
        rows.append((f"accuracy, {method}", known, float(ds.by_hand.sel(reflections=method))))
    return results.comparison(rows)


LOOK = {  # colour and marker
    ("delta", 2.0): ("vermillion", "s"),
    ("delta", 1.0): ("orange", "D"),
    ("softmax", 1.0): ("black", "X"),
    ("delta_product(2)", 2.0): ("blue", "o"),
    ("delta_product(2)", 1.0): ("sky", "P"),
}


def figure(ds: xr.Dataset) -> Any:
    """A panel for each task, accuracy against length; the last one shows the lowest eigenvalues."""
    from synfwp import plot

    tasks = list(dict.fromkeys(ds.task.values.tolist()))
    letters = "abcde"[: len(tasks) + 1]
    rows = [letters] if len(tasks) < 3 else ["abc", f"{letters[3:]:{letters[-1]}<3}"]
    fig, axes = plot.figure("double", 60 * len(rows), "\n".join(rows))
    for letter, task in zip(letters, tasks, strict=False):
        _against_length(ds.isel(system=np.flatnonzero(ds.task.values == task)), axes[letter], task)
    _eigenvalues(ds, axes[letters[-1]])
    plot.letter(axes)
    return fig


def _against_length(ds: xr.Dataset, ax: Any, task: str) -> None:
    """Seeds as thin lines, the best one thick, the lengths of training shaded."""
    from synfwp import plot

    with plot.style():
        ax.axvspan(*SHORT, color="0.92", linewidth=0, zorder=0)
        for i, name in enumerate(ds.system.values):
            one = ds.isel(system=i)
            tint = plot.COLOURS[LOOK[_key(one)][0]]
            binned = one.accuracy.where(one.accuracy.notnull(), drop=True).rolling(length=8, min_periods=1).mean()
            share = 100 * (binned - one.chance) / (1 - one.chance)
            ax.plot(share.length, share.transpose("length", "seed"), color=tint, linewidth=0.4, alpha=0.5)
            best = share.isel(seed=int(one.scaled.argmax("seed")))
            ax.plot(share.length, best, color=tint, label=_label(name), zorder=3)
        ax.set_xlim(0, LONGEST)
        ax.set_ylim(-10, 103)
        ax.set_xticks([40, 128, 256])
        ax.set_xlabel(f"length of {task} (tokens)")
        ax.set_ylabel("scaled accuracy (%)")
        plot.legend(ax)


def _eigenvalues(ds: xr.Dataset, ax: Any) -> None:
    """Scaled accuracy of every net against the lowest eigenvalue of its writes."""
    from synfwp import plot

    with plot.style():
        ax.axvline(0, color="0.45", linewidth=0.7, linestyle=(0, (3, 2)), zorder=1)
        for i, _ in enumerate(ds.system.values):
            one = ds.isel(system=i)
            colour, marker = LOOK[_key(one)]
            ax.scatter(
                one.transition, 100 * one.scaled, s=8, marker=marker, color=plot.COLOURS[colour], linewidths=0,
                alpha=0.8, clip_on=False, zorder=3,
            )  # fmt: skip
        ax.set_xlim(-1.05, 1)
        ax.set_ylim(-10, 103)
        ax.set_xlabel(r"lowest eigenvalue 1 - $\beta$ (1)")
        ax.set_ylabel("scaled accuracy (%)")


def _key(one: xr.Dataset) -> tuple[str, float]:
    """Rule and bound of beta of a system."""
    return str(one.update_rule.values), float(one.beta_max)


def _label(name: str) -> str:
    """A system without its task, as it stands in a legend."""
    from synfwp.plot.parts import spell

    return spell(name.partition(", ")[2]).replace("beta to", r"$\beta \leq$")


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    run = json.loads(ds.attrs["parameters"])
    tasks = list(dict.fromkeys(ds.task.values.tolist()))
    best = ds.scaled.max("seed")
    numbers = "; ".join(f"{name} {float(best.sel(system=name)):.3f}" for name in ds.system.values)
    last = "abcde"[len(tasks)]
    updates = ", ".join(f"{task} {run['steps'][task]}" for task in tasks)
    text = f"""
        State tracking by linear recurrences (tasks and lengths of Grazzi et al. 2025 and Siems et al. 2025).
        {" ".join(f"({letter}) {task}." for letter, task in zip("abcde", tasks, strict=False))} Accuracy after so many
        tokens, scaled: 0 is chance, 100 % no error; running mean of 8 tokens, {run["words"]} words that no net was
        trained on. Thin lines: nets ({ds.sizes["seed"]} seed(s)); thick: the best; grey: lengths of training, 3 to 40
        tokens. Updates: {updates}; {run["batch"]} words in each. Best scaled accuracy at 40 to 256 tokens: {numbers}. A
        net that knows only whether a product in S_3 is even or odd has 0.200. Published (best of 3): parity 1.000 and
        0.017 for a delta rule with beta up to 2 and up to 1, 0.022 for a transformer. ({last}) The same accuracy of
        every net, colours as before, against the lowest eigenvalue of the transition of a single write, 1 - beta for
        unit keys; left of the dashed line a write turns a memory over. By hand, without training: accuracy
        {float(ds.by_hand[0]):.3f} for parity in a 1 x 1 state with beta = 2, and {float(ds.by_hand[2]):.3f} for S_5
        with four writes per token.
    """
    return " ".join(text.split())
