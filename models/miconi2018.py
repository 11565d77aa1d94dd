"""Differentiable plasticity: patterns are completed by learned Hebbian synapses (Miconi, Stanley & Clune 2018).

A recurrent network, ``h_t = tanh((W + alpha * A) h_{t-1} + 20 x_t)``, is shown binary patterns and then half of one,
the other half of its bits 0, and has to fill them in; every synapse changes by ``A <- (1 - eta) A + eta h_t h_{t-1}^T``
and how much of that counts is learned, synapse by synapse (alpha), with W and eta, by gradient descent. Two controls
are trained in the same way: one alpha for all synapses, and none (W alone). The ideal is one read of the sum of outer
products of the patterns (Hopfield); without memory, the rarer bit of the cue is the best guess at a missing one, since
patterns are balanced.

As published: the equations, inputs 20 times 1 or -1, balanced patterns of which half of the bits of the cue are 0, two
rounds of presentations of 6 steps with 4 of zeros between them, the squared error of the last step alone, W and alpha
from a normal distribution of standard deviation 0.01, eta from 0.01.

Ours: the small size, 50 bits and 3 patterns (published: 1000 bits, 5 patterns), for which no numbers are published; no
bias neuron (published: one, "not needed for this task"); 1000 updates (W alone: 300) on 8 sequences each, the rate of
Adam along a half cosine from 3e-3 (published: 2000 on one sequence each, 3e-4); gradients clipped to a norm of 1;
alpha = 1 at the start where all synapses share it; double precision.

Cites: miconi2018, hopfield1982
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.settings import sized
from synfwp.tasks import Batch, PatternCompletion

# a coefficient for each synapse, one for all, none: the fields of the network that differ
RULES: dict[str, dict[str, Any]] = {
    "own alpha": {"alpha": "matrix"},
    "one alpha": {"alpha": "scalar"},
    "no plasticity": {"alpha": "one", "eta": 0.0, "learn": False},
}
PATTERNS = (1, 2, 3, 4, 6, 8)
SHOWN = (2, 8)  # of these, in the table
SMOOTH = 20  # steps that one point of a learning curve is the mean of


class Size(NamedTuple):
    """What is run: bits, patterns, nets for each rule, updates (without plasticity: less), batch, test sequences."""

    d: int  # bits of a pattern
    patterns: int  # patterns of a sequence in training
    nets: int  # nets of each rule, each with a seed of its own
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

    def task(self, patterns: int | None = None) -> PatternCompletion:
        """What is trained, or the same with another number of patterns."""
        shown: dict[str, Any] = {"cycles": self.cycles, "show": self.show, "gap": self.gap, "zeroed": self.zeroed}
        return PatternCompletion(d=self.d, patterns=patterns or self.patterns, **shown)


FULL = Size(d=50, patterns=3, nets=3, steps=1000, static=300, batch=8, sequences=500)
QUICK = Size(d=30, patterns=2, nets=1, steps=250, static=60, batch=4, sequences=200, learning_rate=1e-2)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Train the nets of every rule and test them; ``quick`` does it with one small net of each."""
    nets = [[train(size, rule, seed + net) for net in range(size.nets)] for rule in RULES]
    every = [net for row in nets for net in row]
    tests = [draw(size, seed, patterns) for patterns in PATTERNS]
    at = draw(size, seed, size.patterns)
    loss = results.padded([net.history.loss.values for net in every]).reshape(len(RULES), size.nets, -1)

    def cells(value: Any) -> Any:
        found = np.array([value(net) for net in every])
        return found.reshape(len(RULES), size.nets, *found.shape[1:])

    cell, share = ("rule", "seed"), {"units": "1"}
    wrong = cells(lambda net: [missed(net, size, test, n) for test, n in zip(tests, PATTERNS, strict=True)])
    variables: dict[str, Any] = {
        "missing": (
            cell,
            cells(lambda net: missed(net, size, at)),
            share | {"long_name": "missing bits that are wrong"},
        ),
        "bits": (cell, cells(lambda net: flipped(net, at)), share | {"long_name": "all bits that are wrong"}),
        "frozen": (
            cell,
            cells(lambda net: size.task().wrong(at.x, scores(net, at, net.programmer.frozen(net.params)))),
            share | {"long_name": "missing bits that are wrong with eta = 0 after training"},
        ),
        "error": (
            cell,
            cells(lambda net: net.error(at) / size.d),
            share | {"long_name": "squared error of a bit at the last step"},
        ),
        "eta": (
            cell,
            cells(lambda net: float(net.programmer.weights(net.params)["eta"])),
            share | {"long_name": "learning rate"},
        ),
        "by_patterns": ((*cell, "patterns"), wrong, share | {"long_name": "missing bits that are wrong"}),
        "hopfield": (
            "patterns",
            [size.task(n).wrong(b.x, size.task(n).hopfield(b.x)) for n, b in zip(PATTERNS, tests, strict=True)],
            share | {"long_name": "missing bits that are wrong, Hopfield"},
        ),
        "ideal": (
            (),
            size.task().wrong(at.x, size.task().hopfield(at.x)),
            share | {"long_name": "missing bits that are wrong, Hopfield, at the trained number of patterns"},
        ),
        "guess": (
            (),
            size.task().wrong(at.x, size.task().balance(at.x)),
            share | {"long_name": "missing bits that are wrong, best guess without memory"},
        ),
        "loss": ((*cell, "step"), loss, share | {"long_name": "loss"}),
        "trained_patterns": ((), size.patterns, share | {"long_name": "patterns of training"}),
    }
    coords = {
        "rule": list(RULES),
        "seed": range(seed, seed + size.nets),
        "patterns": ("patterns", list(PATTERNS), {"units": "number", "long_name": "patterns shown"}),
        "step": range(loss.shape[-1]),
    }
    settings = {"size": size._asdict(), "quick": quick}
    ds = results.dataset(variables, coords, **results.provenance(settings, seed))
    return results.compared(ds, table)


def train(size: Size, rule: str, seed: int) -> fw.Trained:
    """One net with the plasticity of its rule."""
    fields: dict[str, Any] = {"eta": size.eta, "input_gain": size.input_gain, "scale": size.scale}
    network = fw.PlasticNetwork.differentiable(size.d, **fields | RULES[rule])
    steps = size.steps if network.learn else size.static
    rate = size.learning_rate
    return fw.train(network, size.task(), steps=steps, batch=size.batch, learning_rate=rate, loss="squared", seed=seed)


def draw(size: Size, seed: int, patterns: int) -> Batch:
    """Sequences that no training saw; all nets see the same."""
    return size.task(patterns)(seeds.generator(seed, "test", patterns), size.sequences)


def scores(net: fw.Trained, batch: Batch, params: Any = None) -> Any:
    """Activities of a net, or of the same net with other parameters, over the sequences of a batch."""
    return np.asarray(net.programmer.scores(net.params if params is None else params, batch.x))


def missed(net: fw.Trained, size: Size, batch: Batch, patterns: int | None = None) -> float:
    """Share of the missing bits whose sign is wrong at the last step."""
    return size.task(patterns).wrong(batch.x, scores(net, batch))


def flipped(net: fw.Trained, batch: Batch) -> float:
    """Share of all bits whose sign is wrong at the last step, as the authors count."""
    return float((np.sign(scores(net, batch)[:, -1]) != batch.target[:, -1]).mean())


def table(ds: xr.Dataset) -> xr.Dataset:
    """The comparison that is printed: means over nets; nothing is published for this size."""
    mean = ds.mean("seed")
    rows: list[tuple[str, float, float]] = []
    guess, ideal = float(ds.guess), float(ds.ideal)
    exact = {"no plasticity": (", against the best guess", guess), "own alpha": (", against one Hopfield read", ideal)}
    for rule in RULES:
        one, (against, level) = mean.sel(rule=rule), exact.get(rule, ("", np.nan))
        rows.append((f"wrong missing bits, {rule}{against}", level, float(one.missing)))
        rows.append((f"wrong bits, all, {rule}", np.nan, float(one.bits)))
        rows.append((f"squared error of a bit, {rule}", np.nan, float(one.error)))
        if rule != "no plasticity":
            rows.append((f"wrong missing bits with eta = 0, {rule}, against the best guess", guess, float(one.frozen)))
            rows.append((f"eta, {rule}", np.nan, float(one.eta)))
        rows += [
            (f"wrong missing bits, {rule}, {n} patterns", np.nan, float(one.by_patterns.sel(patterns=n))) for n in SHOWN
        ]
    rows += [
        (f"wrong missing bits, one Hopfield read, {n} patterns", np.nan, float(ds.hopfield.sel(patterns=n)))
        for n in SHOWN
    ]
    return results.comparison(rows)


def figure(ds: xr.Dataset) -> Any:
    """Two panels."""
    from synfwp import plot

    fig, axes = plot.figure(122, 58, "ab")
    plot.learning_curve(ds[["loss"]].coarsen(step=SMOOTH, boundary="trim").mean(), axes["a"], log=False)
    guess, name = float(ds.guess), "best guess"
    ax = plot.against(ds, axes["b"], variable="by_patterns", along="patterns", reference=guess, reference_label=name)
    with plot.style():
        axes["a"].set_ylim(0)
        ideal = 100 * ds.hopfield.values
        ax.plot(PATTERNS, ideal, color="black", marker="D", markerfacecolor="white", label="Hopfield", clip_on=False)
        ax.axvline(float(ds.trained_patterns), color="0.45", linewidth=0.7, linestyle=":", zorder=0)
        ax.set_ylim(0, 60)
        plot.legend(ax)
    plot.letter(axes)
    return fig


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size, mean = json.loads(ds.attrs["parameters"])["size"], ds.mean("seed")
    missing, eta = (mean[name].to_series().to_dict() for name in ("missing", "eta"))
    text = f"""
        Patterns completed by learned Hebbian plasticity (Miconi, Stanley & Clune 2018), small version.
        {size["patterns"]} patterns of {size["d"]} bits are shown, then one with half of its bits at 0. Recurrent nets
        of {size["d"]} units, {size["nets"]} net(s) (seeds) for each kind: with a learned coefficient of plasticity for
        every synapse (own alpha), with one for all (one alpha), both {size["steps"]} updates, and with slow weights
        alone (no plasticity, {size["static"]} updates); {size["batch"]} sequences in each update. (a) Loss during
        training: half the squared error of all bits at the last step, each point a mean of {SMOOTH} updates. (b)
        Missing bits whose sign is wrong, for as many patterns as in training (dotted) and others, {size["sequences"]}
        sequences each; thin lines: nets; filled symbols: their means; open: the sign of one read of the sum of outer
        products of the patterns; dashed: the best guess without memory, {100 * float(ds.guess):.1f} %. At
        {size["patterns"]} patterns {100 * missing["own alpha"]:.2f} % of the missing bits are wrong with own alphas,
        {100 * missing["one alpha"]:.2f} % with one, {100 * missing["no plasticity"]:.1f} % without plasticity,
        {100 * float(ds.ideal):.2f} % in the Hopfield read.
        Learned eta: {eta["own alpha"]:.4f} and {eta["one alpha"]:.4f}. No numbers are published for this size.
    """
    return " ".join(text.split())
