"""Attention by short-term Hebbian potentiation: match, then control (Ellwood 2024), with a point neuron.

In a match window a query makes a neuron fire. Of 150 axons one fires in step with it, and the synapse of that axon
collects more coincidences than others. What is collected passes through a steep threshold and multiplies the synapse
by up to 8, so that in the control window that follows the axon drives the neuron, and through it passes on its
spikes.

As published (paper, and the code and data that the author put beside it): 150 axons, the query and what an axon sends
in the control window are Poisson trains of 6 Hz with 50 ms dead time; match windows of 0.5, 1 and 2 s, then 0.5 s
without spikes, then 1 s; the matched axon fires 7 ms before the query; the collected g decays with 20 s, is low-pass
filtered with 500 ms and multiplies the weight by ``1 + 7 s(20 (g / threshold - 1))``, s the logistic function; the
threshold is what one of the 149 other axons passes in a tenth of the trials; a spike of the axon controls if the
neuron fires within 20 ms, and a spike of the neuron is spurious if the axon has not fired in the 20 ms before. The
published fractions, with standard errors over 1000 trials, are those of a neuron with 1500 spines in NEURON, where g
is the integral of calcium to the fourth power.

Ours: here g is a pair rule, ``exp(-s / 5.6) - exp(-s / 4)`` of the time s (ms) since a presynaptic spike that arrives
2.3 ms late, which was fitted to the author's average over spines, peak 7 ms; once as it is, and once with the
variability of that data ("variable": a factor per synapse, standard deviation 0.094, and one per coincidence, 0.23). A
leaky integrate-and-fire neuron takes the place of the dendrite: membrane 3 ms, currents 0.5 ms, one axon 3.7 mV,
threshold 15 mV, and a constant current that cancels the mean of the axons. These numbers were chosen so that a fully
potentiated axon controls nearly always and the background alone fires the neuron rarely; the fractions were not
fitted. Potentiation is brought up to date every 50 ms. The linear reading multiplies by ``1 + 7 g / <g of matched
axons>``.

Cites: ellwood2024
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.settings import sized

BEFORE, STRETCH = 50.0, 50.0  # ms before the match window; ms between updates of the synapses
PUBLISHED = {500: (0.336, 0.014), 1000: (0.683, 0.013), 2000: (0.913, 0.007)}  # control: mean, standard error
UNKNOWN = (np.nan, np.nan)
SPURIOUS = {500: 0.145, 1000: 0.115, 2000: 0.110}
SYNAPSES = {"equal": (0.0, 0.0), "variable": (0.094, 0.23)}  # standard deviations over synapses and over coincidences
LAGS = np.arange(-20.0, 40.5, 0.5)
STYLES = {"threshold": ("vermillion", "o"), "linear": ("blue", "s")}


class Size(NamedTuple):
    """Trials for each match window (ms) and for each share of matched spikes; the numbers of axons and neuron."""

    trials: int  # trials for each match window
    windows: tuple[int, ...]  # ms: match windows
    share_trials: int  # trials for each share
    shares: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)  # shares of the query's spikes that the axon matches
    axons: int = 150  # axons of a neuron
    rate: float = 6.0  # Hz: rate of the query and of the axons
    dead: float = 50.0  # ms: dead time of their trains
    lead: float = 7.0  # ms: the matched axon fires so long before the query
    gap: float = 500.0  # ms: silence between the windows
    lasts: float = 1000.0  # ms: control window
    reaction: float = 20.0  # ms: a spike of the neuron that comes so soon is controlled
    rise: float = 4.0  # ms: rise of what a coincidence collects, with the time since the axon's spike
    fall: float = 5.6  # ms: its fall
    delay: float = 2.3  # ms: delay of the axon's spike to it
    memory: float = 20_000.0  # ms: decay of what was collected
    low_pass: float = 500.0  # ms: filter of what was collected
    steepness: float = 20.0  # slope of the threshold
    potentiation: float = 7.0  # largest potentiation, in weights without it
    tau_m: float = 3.0  # ms: membrane
    tau_syn: float = 0.5  # ms: synaptic currents
    v_threshold: float = 17.1  # mV: above rest, from the rate without potentiation (at the head)
    efficacy: float = 3.7  # mV: one spike of an axon

    def check(self) -> None:
        """Trains with a dead time have a rate below one over it, and at most one coincidence an update."""
        if not 0 < self.rate * self.dead < 1000:
            raise ValueError(
                f"rate is {self.rate:g} Hz with dead={self.dead:g} ms; pass rates above 0 and below 1000 / dead."
            )
        if self.axons < 2:
            raise ValueError(f"axons is {self.axons}; pass at least 2, one that matches and one that does not.")


FULL = Size(trials=1000, windows=(500, 1000, 2000), share_trials=300)
QUICK = Size(trials=60, windows=(500, 1000), share_trials=30, shares=(0.0, 0.5, 1.0))


class Stimulus(NamedTuple):
    """Spikes of many trials: times (ms) and trials of the query, times and axons (the first of each trial matched)."""

    size: Size
    trials: int
    window: float
    query_time: np.ndarray
    query: np.ndarray
    time: np.ndarray
    axon: np.ndarray

    @property
    def control(self) -> float:
        """Start of the control window."""
        return BEFORE + self.window + self.size.gap


class Run(NamedTuple):
    """What was collected by (trial, axon) before the control window, and times and trials of the neuron's spikes."""

    g: np.ndarray
    time: np.ndarray
    trial: np.ndarray


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """The kernel, control against the match window, and thresholded against linear reading."""
    size.check()
    parts = [kernel(size), windows(size, seed), readings(size, seed)]
    settings = {"size": size._asdict(), "quick": quick}
    ds = xr.merge(parts, join="exact", combine_attrs="no_conflicts").assign_attrs(results.provenance(settings, seed))
    return results.compared(ds, table)


def rule(size: Size) -> fw.SynapticRule:
    """Coincidences are collected at spikes of the neuron; one at the best lag counts 1."""
    rise, fall = size.rise, size.fall
    since = np.log(fall / rise) * rise * fall / (fall - rise)
    top = np.exp(-since / fall) - np.exp(-since / rise)
    traces: dict[str, Any] = {"tau_x1": fall, "tau_x2": rise, "tau_w": size.memory}
    return fw.SynapticRule(name="coincidence", post_x=1 / top, post_x2=-1 / top, cite="ellwood2024", **traces)


def circuit(stimulus: Stimulus) -> fw.Circuit:
    """One neuron a trial, its axons twice: what they collect and what they transmit; the query fires the neuron."""
    n, size = stimulus.trials, stimulus.size
    drive = -size.axons * size.rate * 1e-3 * size.efficacy * size.tau_m
    neuron = cell(size, t_ref=2.0)
    neurons = fw.Population(n, neuron, name="neurons", drive=drive)
    axons = fw.SpikeSource(n * size.axons, stimulus.time, stimulus.axon, name="axons")
    query = fw.SpikeSource(n, stimulus.query_time, stimulus.query, name="query")
    unit = size.tau_m / size.tau_syn  # current whose area moves the membrane by 1 mV
    collects: dict[str, Any] = {"receptor": "none", "delay": size.delay, "plasticity": rule(size), "name": "collected"}
    fires = scipy.sparse.eye_array(n, format="csr") * (20 * size.v_threshold * unit)
    return fw.Circuit(
        [
            fw.Projection(axons, neurons, each(n, size.axons, 0.0), **collects),
            fw.Projection(axons, neurons, each(n, size.axons, size.efficacy * unit), name="synapses"),
            fw.Projection(query, neurons, fires, name="drive"),
        ]
    )


def cell(size: Size, **more: Any) -> fw.LIF:
    """The neuron that stands for a dendrite."""
    return fw.LIF(tau_m=size.tau_m, tau_syn=size.tau_syn, v_rest=0.0, v_reset=0.0, v_threshold=size.v_threshold, **more)


def each(n: int, axons: int, weight: Any) -> scipy.sparse.csr_array:
    """Weights from so many axons each to n neurons."""
    ends = np.arange(n * axons + 1)
    data = np.broadcast_to(np.asarray(weight, float), (n * axons,)).copy()
    return scipy.sparse.csr_array((data, np.repeat(np.arange(n), axons), ends), shape=(n * axons, n))


def trains(size: Size, rng: np.random.Generator, n: int, start: float, stop: float) -> tuple[np.ndarray, np.ndarray]:
    """Times and owners of n Poisson trains with dead time."""
    waits = rng.exponential(1e3 / size.rate - size.dead, (n, int((stop - start) / size.dead) + 2))
    waits[:, 1:] += size.dead
    times = start + np.cumsum(waits, axis=1)
    owner, _ = inside = np.nonzero(times < stop)
    return times[inside], owner


def stimuli(size: Size, rng: np.random.Generator, trials: int, window: float, share: float = 1.0) -> Stimulus:
    """Trials in which the first axon matches a share of the query's spikes."""
    end, axons = BEFORE + window, size.axons
    query_time, query = trains(size, rng, trials, BEFORE, end)
    time, axon = trains(size, rng, trials * axons, BEFORE, end)
    later, later_axon = trains(size, rng, trials * axons, end + size.gap, end + size.gap + size.lasts)
    matched = rng.random(len(query)) < share
    # what the axon does not match it fires at other times
    own = np.where(axon % axons == 0, rng.random(len(axon)) >= share, True)
    time = np.concatenate([time[own], query_time[matched] - size.lead, later]).round(1)
    axon = np.concatenate([axon[own], query[matched] * axons, later_axon])
    _, first = np.unique(np.stack([axon, np.round(10 * time)]), axis=1, return_index=True)
    order = first[np.argsort(time[first], kind="stable")]
    sent = np.argsort(query_time, kind="stable")
    return Stimulus(size, trials, window, query_time[sent].round(1), query[sent], time[order], axon[order])


def run(
    stimulus: Stimulus, rng: np.random.Generator, synapses: str, gain: Callable[[np.ndarray], np.ndarray] | None = None
) -> Run:
    """Trials with synapses multiplied by ``gain`` of what they collected; without it, the match window alone."""
    size = stimulus.size
    n = stimulus.trials * size.axons
    spread, jitter = SYNAPSES[synapses]
    factor = np.maximum(0, 1 + spread * rng.standard_normal(n))
    simulation = circuit(stimulus).start(seed=0)
    end = BEFORE + stimulus.window + 50 if gain is None else stimulus.control + size.lasts + 50
    keep, follow = np.exp(-STRETCH / size.memory), np.exp(-STRETCH / size.low_pass)
    g, slow, seen, matched, spikes = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), []
    for _ in range(round(end / STRETCH)):
        spikes.append(simulation.run(STRETCH))
        now = np.asarray(simulation.weights("collected").data)
        # at most one coincidence a stretch, by the dead time
        new = (now - seen * keep) * factor * np.maximum(0, 1 + jitter * rng.standard_normal(n))
        middle, g, seen = g + (new - (1 - keep) * g) / 2, g * keep + new, now
        slow = middle + (slow - middle) * follow
        matched = g if simulation.time <= stimulus.control else matched
        if gain is not None:
            weight = size.efficacy * size.tau_m / size.tau_syn * gain(slow)
            simulation.set_weights("synapses", each(stimulus.trials, size.axons, weight))
    time, trial = (np.concatenate(part) for part in zip(*(fw.spikes(ds, "neurons") for ds in spikes), strict=True))
    return Run(matched.reshape(stimulus.trials, size.axons), 1e3 * time, trial)


def threshold_of(g: np.ndarray) -> float:
    """What one of the axons that do not match passes in a tenth of the trials."""
    return float(np.quantile(g[:, 1:].max(axis=1), 0.9))


def thresholded(size: Size, threshold: float) -> Callable[[np.ndarray], np.ndarray]:
    """The published reading."""
    return lambda g: 1 + size.potentiation / (1 + np.exp(-size.steepness * (g / threshold - 1)))


def linear(size: Size, full: float) -> Callable[[np.ndarray], np.ndarray]:
    """Potentiation in proportion to what was collected, the largest for the mean of matched axons."""
    return lambda g: 1 + size.potentiation * g / full


def score(stimulus: Stimulus, found: Run, axon: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """By trial: fraction of an axon's spikes that control the neuron, and of the neuron's that are spurious."""
    n, far, start = stimulus.trials, 1e6, stimulus.control
    axons, reaction = stimulus.size.axons, stimulus.size.reaction
    sends = (stimulus.axon % axons == axon) & (stimulus.time >= start)
    sender, fires = stimulus.axon[sends] // axons, found.time > start
    sent = np.sort(sender * far + stimulus.time[sends])
    fired = np.sort(found.trial[fires] * far + found.time[fires])
    after = np.append(fired, np.inf)[np.searchsorted(fired, sent - 1e-6)] - sent <= reaction + 1e-6
    before = fired - np.append(-np.inf, sent)[np.searchsorted(sent, fired + 1e-6)] > reaction + 1e-6
    sender, owner = (sent // far).astype(int), (fired // far).astype(int)
    counts = np.bincount(sender, minlength=n), np.bincount(owner, minlength=n)
    control = np.bincount(sender, after, minlength=n) / np.maximum(counts[0], 1)
    return np.where(counts[0] == 0, 1.0, control), np.bincount(owner, before, minlength=n) / np.maximum(counts[1], 1)


def kernel(size: Size) -> xr.Dataset:
    """What one pair of spikes collects, by how long the neuron fires after the axon."""
    n, pre = len(LAGS), 50.0
    axons = fw.SpikeSource(n, np.full(n, pre), np.arange(n), name="axons")
    order = np.argsort(LAGS)
    # a neuron fires one step after the spike that drives it
    query = fw.SpikeSource(n, pre + LAGS[order] - 0.1, order, name="query")
    neurons = fw.Population(n, cell(size), name="neurons")
    collects: dict[str, Any] = {"receptor": "none", "delay": size.delay, "plasticity": rule(size), "name": "g"}
    collected = fw.Projection(axons, neurons, np.zeros((n, n)), **collects)
    fires = np.eye(n) * 20 * size.v_threshold * size.tau_m / size.tau_syn
    drive = fw.Projection(query, neurons, fires, name="drive")
    simulation = fw.Circuit([collected, drive]).start()
    simulation.run(100.0)
    g = np.diagonal(simulation.weights("g")).copy()
    lag = ("lag", LAGS, {"units": "ms", "long_name": "neuron fires after axon"})
    attrs = {"units": "1", "long_name": "collected by a pair"}
    return results.dataset({"collected": ("lag", g, attrs)}, {"lag": lag})


def windows(size: Size, seed: int) -> xr.Dataset:
    """Control after match windows of each length, with equal and with variable synapses."""
    shape = (len(SYNAPSES), len(size.windows), size.trials)
    control, spurious, query = np.zeros(shape), np.zeros(shape), np.zeros(shape, int)
    threshold, matched = np.zeros(shape[:2]), np.zeros(shape[:2])
    for w, window in enumerate(size.windows):
        first, second = (
            stimuli(size, seeds.generator(seed, name, window), size.trials, window) for name in ("match", "test")
        )
        for s, name in enumerate(SYNAPSES):
            noise = seeds.generator(seed, "noise", window, name)
            g = run(first, noise, name).g
            threshold[s, w] = threshold_of(g)
            matched[s, w] = (g[:, 0] > threshold[s, w]).mean()
            control[s, w], spurious[s, w] = score(second, run(second, noise, name, thresholded(size, threshold[s, w])))
            query[s, w] = np.bincount(second.query, minlength=size.trials)
    cell, share = ("synapses", "window"), {"units": "1"}
    found = {
        "control": ((*cell, "trial"), control, share | {"long_name": "spikes of the matched axon that control"}),
        "spurious": ((*cell, "trial"), spurious, share | {"long_name": "spikes of the neuron that are spurious"}),
        "query": ((*cell, "trial"), query, share | {"long_name": "spikes of the query"}),
        "threshold": (cell, threshold, share | {"long_name": "threshold, in coincidences at the best lag"}),
        "matched": (cell, matched, share | {"long_name": "trials in which the matched axon passes the threshold"}),
    }
    coords = {"synapses": ("synapses", list(SYNAPSES)), "trial": range(size.trials)}
    lengths = ("window", [1e-3 * w for w in size.windows], {"units": "s", "long_name": "match window"})
    return results.dataset(found, {**coords, "window": lengths})


def readings(size: Size, seed: int) -> xr.Dataset:
    """Thresholded and linear reading of the same collected coincidences, by the share of matched spikes (1 s)."""
    window, n = 1000.0, size.share_trials
    g = run(
        stimuli(size, seeds.generator(seed, "reading"), 3 * n, window),
        seeds.generator(seed, "reading noise"),
        "variable",
    ).g
    gains = {"threshold": thresholded(size, threshold_of(g)), "linear": linear(size, float(g[:, 0].mean()))}
    shape = (len(gains), len(size.shares))
    control, another, axons = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    ranks = np.full((len(gains), min(30, size.axons)), np.nan)
    for m, share in enumerate(size.shares):
        stimulus = stimuli(size, seeds.generator(seed, "share", share), n, window, share)
        for r, gain in enumerate(gains.values()):
            found = run(stimulus, seeds.generator(seed, "share noise", share), "variable", gain)
            control[r, m], another[r, m] = (score(stimulus, found, axon)[0].mean() for axon in (0, size.axons // 2))
            more = gain(found.g) - 1
            axons[r, m] = (more.sum(axis=1) ** 2 / (more**2).sum(axis=1)).mean()
            if share == 1:
                ranks[r] = np.sort(more, axis=1)[:, : -ranks.shape[1] - 1 : -1].mean(axis=0)
    cell, one = ("reading", "share"), {"units": "1"}
    found_: dict[str, Any] = {
        "share_control": (cell, control, one | {"long_name": "spikes of the matched axon that control"}),
        "share_another": (cell, another, one | {"long_name": "spikes of another axon that control"}),
        "axons": (cell, axons, one | {"long_name": "axons that share the potentiation"}),
        "ranks": (("reading", "rank"), ranks, one | {"long_name": "potentiation"}),
    }
    share_at = ("share", list(size.shares), one | {"long_name": "matched spikes of the query"})
    rank = ("rank", np.arange(1, ranks.shape[1] + 1), one | {"long_name": "axon, by potentiation"})
    return results.dataset(found_, {"reading": ("reading", list(gains)), "share": share_at, "rank": rank})


def table(ds: xr.Dataset) -> xr.Dataset:
    """The comparison that is printed."""
    peak = float(ds.lag[int(ds.collected.values.argmax())])
    early = float(ds.collected.sel(lag=slice(None, 0.0)).max())
    rows = [("lag of the most coincidence (ms)", 7.0, peak), ("coincidence at lags up to 0, largest", 0.0, early)]
    for name in SYNAPSES:
        for window in ds.window.values:
            cell, known = ds.sel(synapses=name, window=window), round(1e3 * window)
            label = f"{name} synapses, {window:g} s"
            rows.append((f"spikes that control, {label}", PUBLISHED.get(known, UNKNOWN)[0], float(cell.control.mean())))
            error = float(cell.control.std() / cell.sizes["trial"] ** 0.5)
            rows.append((f"spikes that control, {label}, standard error", PUBLISHED.get(known, UNKNOWN)[1], error))
            rows.append((f"spurious spikes, {label}", SPURIOUS.get(known, np.nan), float(cell.spurious.mean())))
            rows.append((f"trials in which the matched axon passes, {label}", np.nan, float(cell.matched)))
    for reading in ds.reading.values:
        one = ds.sel(reading=reading)
        for share in (x for x in (0.5, 1.0) if x in ds.share):
            label = f"{reading}, {100 * share:g} % matched"
            rows.append((f"spikes that control, {label}", np.nan, float(one.share_control.sel(share=share))))
            rows.append(
                (f"spikes of another axon that control, {label}", np.nan, float(one.share_another.sel(share=share)))
            )
        if 1.0 in ds.share:
            rows.append((f"axons that share the potentiation, {reading}", np.nan, float(one.axons.sel(share=1.0))))
    return results.comparison(rows)


def figure(ds: xr.Dataset) -> Any:
    """Four panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 58, "abcd")
    with plot.style():
        axes["a"].plot(ds.lag, ds.collected, color=plot.COLOURS["black"])
        lead = json.loads(ds.attrs["parameters"])["size"]["lead"]
        axes["a"].axvline(lead, color="0.45", linewidth=0.7, linestyle=":", label=f"{lead:g} ms")
        axes["a"].set_ylim(0)
        axes["a"].set_xlabel("neuron after axon (ms)")
        axes["a"].set_ylabel("collected by a pair (1)")
        plot.legend(axes["a"])
    _windows(ds, axes["b"])
    _shares(ds, axes["c"])
    with plot.style():
        for reading, (colour, marker) in STYLES.items():
            line = ds.ranks.sel(reading=reading)
            axes["d"].plot(ds["rank"], line, color=plot.COLOURS[colour], marker=marker, markersize=2.5, label=reading)
        axes["d"].set_xlabel("axon, by potentiation (rank)")
        axes["d"].set_ylabel("potentiation (times the weight)")
        axes["d"].set_ylim(0)
        plot.legend(axes["d"])
    plot.letter(axes)
    return fig


def _windows(ds: xr.Dataset, ax: Any) -> None:
    """Spikes that control against the match window, next to the published ones."""
    from synfwp import plot

    with plot.style():
        for name, colour, marker in (("equal", "sky", "s"), ("variable", "vermillion", "o")):
            cell = ds.control.sel(synapses=name)
            error = cell.std("trial") / cell.sizes["trial"] ** 0.5
            mean = cell.mean("trial")
            plot.points(ax, ds.window.values, 100 * mean, 100 * error, label=name, colour=colour, marker=marker)
            ax.plot(ds.window, 100 * mean, color=plot.COLOURS[colour], linewidth=0.7)
        known = np.array(list(PUBLISHED.values()))
        at = 1e-3 * np.array(list(PUBLISHED))
        plot.points(ax, at, 100 * known[:, 0], 100 * known[:, 1], label="published", colour="black", marker="D")
        ax.set_ylim(0, 105)
        ax.set_xlim(0.3, 2.2)
        ax.set_xlabel("match window (s)")
        ax.set_ylabel("spikes that control (%)")
        plot.legend(ax)


def _shares(ds: xr.Dataset, ax: Any) -> None:
    """Spikes that control, of the matched axon and of another, against the share of matched spikes."""
    from synfwp import plot

    with plot.style():
        for reading, (colour, marker) in STYLES.items():
            cell = ds.sel(reading=reading)
            ax.plot(100 * ds.share, 100 * cell.share_control, color=plot.COLOURS[colour], marker=marker, label=reading)
            ax.plot(100 * ds.share, 100 * cell.share_another, color=plot.COLOURS[colour], linestyle=":", linewidth=0.9)
        ax.plot([], [], color="0.3", linestyle=":", linewidth=0.9, label="another axon")
        ax.set_ylim(0, 105)
        ax.set_xlabel("matched query spikes (%)")
        ax.set_ylabel("spikes that control (%)")
        plot.legend(ax)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = json.loads(ds.attrs["parameters"])["size"]
    control = ds.control.mean("trial")
    by = "; ".join(
        f"{name} " + ", ".join(f"{100 * float(x):.1f}" for x in control.sel(synapses=name)) for name in SYNAPSES
    )
    known = ", ".join(
        f"{100 * PUBLISHED[w][0]:g} +- {100 * PUBLISHED[w][1]:g}" if w in PUBLISHED else "-" for w in size["windows"]
    )
    full = ds.axons.sel(share=1.0).to_series() if 1.0 in ds.share else {"threshold": np.nan, "linear": np.nan}
    text = f"""
        Attention by short-term Hebbian potentiation (Ellwood 2024), point neurons. (a) What one pair of spikes adds to
        the collected coincidences of a synapse. (b) Spikes of the matched axon that control the neuron after match
        windows of {", ".join(f"{w / 1e3:g}" for w in size["windows"])} s, in % ({size["trials"]} trials each, bars:
        standard error): {by}; published, with a compartmental neuron: {known}. Equal: every coincidence at a lag counts
        the same; variable: as much variability as between spines and coincidences of the published neuron. (c)
        The same for an axon that matches only a share of the query's spikes (lines) and for one that matches none but
        by chance (dotted), {size["share_trials"]} trials each, 1 s: with the steep threshold of the paper, and with a
        potentiation in proportion to the collected coincidences, which is what linear attention would do. (d) Mean
        potentiation of the {ds.sizes["rank"]} most potentiated of {size["axons"]} axons at the end of the match window;
        {full["threshold"]:.1f} axons share it (participation ratio) with the threshold, {full["linear"]:.1f} in the
        linear reading.
    """
    return " ".join(text.split())
