"""Differentiable plasticity: patterns are completed by learned Hebbian synapses (Miconi, Stanley & Clune 2018).

A recurrent network, ``h_t = tanh((W + alpha * A) h_{t-1} + 20 x_t)``, is shown binary patterns and then half of one,
the other half of its bits 0, and has to fill them in; every synapse changes by ``A <- (1 - eta) A + eta h_t h_{t-1}^T``
and how much of that counts is learned, synapse by synapse (alpha), with W and eta, by gradient descent. Two controls
are trained in the same way: one alpha for all synapses, and none (W alone). Two more are not trained: "alpha by hand",
W = 0 and one alpha for all at a fixed eta, and one read of the sum of outer products of the patterns (Hopfield).
Without memory, the rarer bit of the cue is the best guess at a missing one, since patterns are balanced.

As published, from the paper's code: the equations, inputs 20 times 1 or -1, balanced patterns of which half of the bits
of the cue are 0, two rounds of presentations of 6 steps with 4 of zeros between them, the squared error of the last
step alone, W and alpha from a normal distribution of standard deviation 0.01, eta from 0.01, single precision.

Ours: 50 bits and 3 patterns in that protocol (published: 1000 bits and 5 patterns; and 50 bits with 2 patterns, one
round, 3 steps and 1 of zeros, up to a million sequences), for which no numbers are published; no bias neuron
(published: one, "not needed for this task"); 8000 updates (W alone: 300) on 32 sequences each, the rate of Adam along a
half cosine from 3e-3 (published: 2000 on one sequence each, 3e-4); gradients clipped to a norm of 1; alpha = 1 at the
start where all synapses share it. The alpha by hand with the least squared error is chosen on other sequences.

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
    "no plasticity": {"alpha": "one", "eta": 0.0, "learn": False},
}
PLASTIC = ("own alpha", "one alpha")
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
    learning_rate: float = 3e-3  # of Adam
    eta: float = 0.01  # learning rate of the plasticity, and its decay, where training starts
    input_gain: float = 20.0  # factor of the inputs
    scale: float = 0.01  # standard deviation of W and alpha where training starts
    show: int = 6  # steps of a presentation
    gap: int = 4  # steps of zeros behind it
    cycles: int = 2  # rounds of presentations
    zeroed: float = 0.5  # share of the bits of the cue that are missing
    alphas: tuple[float, ...] = (0.05, 0.1, 0.15, 0.25, 0.35, 0.51, 0.55, 0.6, 0.65, 0.8, 1.0)  # by hand
    hand_eta: float = 0.0039  # eta of alpha by hand

    def task(self, patterns: int | None = None) -> PatternCompletion:
        """What is trained, or the same with another number of patterns."""
        shown: dict[str, Any] = {"cycles": self.cycles, "show": self.show, "gap": self.gap, "zeroed": self.zeroed}
        return PatternCompletion(d=self.d, patterns=patterns or self.patterns, **shown)


FULL = Size(d=50, patterns=3, seeds=5, steps=8000, static=300, batch=32, sequences=500)
QUICK = Size(30, 2, seeds=2, steps=250, static=60, batch=4, sequences=60, learning_rate=1e-2, alphas=(0.1, 0.51, 0.8))


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Train the nets of every rule and test them beside the untrained controls; ``quick`` does it with small nets."""
    every = range(seed, seed + size.seeds)
    trained = results.cells(cell, {"rule": list(RULES), "seed": every}, size=size)
    hand = results.cells(by_hand, {"alpha": list(size.alphas), "seed": every}, size=size)
    ds = xr.merge([trained, hand, results.cells(levels, {"seed": every}, size=size)])
    best = float(ds.alpha[int(np.argmin(ds.hand_choice.mean("seed").values))])
    ds["hand_best"] = ((), best, {"units": "1", "long_name": "alpha by hand with the least error on other sequences"})
    ds["alpha"].attrs |= {"units": "1", "long_name": "alpha by hand"}
    ds = ds.assign_attrs(results.provenance({"size": size._asdict(), "quick": quick}, seed))
    return results.compared(ds, rows)


def cell(size: Size, rule: str, seed: int) -> xr.Dataset:
    """One net with the plasticity of its rule, trained and tested."""
    fields: dict[str, Any] = {"eta": size.eta, "input_gain": size.input_gain, "scale": size.scale}
    network = fw.PlasticNetwork.differentiable(size.d, **fields | RULES[rule])
    steps = size.steps if network.learn else size.static
    usual: dict[str, Any] = {"batch": size.batch, "learning_rate": size.learning_rate, "dtype": np.float32}
    net = fw.train(network, size.task(), steps=steps, loss="squared", seed=seed, **usual)
    weights, frozen = net.programmer.weights(net.params), net.programmer.frozen(net.params)
    at, share = draw(size, seed, size.patterns), {"units": "1"}
    last = scores(network, net.params, at)
    ends = np.unique(np.linspace(0, size.steps, POINTS + 1).round().astype(int))
    parts = [net.history.loss.values[start:end] for start, end in pairwise(ends)]
    variables = {
        "missing": ((), size.task().wrong(at.x, last), share | {"long_name": "missing bits that are wrong"}),
        "bits": (
            (),
            float((np.sign(last[:, -1]) != at.target[:, -1]).mean()),
            share | {"long_name": "all bits that are wrong, as the authors count"},
        ),
        "frozen": (
            (),
            size.task().wrong(at.x, scores(network, frozen, at)),
            share | {"long_name": "missing bits that are wrong with eta = 0 after training"},
        ),
        "squared": ((), squared(last, at), share | {"long_name": "squared error of a bit at the last step"}),
        "eta": ((), float(weights["eta"]), share | {"long_name": "learning rate"}),
        "mean_alpha": ((), float(np.mean(weights.get("alpha", 0.0))), share | {"long_name": "mean alpha"}),
        "by_patterns": (
            "patterns",
            [wrong(size, network, net.params, seed, n) for n in PATTERNS],
            share | {"long_name": "missing bits that are wrong"},
        ),
        "loss": (
            "step",
            [float(part.mean()) if part.size else np.nan for part in parts],
            share | {"long_name": "loss"},
        ),
    }
    return results.dataset(variables, {"patterns": _patterns(), "step": ends[1:]})


def by_hand(size: Size, alpha: float, seed: int) -> xr.Dataset:
    """W = 0 and one alpha for all synapses at a fixed eta, tested as the nets are; nothing is trained."""
    network = fw.PlasticNetwork.differentiable(
        size.d, alpha="scalar", eta=size.hand_eta, learn=False, input_gain=size.input_gain
    )
    params, share = {"W": np.zeros((size.d, size.d)), "alpha": np.asarray(alpha)}, {"units": "1"}
    at, other = draw(size, seed, size.patterns), draw(size, seed, size.patterns, "choice")
    wrongs = [wrong(size, network, params, seed, n) for n in PATTERNS]
    variables = {
        "hand_error": ((), squared(scores(network, params, at), at), share | {"long_name": "squared error of a bit"}),
        "hand_choice": (
            (),
            squared(scores(network, params, other), other),
            share | {"long_name": "squared error of a bit on other sequences"},
        ),
        "hand_missing": (
            (),
            size.task().wrong(at.x, scores(network, params, at)),
            share | {"long_name": "missing bits that are wrong"},
        ),
        "hand_by_patterns": ("patterns", wrongs, share | {"long_name": "missing bits that are wrong"}),
    }
    return results.dataset(variables, {"patterns": _patterns()})


def levels(size: Size, seed: int) -> xr.Dataset:
    """What one Hopfield read and the best guess without memory leave wrong of the sequences that the nets see."""
    share, task, at = {"units": "1"}, size.task(), draw(size, seed, size.patterns)
    tests = [(size.task(n), draw(size, seed, n)) for n in PATTERNS]
    variables = {
        "hopfield": (
            "patterns",
            [one.wrong(batch.x, one.hopfield(batch.x)) for one, batch in tests],
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


def draw(size: Size, seed: int, patterns: int, name: str = "test") -> Batch:
    """Sequences that no training saw; all nets of a seed see the same."""
    return size.task(patterns)(seeds.generator(seed, name, patterns), size.sequences)


def scores(network: fw.PlasticNetwork, params: Any, batch: Batch) -> Any:
    """Activities of a net over the sequences of a batch."""
    return np.asarray(network.scores(params, batch.x))


def squared(found: Any, batch: Batch) -> float:
    """Squared error of a bit at the last step: what is trained, times two."""
    return float(np.square(found[:, -1] - batch.target[:, -1]).mean())


def wrong(size: Size, network: fw.PlasticNetwork, params: Any, seed: int, patterns: int) -> float:
    """Share of the missing bits whose sign is wrong at the last step, of so many patterns."""
    batch = draw(size, seed, patterns)
    return size.task(patterns).wrong(batch.x, scores(network, params, batch))


def _patterns() -> Any:
    return ("patterns", list(PATTERNS), {"units": "number", "long_name": "patterns shown"})


def rows(ds: xr.Dataset) -> list[Row]:
    """The table; nothing is published for this size. Nets and controls of a seed see the same sequences."""
    found, best = [], float(ds.hand_best)
    hand, hop = ds.sel(alpha=best), "hopfield1982"
    for rule in PLASTIC:
        one, name = ds.sel(rule=rule), f"squared error of a bit, {rule}"
        lost, squares, usual = f"wrong missing bits, {rule}", one.squared.values, ds.sel(alpha=0.51).hand_error.values
        found += [
            Row(f"{name}, against alpha = 0.51 by hand", squares, usual, "control", claim="below"),
            Row(f"{name}, against the best alpha by hand", squares, hand.hand_error.values, "control", claim="below"),
            Row(f"{lost}, against Hopfield", one.missing.values, ds.ideal.values, "control", hop, "above"),
            Row(f"wrong bits, all, {rule}", one.bits.values),
            Row(f"eta, {rule}", one.eta.values),
            Row(f"mean alpha, {rule}", one.mean_alpha.values),
        ]
        name = f"wrong missing bits with eta = 0, {rule}, against the best guess"
        found.append(Row(name, one.frozen.values, ds.guess.values, "ceiling", claim="above"))
    static = ds.missing.sel(rule="no plasticity").values
    name = "wrong missing bits, no plasticity, against the best guess"
    found.append(Row(name, static, ds.guess.values, "ceiling", claim="above"))
    found.append(Row("best alpha by hand", best))
    for alpha in ds.alpha.values.tolist():
        name, one = f"alpha = {alpha:g} by hand", ds.sel(alpha=alpha)
        found.append(Row(f"squared error of a bit, {name}", one.hand_error.values))
        known = (ds.ideal.values, "control", hop) if alpha <= READ else ()
        found.append(Row(f"wrong missing bits, {name}", one.hand_missing.values, *known))
    for n in SHOWN:
        at, name = ds.sel(patterns=n), f"wrong missing bits, {n} patterns"
        for rule in PLASTIC:
            values, against = at.by_patterns.sel(rule=rule).values, f"{name}, {rule}, against Hopfield"
            found.append(Row(against, values, at.hopfield.values, "control", hop, "above"))
        own, shared = (at.by_patterns.sel(rule=rule).values for rule in PLASTIC)
        found.append(Row(f"{name}, own alpha against one alpha", own, shared, "control", claim="below"))
        low = at.sel(alpha=0.1).hand_by_patterns.values
        found.append(Row(f"{name}, alpha = 0.1 by hand, against Hopfield", low, at.hopfield.values, "control", hop))
    return found


def figure(ds: xr.Dataset) -> Any:
    """Three panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 58, "abc")
    plot.learning_curve(ds[["loss"]], axes["a"], log=False)
    guess, name = float(ds.guess.mean()), "best guess"
    ax = plot.against(ds, axes["b"], variable="by_patterns", along="patterns", reference=guess, reference_label=name)
    hopfield, size = 100 * ds.hopfield.mean("seed").values, json.loads(ds.attrs["parameters"])["size"]
    with plot.style():
        axes["a"].set_ylim(0)
        ax.plot(PATTERNS, hopfield, color="black", marker="D", markerfacecolor="white", label="Hopfield", clip_on=False)
        ax.axvline(size["patterns"], color="0.45", linewidth=0.7, linestyle=":", zorder=0)
        ax.set_ylim(0, 60)
        plot.legend(ax)
        ax = axes["c"]
        bits = size["d"] / 2  # the loss of a squared error of a bit
        ax.plot(ds.alpha, bits * ds.hand_error.values, color="black", linewidth=0.4, alpha=0.4)
        ax.plot(ds.alpha, bits * ds.hand_error.mean("seed"), color="black", marker="s", label="by hand")
        for rule, colour in zip(PLASTIC, ("blue", "vermillion"), strict=True):  # as in the other panels
            for error in ds.squared.sel(rule=rule).values:
                ax.axhline(bits * error, color=plot.COLOURS[colour], linewidth=0.5)
            ax.plot([], [], color=plot.COLOURS[colour], label=rule)
        ax.set_ylim(0, bits * float(ds.hand_error.sel(alpha=max(ds.alpha.values)).max()) * 3)
        ax.set_xlabel("coefficient by hand (alpha)")
        ax.set_ylabel("loss")
        plot.legend(ax)
    plot.letter(axes)
    return fig


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size, mean = json.loads(ds.attrs["parameters"])["size"], ds.mean("seed")
    missing, error = (mean[name].to_series().to_dict() for name in ("missing", "squared"))
    best = float(ds.hand_best)
    text = f"""
        Patterns completed by learned Hebbian plasticity (Miconi, Stanley & Clune 2018), small version.
        {size["patterns"]} patterns of {size["d"]} bits are shown, then one with half of its bits at 0. Recurrent nets
        of {size["d"]} units, {size["seeds"]} net(s) (seeds) for each kind: with a learned coefficient of plasticity for
        every synapse (own alpha), with one for all (one alpha), both {size["steps"]} updates, and with slow weights
        alone (no plasticity, {size["static"]} updates); {size["batch"]} sequences in each update. (a) Loss during
        training: half the squared error of all bits at the last step, each point a mean of
        {size["steps"] // POINTS} updates. (b) Missing bits whose sign is wrong, for as many patterns as in training
        (dotted) and others, {size["sequences"]} sequences for each seed; thin lines: nets; filled symbols: their means;
        open: the sign of one read of the sum of outer products of the patterns; dashed: the best guess without memory,
        {100 * float(mean.guess):.1f} %. (c) Squared error of a bit at {size["patterns"]} patterns of untrained nets,
        W = 0, one alpha for all synapses and eta = {size["hand_eta"]:g} (black), least at alpha = {best:g}:
        {float(mean.hand_error.sel(alpha=best)):.4f}; lines: the trained nets, whose means are
        {error["own alpha"]:.4f} with own alphas and {error["one alpha"]:.4f} with one. At {size["patterns"]} patterns
        {100 * missing["own alpha"]:.2f} % of the missing bits are wrong with own alphas,
        {100 * missing["one alpha"]:.2f} % with one, {100 * missing["no plasticity"]:.1f} % without plasticity,
        {100 * float(mean.ideal):.2f} % in the Hopfield read. No numbers are published for this size.
    """
    return " ".join(text.split())
