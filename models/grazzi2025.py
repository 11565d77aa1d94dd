"""State tracking: parity takes a write strength past 1, counting and S_3 two writes a token (Grazzi 2025, Siems 2025).

Is the number of ones so far odd? A delta rule answers that by turning its memory over at every one, for which its
transition needs an eigenvalue of -1: beta = 2, past the value at which the error is corrected, and no rule whose
eigenvalues lie in [0, 1] does it (theorem 1). To count modulo more than 2 the transition of one layer needs complex
eigenvalues (theorem 2), to follow S_3 too: two reflections per token, a turn of the plane. Nets are trained on words
of 3 to 40 tokens and tested on 40 to 256; scaled accuracy is 0 at chance and 1 without errors.

As published: the tasks, the lengths, the bound of beta (1 or 2), a delta rule in a residual stream with unit keys;
modular arithmetic modulo 5 without brackets, with 3 layers of 4 heads and filters of 4 tokens. Published are the best
(table 3) and the median (table 5) of 3 nets; with brackets DeltaNet has 0.260 and 0.194, the transformer 0.067.

Ours: smaller nets (`PROGRAMMER`, `NETS`; published: width 128 and 2 layers, 3 for arithmetic, 100,000 updates of 1024
words), one layer but for arithmetic; the answer is asked for at every token (published: at the last); Adam with a
warm-up and a cosine in float32; `EARLIER` lessons of shorter words for addition and arithmetic; softmax without
positions as transformer; addition modulo 3 and 5, which is no task of theirs (settings chosen among seven, on seeds 0
to 2 and 100 to 102). A net has solved its task if its scaled accuracy is at least `SOLVED`. By hand stands for
instructions that nobody trained: parity in a 1 x 1 state, sums modulo m in a 1 x 2 state with two writes per token, S_5
in a 1 x 5 state with four, and the same from a state of zero, which stays zero.

What does not come out: modular arithmetic. Within the updates here nets learn words of some 10 tokens and no longer
ones, with either bound. Addition modulo 5 is learned without errors at the lengths of training; in longer words small
errors of the angle add up, in some nets too far to be solved.

Cites: grazzi2025, siems2025
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.results import Row
from synfwp.settings import sized
from synfwp.tasks import ModularAddition, ModularArithmetic, Parity, PermutationGroup

LONGEST, BIN = 256, 8  # tokens of the test, and of a point of the curve
SHORT, LONG = (3, 40), (40, LONGEST)
LONGEST_BY_HAND = 1024  # tokens
SOLVED = 0.99  # scaled accuracy
TASKS: dict[str, Any] = {
    "parity": Parity,
    "S3": lambda **length: PermutationGroup(group="S3", **length),
    "S3 swaps": lambda **length: PermutationGroup(group="S3", swaps_only=True, **length),
    "addition mod 3": lambda **length: ModularAddition(modulus=3, **length),
    "addition mod 5": lambda **length: ModularAddition(modulus=5, **length),
    "modular arithmetic": ModularArithmetic,
}
PROGRAMMER: dict[str, Any] = {"d_model": 32, "d_key": 8, "d_value": 8, "feature": "identity", "residual": True}
PLANES = {"heads": 4, "d_key": 2, "d_value": 2}  # a plane to turn for each head
NETS: dict[str, dict[str, Any]] = {  # what differs from that
    "addition mod 3": PLANES,
    "addition mod 5": PLANES,
    "modular arithmetic": {"layers": 3, "heads": 4, "d_model": 64, "d_key": 16, "d_value": 16, "convolution": 4},
}
EARLIER: dict[str, dict[int, int]] = {  # lessons before the last: longest words, updates
    "addition mod 3": {6: 300, 12: 200},
    "addition mod 5": {6: 300, 12: 200},
    "modular arithmetic": {5: 400, 11: 400},
}
SYSTEMS = (  # task, rule, bound of beta
    "parity, delta, beta to 2",
    "parity, delta, beta to 1",
    "parity, softmax, beta to 1",
    "S3, delta_product(2), beta to 2",
    "S3, delta_product(2), beta to 1",
    "S3, delta, beta to 2",
    "S3 swaps, delta, beta to 2",
    "addition mod 3, delta_product(2), beta to 2",
    "addition mod 3, delta, beta to 2",
    "addition mod 5, delta_product(2), beta to 2",
)
DEEP = ("modular arithmetic, delta, beta to 2", "modular arithmetic, delta, beta to 1")
PUBLISHED = {  # best of 3 and median of 3, scaled accuracy of 8192 words
    "parity, delta, beta to 2": (1.000, 0.999),
    "parity, delta, beta to 1": (0.017, 0.010),
    "parity, softmax, beta to 1": (0.022, 0.003),
    "modular arithmetic, delta, beta to 2": (0.971, 0.826),
    "modular arithmetic, delta, beta to 1": (0.314, 0.214),
}
IMPOSSIBLE = {  # for one layer of finite precision, at any length
    "parity, delta, beta to 1": "theorem 1",
    "S3, delta_product(2), beta to 1": "theorem 1 and proposition 1",  # the sign is a parity
    "S3, delta, beta to 2": "theorem 2",  # a rotation has order 3
    "addition mod 3, delta, beta to 2": "theorem 2",
}
SIGN = 0.2  # scaled accuracy in S_3 of who knows whether a product is even
GUESSES = ("parity, delta, beta to 1", "parity, softmax, beta to 1", "S3, delta_product(2), beta to 1")


class Size(NamedTuple):
    """What is run: nets of each system, updates for each task, sequences in each, words of the test."""

    nets: int  # nets of each system of one layer, each with a seed of its own
    deep: int  # nets of each system of three layers
    steps: dict[str, int]  # updates with words of up to 40 tokens, for each task
    rate: dict[str, float]  # highest learning rate of Adam, for each task
    systems: int = len(SYSTEMS)  # so many of the systems of one layer
    batch: int = 64  # sequences of an update
    words: int = 400  # words of the test
    warmup: int = 50  # updates over which the rate rises


RATES = dict.fromkeys(TASKS, 0.01) | {"modular arithmetic": 0.003}
FULL = Size(10, 3, dict.fromkeys(TASKS, 800) | {"modular arithmetic": 400}, RATES)
QUICK = Size(1, 0, dict.fromkeys(TASKS, 200), RATES, systems=2, batch=16, words=100)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Train and test every system; ``quick`` trains one net for parity with each bound of beta, for a few updates."""
    grids = [(SYSTEMS[: size.systems], size.nets), (DEEP, size.deep)]
    parts = [
        results.cells(cell, {"system": list(names), "seed": range(seed, seed + nets)}, size=size)
        for names, nets in grids
        if nets
    ]
    found = xr.concat(parts, dim="system", join="outer")
    draws = {"by_hand": list(BY_HAND), "seed": range(seed, seed + size.nets)}
    found = found.merge(results.cells(hand, draws), join="outer")
    found["system"].attrs["long_name"] = "system"
    names = found.system.values.tolist()
    chance = [chance_of(name.split(", ")[0]) for name in names]
    found["chance"] = ("system", chance, share("chance level at the lengths of the test"))
    return results.compared(found.assign_attrs(results.provenance(size._asdict() | {"quick": quick}, seed)), rows)


def cell(size: Size, system: str, seed: int) -> xr.Dataset:
    """Train and test one net."""
    name = system.split(", ")[0]
    net = train(system, size, seed)
    test = TASKS[name](length=LONGEST, every=True)(seeds.generator(seed, "test", name), size.words)
    answer = np.asarray(net.programmer.scores(net.params, test.x)).argmax(axis=-1)
    at = np.arange(1, test.mask.shape[1] + 1)
    right = xr.DataArray((answer == test.target).mean(axis=0), {"at": at}, "at")[test.mask[0]]  # equally long words
    beta = net.instructions(test.x[:50]).beta
    groups = right.groupby_bins("at", np.arange(0, LONGEST + 1, BIN), labels=np.arange(BIN, LONGEST + 1, BIN))
    curve, lowest = groups.mean().values, np.nan if beta is None else float(1 - np.max(beta))
    variables = {
        "accuracy": ("length", curve, share(f"share of right answers, mean of {BIN} tokens up to here")),
        "scaled": ((), scaled(right, name, LONG), share("scaled accuracy at the lengths of the test")),
        "inside": ((), scaled(right, name, SHORT), share("scaled accuracy at the lengths of training")),
        "ten": ((), scaled(right, name, (3, 10)), share("scaled accuracy at 3 to 10 tokens")),
        "lowest": ((), lowest, share("lowest 1 - beta of a write")),
        "loss": ((), float(net.history.loss[-20:].mean()), {"units": "nat", "long_name": "mean loss, last 20 updates"}),
    }
    return results.dataset(variables, {"length": ("length", np.arange(BIN, LONGEST + 1, BIN), share("tokens"))})


def train(system: str, size: Size, seed: int) -> fw.Trained:
    """One net, with the lessons of its task one after the other."""
    name, rule, bound = system.split(", ")
    task = TASKS[name](length=SHORT, every=True)
    settings = PROGRAMMER | NETS.get(name, {})
    programmer = fw.Programmer(
        rule=rule, key_norm="none" if rule == "softmax" else "l2", d_in=task.d_in, d_out=task.d_out,
        beta_max=float(bound.removeprefix("beta to ")), norm=True, **settings,
    )  # fmt: skip
    params = None
    for longest, steps in (EARLIER.get(name, {}) | {SHORT[1]: size.steps[name]}).items():
        net = fw.train(
            programmer, TASKS[name](length=(SHORT[0], longest), every=True), steps=steps, batch=size.batch,
            learning_rate=size.rate[name], warmup=size.warmup, seed=seed, dtype=np.float32,
            params=params,
        )  # fmt: skip
        params = net.params
    return net


def scaled(right: xr.DataArray, task: str, lengths: tuple[int, int]) -> float:
    """``(accuracy - chance) / (1 - chance)`` of the mean over lengths."""
    chance = chance_of(task)
    return float((right.sel(at=slice(*lengths)).mean() - chance) / (1 - chance))


def chance_of(task: str) -> float:
    """Accuracy of the best constant answer after 40 to 256 tokens."""
    return float(TASKS[task](length=LONG).chance)


def share(name: str) -> dict[str, str]:
    """Attributes of a number without a unit."""
    return {"units": "1", "long_name": name}


# --- by hand ----------------------------------------------------------------------------------------------------------


def hand(by_hand: str, seed: int) -> dict[str, Any]:
    """Accuracy at every one of 1024 tokens of reflections that nobody trained."""
    solve, setting, _, _ = BY_HAND[by_hand]
    return {"right": ((), solve(seed, setting), share("share of right answers, by hand"))}


def parity_by_hand(seed: int, beta: float) -> float:
    """A state of 1 that every one multiplies by 1 - beta; negative is odd."""
    batch = Parity(length=LONGEST_BY_HAND, every=True)(seeds.generator(seed, "by hand", "parity"), 50)
    key = np.ones((*batch.target.shape, 1))
    y = fw.scan("delta", key, key, 0 * key, beta * batch.x[..., 1], W0=np.ones((1, 1))).y
    return batch.accuracy((y[..., 0] < 0).astype(int))


def addition_by_hand(seed: int, modulus: int) -> float:
    """A row of two, turned by ``2 pi / m`` times the number: reflections by the first axis, and by half that turn."""
    task = ModularAddition(length=LONGEST_BY_HAND, every=True, modulus=modulus)
    batch = task(seeds.generator(seed, "by hand", modulus), 50)
    half = np.pi / modulus * batch.x.argmax(axis=-1)
    k = np.stack([np.stack([np.cos(a), np.sin(a)], axis=-1) for a in (0 * half, half)], axis=-2)
    nothing = np.zeros((*k.shape[:-1], 1))
    beta = np.full(k.shape[:-1], 2.0)
    kept = fw.scan("delta_product(2)", k[..., 0, :], k, nothing, beta, W0=np.eye(1, 2), states=1).states
    turned = np.arctan2(*np.moveaxis(np.asarray(kept)[..., 0, :], -1, 0)[::-1])
    return batch.accuracy(np.rint(turned * modulus / (2 * np.pi)).astype(int) % modulus)


def permutations_by_hand(seed: int, things: tuple[float, ...]) -> float:
    """A row of five things, moved by exchanges (i, j): reflections with the key (e_i - e_j) / sqrt(2) and beta 2."""
    task = PermutationGroup(length=LONGEST_BY_HAND, group="S5")
    batch = task(seeds.generator(seed, "by hand", "S5"), 5)
    keys, strength = (np.array(x) for x in zip(*map(exchanges, task.elements[task.moves]), strict=True))
    token = batch.x.argmax(axis=-1)
    k, beta = keys[token], strength[token]
    nothing = np.zeros((*token.shape, 4, 1))
    kept = fw.scan("delta_product(4)", k[..., 0, :], k, nothing, beta, W0=np.array([things]), states=1).states
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


BY_HAND: dict[str, tuple[Any, Any, float, str]] = {  # how, with what, what is expected, and the kind of that
    "parity, 1 x 1 state, beta 2": (parity_by_hand, 2.0, 1.0, "exact"),
    "parity, 1 x 1 state, beta 1": (parity_by_hand, 1.0, 0.5, "chance"),
    "addition mod 3, 1 x 2 state, 2 writes per token": (addition_by_hand, 3, 1.0, "exact"),
    "addition mod 5, 1 x 2 state, 2 writes per token": (addition_by_hand, 5, 1.0, "exact"),
    "S5, 1 x 5 state, 4 writes per token": (permutations_by_hand, (0.0, 1.0, 2.0, 3.0, 4.0), 1.0, "exact"),
    "S5, from a state of zero": (permutations_by_hand, (0.0,) * 5, 1 / 120, "chance"),
}


# --- table, figure, caption -------------------------------------------------------------------------------------------


def rows(ds: xr.Dataset) -> list[Row]:
    """Scaled accuracy of every system, how many nets solve it, the published numbers, and what is done by hand."""
    found = []
    for name in ds.system.values.tolist():
        one = ds.sel(system=name).dropna("seed", subset=["scaled"])
        n = one.sizes["seed"]
        found += _published(name, one.scaled.values, float(one.chance)) if name in PUBLISHED else []
        guess: dict[str, Any] = {"expected": 0.0, "kind": "chance"} if name in GUESSES else {}
        found.append(Row(f"{name}, scaled accuracy at 40 to 256 tokens", one.scaled, **guess))
        if name == "S3, delta, beta to 2":
            best = Row(f"{name}, best of {n} nets", float(one.scaled.max()), SIGN, kind="ceiling", band=0.01)
            found.append(best)
        if name in DEEP or name.startswith("addition"):
            found.append(Row(f"{name}, scaled accuracy at 3 to 40 tokens", one.inside))
        if name in DEEP:
            found.append(Row(f"{name}, scaled accuracy at 3 to 10 tokens", one.ten))
        source = _source(IMPOSSIBLE.get(name, ""))
        limit: dict[str, Any] = {"expected": 0.0, "kind": "theory", "source": source} if name in IMPOSSIBLE else {}
        found.append(Row(f"{name}, nets that solve it, of {n}", int((one.scaled >= SOLVED).sum()), **limit))
    for name, (_, _, expected, kind) in BY_HAND.items():
        right, source = ds.right.sel(by_hand=name).dropna("seed"), _source("theorem 3") if kind == "exact" else ""
        what = f"by hand, accuracy at 1 to {LONGEST_BY_HAND} tokens, {name}"
        found.append(Row(what, right, expected, kind=kind, source=source))
    return found


def _published(name: str, values: Any, chance: float) -> list[Row]:
    """Best of the first 3 nets, and the median of all, beside those of 3; the error is that of a test of 8192 words."""
    found = []
    why = "100,000 updates of 1024 words there" if name in DEEP else ""
    ours = {"best of 3 nets": float(np.max(values[:3])), f"median of {len(values)} nets": float(np.median(values))}
    for (what, number), published, table in zip(ours.items(), PUBLISHED[name], (3, 5), strict=True):
        p = chance + published * (1 - chance)
        error = (p * (1 - p) / 8192) ** 0.5 / (1 - chance)
        source = _source(f"table {table}")
        more: dict[str, Any] = {"kind": "published", "source": source, "error": error, "band": 0.0005, "why": why}
        found.append(Row(f"{name}, {what}", number, published, **more))
    return found


def _source(place: str) -> str:
    return f"grazzi2025, {place}"


LOOK = {  # colour and marker
    ("delta", "beta to 2"): ("vermillion", "s"),
    ("delta", "beta to 1"): ("orange", "D"),
    ("softmax", "beta to 1"): ("black", "X"),
    ("delta_product(2)", "beta to 2"): ("blue", "o"),
    ("delta_product(2)", "beta to 1"): ("sky", "P"),
}
PANELS = {"parity": ("parity",), "S3": ("S3", "S3 swaps"), "addition": ("addition mod 3", "addition mod 5")}
PANELS |= {"modular arithmetic": ("modular arithmetic",)}


def panels(ds: xr.Dataset) -> dict[str, list[str]]:
    """The systems of every panel that has some."""
    names = ds.system.values.tolist()
    found = {panel: [name for name in names if name.split(", ")[0] in tasks] for panel, tasks in PANELS.items()}
    return {panel: systems for panel, systems in found.items() if systems}


def figure(ds: xr.Dataset) -> Any:
    """A panel for each kind of task, accuracy against length; the last one shows the lowest eigenvalues."""
    from synfwp import plot

    shown = panels(ds)
    letters = "abcde"[: len(shown) + 1]
    lines = [letters] if len(shown) < 3 else ["abc", f"{letters[3:]:{letters[-1]}<3}"]
    fig, axes = plot.figure("double", 60 * len(lines), "\n".join(lines))
    for letter, (panel, systems) in zip(letters, shown.items(), strict=False):
        _against_length(ds.sel(system=systems), axes[letter], panel)
    _eigenvalues(ds, axes[letters[-1]])
    plot.letter(axes)
    return fig


def _against_length(ds: xr.Dataset, ax: Any, panel: str) -> None:
    """Seeds as thin lines, the best one thick, the lengths of training shaded."""
    from synfwp import plot

    with plot.style():
        ax.axvspan(*SHORT, color="0.92", linewidth=0, zorder=0)
        for name in ds.system.values.tolist():
            one = ds.sel(system=name).dropna("seed", subset=["scaled"])
            task, *look = name.split(", ")
            tint, dashes = plot.COLOURS[LOOK[look[0], look[1]][0]], "-" if task == PANELS[panel][0] else "--"
            percent = 100 * (one.accuracy - one.chance) / (1 - one.chance)
            ax.plot(one.length, percent.transpose("length", "seed"), dashes, color=tint, linewidth=0.4, alpha=0.5)
            best = percent.isel(seed=int(one.scaled.argmax("seed")))
            ax.plot(one.length, best, dashes, color=tint, label=_label(name, panel), zorder=3)
        ax.set_xlim(0, LONGEST)
        ax.set_ylim(-10, 103)
        ax.set_xticks([40, 128, 256])
        ax.set_xlabel(f"{panel} (tokens)")
        ax.set_ylabel("scaled accuracy (%)")
        plot.legend(ax)


def _eigenvalues(ds: xr.Dataset, ax: Any) -> None:
    """Scaled accuracy of every net against the lowest eigenvalue of its writes."""
    from synfwp import plot

    with plot.style():
        ax.axvline(0, color="0.45", linewidth=0.7, linestyle=(0, (3, 2)), zorder=1)
        for name in ds.system.values.tolist():
            one, look = ds.sel(system=name), name.split(", ")[1:]
            colour, marker = LOOK[look[0], look[1]]
            ax.scatter(
                one.lowest, 100 * one.scaled, s=8, marker=marker, color=plot.COLOURS[colour], linewidths=0,
                alpha=0.8, clip_on=False, zorder=3,
            )  # fmt: skip
        ax.set_xlim(-1.05, 1)
        ax.set_ylim(-10, 103)
        ax.set_xlabel(r"lowest eigenvalue, 1 - $\beta$")
        ax.set_ylabel("scaled accuracy (%)")


def _label(name: str, panel: str) -> str:
    """A system as it stands in the legend of a panel."""
    from synfwp.plot.parts import spell

    task, rule, bound = name.split(", ")
    text = (
        rule
        if rule == "softmax"
        else f"{spell(rule.removeprefix('delta_'))}, {bound}".replace("beta to", r"$\beta \leq$")
    )
    return ", ".join(part for part in (task.removeprefix(panel).strip(), text) if part)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    run = json.loads(ds.attrs["parameters"])
    shown = panels(ds)
    solved = (ds.scaled >= SOLVED).sum("seed")
    numbers = "; ".join(
        f"{name} {float(ds.scaled.sel(system=name).max('seed')):.3f}, "
        f"{int(solved.sel(system=name))} of {int(ds.scaled.sel(system=name).count())}"
        for name in ds.system.values.tolist()
    )
    last = "abcde"[len(shown)]
    tasks = dict.fromkeys(name.split(", ")[0] for name in ds.system.values.tolist())
    updates = ", ".join(f"{task} {sum(EARLIER.get(task, {}).values()) + run['steps'][task]}" for task in tasks)
    exact = {name: float(ds.right.sel(by_hand=name).mean()) for name in BY_HAND}
    by_hand = "; ".join(f"{name} {number:.3f}" for name, number in exact.items())
    text = f"""
        State tracking by linear recurrences (tasks and lengths of Grazzi et al. 2025 and Siems et al. 2025).
        {" ".join(f"({letter}) {panel}." for letter, panel in zip("abcd", shown, strict=False))} Accuracy after so many
        tokens, scaled: 0 is chance, 100 % no error; means of {BIN} tokens, {run["words"]} words that no net was
        trained on. Thin lines: nets; thick: the best; dashed: S_3 with swaps alone, and addition modulo 5; grey:
        lengths of training, 3 to 40 tokens. Updates: {updates}; {run["batch"]} words in each. Best scaled accuracy at
        40 to 256 tokens, and nets with at least {SOLVED:g}: {numbers}. A net that knows only whether a product in S_3
        is even or odd has {SIGN:.3f}. ({last}) The same accuracy of every net, colours as before, against the lowest
        eigenvalue of the transition of a single write (of the last layer), 1 - beta for unit keys; left of the dashed
        line a write turns a memory over. By hand, without training, accuracy at 1 to {LONGEST_BY_HAND} tokens:
        {by_hand}.
    """
    return " ".join(text.split())
