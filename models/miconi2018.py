"""Differentiable plasticity: patterns are completed by learned Hebbian synapses (Miconi, Stanley & Clune 2018).

A recurrent network, ``h_t = tanh((W + alpha * A) h_{t-1} + 20 x_t)``, is shown binary patterns and then half of one,
the other half of its bits 0, and has to fill them in; every synapse changes by ``A <- (1 - eta) A + eta h_t h_{t-1}^T``
and how much of that counts is learned, synapse by synapse (alpha), with W and eta, by gradient descent. Two controls
are trained in the same way: one alpha for all synapses, and none (W alone). Two more are not trained: "alpha by hand",
W = 0 and one alpha for all at a fixed eta, and one read of the sum of outer products of the patterns (Hopfield).
Without memory, the rarer bit of the cue is the best guess at a missing one, since patterns are balanced. Over one step
of zeros activities alone carry the last pattern, so that 1 / 4 of the missing bits are wrong where 2 were shown.

As published, from the paper's code: the equations, inputs 20 times 1 or -1, balanced patterns of which half of the bits
of the cue are 0, the squared error of the last step alone, W and alpha from a normal distribution of standard deviation
0.01, single precision, and two protocols: two rounds of presentations of 6 steps with 4 of zeros between them, and one
round of 2 patterns of 50 bits, 3 steps and 1 of zeros. There, too, a net without plasticity learns "something", after
hundreds of thousands of sequences.

Ours: 50 bits and 3 patterns in the protocol of two rounds (published: 1000 and 5); no numbers are published for either
size. No bias neuron (published: one, "not needed for this task"); alphas of a unit to itself (published in one round:
none). 8000 updates of 32 sequences (in two rounds, W alone: 300), together 256000 (published: 2000 updates, and in one
round 100000 or 1000000, of one sequence); Adam along a half cosine from 3e-3 (published: 3e-4);
gradients clipped to a norm of 1 (published: no clipping); alpha = 1 at the start where all synapses share it. eta is
learned through its logarithm from 0.001 (published: itself, from 0.01): the error depends on the product of alpha and
eta above all, so that nets that start at 0.01 stay at a large eta, whose decay costs; and the gradient of eta itself is
some 50 times that of W, so that clipping would weigh each batch by it. Settings were chosen on seed 100, which is not
reported. The alpha (and eta) by hand with the least squared error is chosen on other sequences.

Cites: miconi2018, hopfield1982
"""

import json
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.results import Row
from synfwp.settings import sized
from synfwp.tasks import Batch, PatternCompletion

# a coefficient for each synapse, one for all, none: the fields of the network that differ
RULES: dict[str, dict[str, Any]] = {
    "own alpha": {"alpha": "matrix"},
    "one alpha": {"alpha": "scalar"},
    "no plasticity": {"alpha": "one", "eta": 0.0, "learn": False, "keep_sign": False},
}
PLASTIC = ("own alpha", "one alpha")
PROTOCOLS = ("two rounds", "one round")
PATTERNS = (1, 2, 3, 4, 6, 8)
SHOWN = (2, 8)  # of these, in the table
POINTS = 50  # of a learning curve
READ = 0.15  # an alpha by hand up to which the network is one read of its synapses, as a Hopfield read is


class Size(NamedTuple):
    """What is run: bits, patterns, nets for each rule, updates (without plasticity: less), batch, test sequences."""

    d: int  # bits of a pattern
    patterns: int  # patterns of a sequence in training
    seeds: int  # nets of each rule
    steps: int  # updates
    static: int  # updates of the net without plasticity
    batch: int  # sequences of an update
    sequences: int  # sequences of a test
    once: int  # updates of every net in the protocol of one round
    learning_rate: float = 3e-3  # of Adam
    eta: float = 0.001  # learning rate of the plasticity, and its decay, where training starts
    input_gain: float = 20.0  # factor of the inputs
    scale: float = 0.01  # standard deviation of W and alpha where training starts
    show: int = 6  # steps of a presentation
    gap: int = 4  # steps of zeros behind it
    cycles: int = 2  # rounds of presentations
    one_round: tuple[int, int, int, int] = (2, 1, 3, 1)  # patterns, rounds, steps, steps of zeros of the other protocol
    zeroed: float = 0.5  # share of the bits of the cue that are missing
    alphas: tuple[float, ...] = (  # by hand, at the first eta
        0.05,
        0.1,
        0.15,
        0.25,
        0.35,
        0.51,
        0.55,
        0.6,
        0.65,
        0.8,
        1.0,
        1.25,
        1.5,
        1.75,
        2.0,
        2.5,
    )
    hand_etas: tuple[float, ...] = (0.0039, 0.0005)  # eta of alpha by hand; the product with alpha stays

    def task(self, protocol: str, patterns: int | None = None) -> PatternCompletion:
        """What is trained in a protocol, or the same with another number of patterns."""
        numbers = (self.patterns, self.cycles, self.show, self.gap) if protocol == PROTOCOLS[0] else self.one_round
        shown, cycles, show, gap = numbers
        return PatternCompletion(self.d, patterns or shown, cycles, show, gap, self.zeroed)

    def updates(self, protocol: str, learn: bool) -> int:
        """Updates of a net with or without plasticity."""
        if protocol != PROTOCOLS[0]:
            return self.once
        return self.steps if learn else self.static


FULL = Size(d=50, patterns=3, seeds=5, steps=8000, static=300, batch=32, sequences=2000, once=8000)
QUICK = Size(
    30, 2, seeds=2, steps=250, static=60, batch=4, sequences=60, once=120, learning_rate=1e-2, eta=0.01,
    alphas=(0.1, 0.51, 0.8, 2.0),
)  # fmt: skip


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Train the nets of every rule and test them beside the untrained controls; ``quick`` does it with small nets."""
    grid = {"protocol": list(PROTOCOLS), "seed": range(seed, seed + size.seeds)}
    trained = results.cells(cell, {"rule": list(RULES), **grid}, size=size)
    ds = xr.merge([trained, results.cells(by_hand, grid, size=size), results.cells(levels, grid, size=size)])
    choice = ds.hand_choice.mean("seed")
    first, least = choice.isel(hand_eta=0).argmin("alpha"), choice.argmin(["hand_eta", "alpha"])
    found = {
        "hand_best": (ds.alpha[first], "alpha by hand with the least error on other sequences"),
        "hand_error_best": (ds.hand_error.isel(hand_eta=0, alpha=first), "squared error of a bit, that alpha"),
        "hand_error_least": (ds.hand_error.isel(least), "squared error of a bit, alpha and eta with the least error"),
    }
    for name, (values, words) in found.items():
        values = values.drop_vars(["alpha", "hand_eta"], errors="ignore")
        ds[name] = values.assign_attrs(units="1", long_name=words)
    ds = ds.assign_attrs(results.provenance({"size": size._asdict(), "quick": quick}, seed))
    return results.compared(ds, rows)


def cell(size: Size, rule: str, protocol: str, seed: int) -> xr.Dataset:
    """One net with the plasticity of its rule, trained and tested."""
    fields: dict[str, Any] = {"keep_sign": True, "eta": size.eta, "input_gain": size.input_gain, "scale": size.scale}
    network = fw.PlasticNetwork.differentiable(size.d, **fields | RULES[rule])
    task, steps = size.task(protocol), size.updates(protocol, network.learn)
    usual: dict[str, Any] = {"batch": size.batch, "learning_rate": size.learning_rate, "dtype": np.float32}
    net = fw.train(network, task, steps=steps, loss="squared", seed=seed, **usual)
    weights, frozen = net.programmer.weights(net.params), net.programmer.frozen(net.params)
    at, share = draw(size, task, seed), {"units": "1"}
    last = scores(network, net.params, at)
    ends = np.unique(np.linspace(0, size.updates(protocol, learn=True), POINTS + 1).round().astype(int))
    parts = [net.history.loss.values[start:end] for start, end in pairwise(ends)]
    variables = {
        "missing": ((), task.wrong(at.x, last), share | {"long_name": "missing bits that are wrong"}),
        "bits": (
            (),
            float((np.sign(last[:, -1]) != at.target[:, -1]).mean()),
            share | {"long_name": "all bits that are wrong, as the authors count"},
        ),
        "frozen": (
            (),
            task.wrong(at.x, scores(network, frozen, at)),
            share | {"long_name": "missing bits that are wrong with eta = 0 after training"},
        ),
        "squared": ((), squared(last, at), share | {"long_name": "squared error of a bit at the last step"}),
        "eta": ((), float(weights["eta"]), share | {"long_name": "learning rate"}),
        "mean_alpha": ((), float(np.mean(weights.get("alpha", 0.0))), share | {"long_name": "mean alpha"}),
        "by_patterns": (
            "patterns",
            [wrong(size, size.task(protocol, n), seed, network, net.params) for n in PATTERNS],
            share | {"long_name": "missing bits that are wrong"},
        ),
        "loss": (
            "step",
            [float(part.mean()) if part.size else np.nan for part in parts],
            share | {"long_name": "loss"},
        ),
    }
    return results.dataset(variables, {"patterns": _patterns(), "step": ends[1:]})


def by_hand(size: Size, protocol: str, seed: int) -> xr.Dataset:
    """W = 0 and one alpha for all synapses at a fixed eta, tested as the nets are; nothing is trained."""
    etas, task = size.hand_etas, size.task(protocol)
    at, other = draw(size, task, seed), draw(size, task, seed, "choice")
    tests = [size.task(protocol, n) for n in PATTERNS]
    zero, found = np.zeros((size.d, size.d), np.float32), np.empty((3, len(etas), len(size.alphas)))
    wrongs = np.full((len(size.alphas), len(PATTERNS)), np.nan)
    for i, eta in enumerate(etas):
        network = fw.PlasticNetwork.differentiable(
            size.d, alpha="scalar", eta=eta, learn=False, input_gain=size.input_gain
        )
        for j, alpha in enumerate(size.alphas):
            params = {"W": zero, "alpha": np.asarray(alpha * etas[0] / eta, np.float32)}
            here, there = scores(network, params, at), scores(network, params, other)
            found[:, i, j] = squared(here, at), squared(there, other), task.wrong(at.x, here)
            if i == 0 and alpha <= READ:
                wrongs[j] = [wrong(size, one, seed, network, params) for one in tests]
    share, dims = {"units": "1"}, ("hand_eta", "alpha")
    variables = {
        "hand_error": (dims, found[0], share | {"long_name": "squared error of a bit"}),
        "hand_choice": (dims, found[1], share | {"long_name": "squared error of a bit on other sequences"}),
        "hand_missing": (dims, found[2], share | {"long_name": "missing bits that are wrong"}),
        "hand_by_patterns": (
            ("alpha", "patterns"),
            wrongs,
            share | {"long_name": "missing bits that are wrong, low alpha"},
        ),
    }
    coords: dict[str, Any] = {
        "patterns": _patterns(),
        "alpha": ("alpha", list(size.alphas), share | {"long_name": "alpha by hand, at the first eta"}),
        "hand_eta": ("hand_eta", list(etas), share | {"long_name": "eta by hand, alpha in inverse proportion"}),
    }
    return results.dataset(variables, coords)


def levels(size: Size, protocol: str, seed: int) -> xr.Dataset:
    """What one Hopfield read and the best guess without memory leave wrong of the sequences that the nets see."""
    share, task = {"units": "1"}, size.task(protocol)
    tests, at = [size.task(protocol, n) for n in PATTERNS], draw(size, task, seed)
    seen = [(one, draw(size, one, seed).x) for one in tests]
    variables = {
        "hopfield": (
            "patterns",
            [one.wrong(x, one.hopfield(x)) for one, x in seen],
            share | {"long_name": "missing bits that are wrong, Hopfield"},
        ),
        "ideal": (
            (),
            task.wrong(at.x, task.hopfield(at.x)),
            share | {"long_name": "missing bits that are wrong, Hopfield, at the trained number of patterns"},
        ),
        "guess": (
            (),
            task.wrong(at.x, task.balance(at.x)),
            share | {"long_name": "missing bits that are wrong, best guess without memory"},
        ),
    }
    return results.dataset(variables, {"patterns": _patterns()})


def draw(size: Size, task: PatternCompletion, seed: int, name: str = "test") -> Batch:
    """Sequences that no training saw; all nets of a seed see the same."""
    return task(seeds.generator(seed, name, task.patterns), size.sequences)


def scores(network: fw.PlasticNetwork, params: Any, batch: Batch) -> Any:
    """Activities of a net over the sequences of a batch."""
    return np.asarray(network.scores(params, batch.x))


def squared(found: Any, batch: Batch) -> float:
    """Squared error of a bit at the last step: what is trained, times two."""
    return float(np.square(found[:, -1] - batch.target[:, -1]).mean())


def wrong(size: Size, task: PatternCompletion, seed: int, network: fw.PlasticNetwork, params: Any) -> float:
    """Share of the missing bits whose sign is wrong at the last step."""
    batch = draw(size, task, seed)
    return task.wrong(batch.x, scores(network, params, batch))


def _patterns() -> Any:
    return ("patterns", list(PATTERNS), {"units": "number", "long_name": "patterns shown"})


LAST = "the last pattern alone"


def rows(ds: xr.Dataset) -> list[Row]:
    """The table; nothing is published for these sizes. Nets and controls of a seed see the same sequences."""
    hop, found, (two, one) = "hopfield1982", [], (ds.sel(protocol=protocol) for protocol in PROTOCOLS)
    for rule in PLASTIC:
        usual = two.hand_error.sel(alpha=0.51).isel(hand_eta=0).values
        name, squares = f"squared error of a bit, {rule}", two.squared.sel(rule=rule).values
        found.append(Row(f"{name}, against alpha = 0.51 by hand", squares, usual, "control", claim="below"))
        found += _of_rule(two, rule)
    static = two.missing.sel(rule="no plasticity").values
    name = "wrong missing bits, no plasticity, against the best guess"
    found.append(Row(name, static, two.guess.values, "ceiling", claim="above"))
    found.append(Row("best alpha by hand", float(two.hand_best)))
    for alpha in ds.alpha.values.tolist():
        name, at = f"alpha = {alpha:g} by hand", two.sel(alpha=alpha).isel(hand_eta=0)
        found.append(Row(f"squared error of a bit, {name}", at.hand_error.values))
        known = (at.ideal.values, "control", hop) if alpha <= READ else ()
        found.append(Row(f"wrong missing bits, {name}", at.hand_missing.values, *known))
    for n in SHOWN:
        at, name = two.sel(patterns=n), f"wrong missing bits, {n} patterns"
        for rule in PLASTIC:
            values, against = at.by_patterns.sel(rule=rule).values, f"{name}, {rule}, against Hopfield"
            found.append(Row(against, values, at.hopfield.values, "control", hop, "above"))
        own, shared = (at.by_patterns.sel(rule=rule).values for rule in PLASTIC)
        found.append(Row(f"{name}, own alpha against one alpha", own, shared, "control", claim="below"))
        low = at.sel(alpha=0.1).hand_by_patterns.values
        found.append(Row(f"{name}, alpha = 0.1 by hand, against Hopfield", low, at.hopfield.values, "control", hop))
    for rule in PLASTIC:
        found += _of_rule(one, rule, ", one round")
    what = f"wrong missing bits, no plasticity, one round, against {LAST}"
    found.append(Row(what, one.missing.sel(rule="no plasticity").values, _last(ds), "theory"))
    return [*found, Row("best alpha by hand, one round", float(one.hand_best))]


def _of_rule(ds: xr.Dataset, rule: str, where: str = "") -> list[Row]:
    """What the nets of a rule reach in one protocol."""
    one, frozen = ds.sel(rule=rule), f"wrong missing bits with eta = 0, {rule}{where}, against"
    squares, hand = one.squared.values, f"squared error of a bit, {rule}{where}, against the best alpha"
    lost = f"wrong missing bits, {rule}{where}, against Hopfield"
    return [
        Row(f"{hand} by hand", squares, one.hand_error_best.values, "control", claim="below"),
        Row(f"{hand} and eta by hand", squares, one.hand_error_least.values, "control", claim="below"),
        Row(lost, one.missing.values, one.ideal.values, "control", "hopfield1982", "above"),
        Row(f"wrong bits, all, {rule}{where}", one.bits.values),
        Row(f"eta, {rule}{where}", one.eta.values),
        Row(f"mean alpha, {rule}{where}", one.mean_alpha.values),
        Row(f"{frozen} {LAST}", one.frozen.values, _last(ds), "theory")
        if where
        else Row(f"{frozen} the best guess", one.frozen.values, one.guess.values, "ceiling", claim="above"),
    ]


def _last(ds: xr.Dataset) -> float:
    """Wrong missing bits of who keeps the last pattern of one round alone, and guesses at the others."""
    shown = json.loads(ds.attrs["parameters"])["size"]["one_round"][0]
    return 0.5 * (shown - 1) / shown


def figure(ds: xr.Dataset) -> Any:
    """Four panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 58, "abcd", width_ratios=[1, 1.15, 1, 1])
    two, size = ds.sel(protocol=PROTOCOLS[0]), json.loads(ds.attrs["parameters"])["size"]
    plot.learning_curve(two[["loss"]].dropna("step", how="all"), axes["a"], log=False)
    guess, name = float(two.guess.mean()), "guess"
    ax = plot.against(two, axes["b"], variable="by_patterns", along="patterns", reference=guess, reference_label=name)
    hopfield = 100 * two.hopfield.mean("seed").values
    with plot.style():
        axes["a"].set_ylim(0)
        ax.plot(PATTERNS, hopfield, color="black", marker="D", markerfacecolor="white", label="Hopfield", clip_on=False)
        ax.axvline(size["patterns"], color="0.45", linewidth=0.7, linestyle=":", zorder=0)
        ax.set_ylim(0, 60)
        plot.legend(ax)
        for letter, protocol in zip("cd", PROTOCOLS, strict=True):
            _errors(ds.sel(protocol=protocol), axes[letter], size["d"] / 2)  # the loss of a squared error of a bit
    plot.letter(axes)
    return fig


def _errors(ds: xr.Dataset, ax: Any, bits: float) -> None:
    """Losses of alphas by hand, and of the nets as lines, in one protocol."""
    from synfwp import plot

    shown = ds.sel(alpha=ds.alpha <= 2 * ds.hand_best)
    for eta, face in zip(ds.hand_eta.values.tolist(), ("black", "white"), strict=True):
        errors = bits * shown.hand_error.sel(hand_eta=eta).mean("seed")
        ax.plot(shown.alpha, errors, color="black", marker="s", markerfacecolor=face, label=f"eta = {eta:g}")
    for rule, colour in zip(PLASTIC, ("blue", "vermillion"), strict=True):  # as in the other panels
        for error in ds.squared.sel(rule=rule).values:
            ax.axhline(bits * error, color=plot.COLOURS[colour], linewidth=0.5)
        ax.plot([], [], color=plot.COLOURS[colour], label=rule)
    ax.set_ylim(0, bits * min(0.5, 8 * float(ds.hand_error_best.mean())))  # 0.5: where missing bits are left at 0
    ax.set_xlabel("coefficient by hand (alpha)")
    ax.set_ylabel("loss")
    ax.text(0.97, 0.95, str(ds.protocol.values), transform=ax.transAxes, ha="right", va="top")
    plot.legend(ax)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size, mean = json.loads(ds.attrs["parameters"])["size"], ds.mean("seed")
    two, one = (mean.sel(protocol=protocol) for protocol in PROTOCOLS)
    missing, error, once = (x.to_series().to_dict() for x in (two.missing, two.squared, one.squared))
    patterns, _, show, gap = size["one_round"]
    text = f"""
        Patterns completed by learned Hebbian plasticity (Miconi, Stanley & Clune 2018), small version.
        {size["patterns"]} patterns of {size["d"]} bits are shown in two rounds, then one with half of its bits at 0.
        Recurrent nets of {size["d"]} units, {size["seeds"]} net(s) (seeds) for each kind: with a learned coefficient of
        plasticity for every synapse (own alpha), with one for all (one alpha), both {size["steps"]} updates, and with
        slow weights alone (no plasticity, {size["static"]} updates); {size["batch"]} sequences in each update.
        (a) Loss during training: half the squared error of all bits at the last step, each point a mean of
        {size["steps"] // POINTS} updates. (b) Missing bits whose sign is wrong, for as many patterns as in training
        (dotted) and others, {size["sequences"]} sequences for each seed; thin lines: nets; filled symbols: their means;
        open: the sign of one read of the sum of outer products of the patterns; dashed: the best guess without memory,
        {100 * float(two.guess):.1f} %. (c) Loss at {size["patterns"]} patterns of untrained nets, W = 0, one alpha for
        all synapses, at two eta (at the second, alpha is {size["hand_etas"][0] / size["hand_etas"][1]:g} times that of
        the axis); lines: the trained nets. The least squared error of a bit by hand is
        {float(two.hand_error_best):.4f} at the first eta and {float(two.hand_error_least):.4f} at any; that of the
        trained nets is {error["own alpha"]:.4f} with own alphas and {error["one alpha"]:.4f} with one (means).
        At {size["patterns"]} patterns {100 * missing["own alpha"]:.2f} % of the missing bits are wrong with own alphas,
        {100 * missing["one alpha"]:.2f} % with one, {100 * missing["no plasticity"]:.1f} % without plasticity,
        {100 * float(two.ideal):.2f} % in the Hopfield read. (d) The same for nets trained with one round, {patterns}
        patterns, {show} steps and {gap} of zeros, {size["once"]} updates each: least by hand
        {float(one.hand_error_least):.4f}, own alphas {once["own alpha"]:.4f}, one {once["one alpha"]:.4f}. No numbers
        are published for these sizes.
    """
    return " ".join(text.split())
