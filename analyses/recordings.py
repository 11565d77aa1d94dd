"""Working memory in a recording and in silent fast weights, both decoded in the same way (Kornblith et al. 2017).

Recording: units of the human medial temporal lobe; a trial shows three of nine images, then nothing for 2.4 s, then a
probe. Simulated: trials of the same structure. Cells fire for an image while it is shown, and their spike counts are
written into fast weights (delta rule) under the key of its position. In the delay they fire at their base rates, and
the memory lies in weights alone; then the key of one position fires, and what it reads drives the cells. Control: the
same cells that keep a share of the code in their rates.

All are read by the nearest centroid: the image shown (counts 100 to 600 ms after its onset, trials held out); the image
at each position, by a decoder that learns and is asked in the delay; and by one that learns from images shown and is
asked in the delay, whose answer should be among the three of the trial (control: sets exchanged within blocks of nine
trials, in which every image has every position once). How large a code would have been found is measured with planted
ones before anything is called "at chance".

Published: 48 % of selective neurons keep an image after it, and 8 % through the delay (abstract). Recomputed before
from the data: 65 % of images shown decoded in the best session, and chance in the delay. The first comes out, the
second does not. The decoder that learns in the delay is near chance at each position, but it would find an eighth of
the code of images shown in 80 % of such delays only; the decoder of images shown, with units scaled by their SD, reads
the images held. Ours: rates, tuning and size of the simulated memory. Without a recording (``recording=none``) the
program is about simulated trials alone.

Cites: kornblith2017, mongillo2008, schlag2021
"""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import measures, results, seeds
from synfwp.data import read_nwb
from synfwp.results import Row
from synfwp.settings import sized

Array = np.ndarray
IMAGES, SHOWN, BLOCK = 9, 3, 9  # images, of which a trial shows some; trials in which each has each position once
SEEN = (0.1, 0.6)  # s after the onset of an image
DELAY = 2.4  # s without a picture
NONE = "none"
MODELS = ("silent", "persistent")


class Size(NamedTuple):
    """Trials and repeats, and the simulated memory."""

    blocks: int  # simulated blocks of nine trials
    sessions: int  # simulated sessions of each kind
    shuffles: int  # of labels, and of sets of images
    repeats: int  # planted codes of each size
    planted: tuple[float, ...]  # sizes of these, as shares of the code of images shown
    step: float = 0.4  # s: window in the delay
    cells: int = 68  # cells, as many as units of the recording
    base: float = 0.9  # Hz: median rate without an image
    driven: float = 6.0  # Hz: mean response of a cell to an image that drives it
    selective: float = 0.05  # share of cells that an image drives
    kept: float = 0.1  # share of the code that the control keeps in its rates
    key: float = 40.0  # Hz: rate of the four key cells of a position
    recording: str = NONE  # path of the NWB file of a session, or none


FULL = Size(blocks=24, sessions=5, shuffles=200, repeats=200, planted=(0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5))
QUICK = Size(blocks=8, sessions=2, shuffles=39, repeats=19, planted=(0.0, 0.02, 0.3, 1.0), step=1.2)


class Session(NamedTuple):
    """Spikes, what was shown when, and what only a simulation knows."""

    time: Array  # s
    unit: Array
    cells: int
    images: Array  # (trials, shown)
    onset: Array  # (trials, shown), s
    delay: Array  # (trials,), s: its beginning
    weights: Array | None = None  # (trials, cells, keys) in the delay
    asked: Array | None = None  # (trials,): position whose key fires
    probe: Array | None = None  # (trials,), s

    def counts(self, events: Array, windows: Any) -> Array:
        """Spikes (events, cells) in one window after each event."""
        return measures.aligned_counts(self.time, self.unit, events, windows, self.cells)[:, :, 0].astype(float)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Decode the recording, if there is one, and simulated sessions; plant codes of known size into their delays."""
    sources = [("recording", 0)] * (size.recording != NONE) + [(one, i) for one in MODELS for i in range(size.sessions)]
    found, planted = [], {}
    for name, i in sources:
        session = recorded(size.recording) if name == "recording" else simulated(size, name, seed + i)
        found.append(decoded(session, size, seed + i))
        if name not in planted:  # one session of each
            planted[name] = power(session, size, seed + i)
    which = xr.DataArray([name for name, _ in sources], dims="session", name="source_of")
    ds = xr.concat(found, "session").assign(source_of=which.assign_attrs(long_name="kind of session"))
    detection = xr.concat(planted.values(), xr.DataArray(list(planted), dims="planted_in", name="planted_in"))
    ds = xr.merge([ds, detection]).assign_attrs(results.provenance({"size": size._asdict()}, seed))
    ds["planted_in"].attrs["long_name"] = "kind of session"
    return results.compared(ds, rows)


# sessions -------------------------------------------------------------------------------------------------------------


def recorded(path: str) -> Session:
    """A session of Kornblith et al. 2017 from its NWB file."""
    ds = read_nwb(path)
    images = np.stack([ds[f"trial_stim{i + 1}"].values for i in range(SHOWN)], axis=1).astype(int)
    onset = np.stack([ds[f"trial_stim{i + 1}_on"].values for i in range(SHOWN)], axis=1)
    cells = int(ds.population_size.sum())
    return Session(ds.spike_time.values, ds.spike_unit.values, cells, images, onset, ds.trial_maint_time.values)


def simulated(size: Size, kind: str, seed: int) -> Session:
    """Trials of the recording's structure with fast weights, and a memory that is silent or persistent."""
    rng = seeds.generator(seed, "trials", kind)
    images = np.concatenate([_block(rng) for _ in range(size.blocks)])
    n, gap = len(images), rng.choice([0.0, 0.2, 0.5, 0.8], len(images))
    onset = 0.5 + np.arange(SHOWN) * (0.2 + gap[:, None])
    start = np.concatenate([[0.0], np.cumsum(onset[:, -1] + 0.9 + DELAY + 2.0)[:-1]])
    onset = onset + start[:, None]
    delay = onset[:, -1] + 0.9
    base = size.base * np.exp(rng.normal(size=size.cells))
    tuned = rng.exponential(size.driven, (IMAGES, size.cells)) * (rng.random((IMAGES, size.cells)) < size.selective)
    code = tuned - tuned.mean(axis=0)
    held = size.kept * sum(code[images[:, i] - 1] for i in range(SHOWN)) if kind == "persistent" else 0.0
    trains = [_poisson(rng, np.broadcast_to(base, (n, size.cells)), start, delay - start)]
    for i in range(SHOWN):
        trains.append(_poisson(rng, tuned[images[:, i] - 1], onset[:, i] + SEEN[0], SEEN[1] - SEEN[0]))
    trains.append(_poisson(rng, np.maximum(base + held, 0), delay, DELAY))
    time, unit = (np.concatenate(part) for part in zip(*trains, strict=True))
    before = Session(time, unit, size.cells, images, onset, delay)
    W, asked = written(before, size, rng)
    probe = delay + DELAY
    read = np.maximum(np.take_along_axis(W, asked[:, None, None], 2)[:, :, 0] / (SEEN[1] - SEEN[0]), 0)
    trains.append(_poisson(rng, read, probe + SEEN[0], SEEN[1] - SEEN[0]))
    time, unit = (np.concatenate(part) for part in zip(*trains, strict=True))
    return before._replace(time=time, unit=unit, weights=W, asked=asked, probe=probe)


def _block(rng: np.random.Generator) -> Array:
    """Nine trials (trials, shown): every image once at each position, none twice in a trial."""
    order = rng.permutation(IMAGES) + 1
    shifts = rng.choice(np.arange(1, IMAGES), SHOWN - 1, replace=False)
    return np.stack([order, *(np.roll(order, k) for k in shifts)], axis=1)


def _poisson(rng: np.random.Generator, rate: Array, start: Array, length: Any) -> tuple[Array, Array]:
    """Times and cells of Poisson spikes at rates (trials, cells) from a start (trials,) on."""
    length = np.broadcast_to(length, start.shape)
    counts = rng.poisson(rate * length[:, None])
    trial, unit = (np.repeat(x.ravel(), counts.ravel()) for x in np.indices(counts.shape))
    return start[trial] + length[trial] * rng.random(len(trial)), unit


def written(session: Session, size: Size, rng: np.random.Generator) -> tuple[Array, Array]:
    """Fast weights (trials, cells, keys) that the counts of a trial's images leave, and the position that is asked for.

    Keys are positions: counts of four cells each, as their mean over what is expected.
    """
    n, length = len(session.images), SEEN[1] - SEEN[0]
    rate = 4 * size.key * length
    k = np.eye(SHOWN) * rng.poisson(rate, (n, SHOWN, SHOWN)) / rate
    v = np.stack([session.counts(session.onset[:, i], SEEN) for i in range(SHOWN)], axis=1)
    k = k / np.linalg.norm(k, axis=-1, keepdims=True)
    W = fw.scan("delta", k, k, v, np.ones((n, SHOWN))).W
    return W, rng.integers(SHOWN, size=n)


# what is read ---------------------------------------------------------------------------------------------------------


def decoded(session: Session, size: Size, seed: int) -> xr.Dataset:
    """Shares of right answers for the image shown, in the delay by both decoders, from weights and after the key."""
    trials = len(session.images)
    shown = session.counts(session.onset.ravel(), SEEN)
    trial = np.repeat(np.arange(trials), SHOWN)
    image = measures.decode(shown, session.images.ravel(), groups=trial, shuffles=size.shuffles, seed=seed)
    delay = session.counts(session.delay, (0.0, DELAY))
    own = [measures.decode(delay, one, shuffles=size.shuffles, seed=seed) for one in session.images.T]
    edges = np.arange(0.0, DELAY + 1e-9, size.step)
    windows = [(0.0, DELAY), (1.0, DELAY), *pairwise(edges)]
    parts = np.stack([shown, *(session.counts(session.delay, one)[trial] for one in windows)], axis=2)
    across = measures.decode_across_times(parts, session.images.ravel(), groups=trial, seed=seed)
    answer = across.predicted.values[::SHOWN, 0, 1:]  # of the decoder of images, one for each trial
    held, null = in_set(answer, session.images, size.shuffles, seeds.generator(seed, "sets"))
    share = {"units": "1"}
    p = (1 + (null >= held - 1e-12).sum(axis=0)) / (1 + len(null))
    found = {
        "image": ((), float(image.accuracy), share | {"long_name": "right images while shown"}),
        "image_null": ((), float(image.shuffled_accuracy.mean()), share | {"long_name": "the same, shuffled"}),
        "image_p": ((), float(image.p), share | {"long_name": "p value of right images while shown"}),
        "delay": ("position", [float(x.accuracy) for x in own], share | {"long_name": "right images in the delay"}),
        "delay_p": ("position", [float(x.p) for x in own], share | {"long_name": "p value in the delay"}),
        "held": ("window", held, share | {"long_name": "answers among the images of the trial"}),
        "held_null": ("window", null.mean(axis=0), share | {"long_name": "the same, sets exchanged"}),
        "held_high": ("window", np.quantile(null, 0.95, axis=0), share | {"long_name": "95 % of exchanges lie below"}),
        "held_p": ("window", p, share | {"long_name": "p value of answers among the images of the trial"}),
        "trials": ((), trials, {"long_name": "number of trials"}),
        **{name: ((), x, share) for name, x in remembered(session, delay, seed).items()},
    }
    begin, end = np.array(windows).T
    where = {"begin": ("window", begin, {"units": "s"}), "end": ("window", end, {"units": "s"})}
    return xr.Dataset(found, {"position": np.arange(1, SHOWN + 1), **where})


def remembered(session: Session, delay: Array, seed: int) -> dict[str, float]:
    """The image at the position whose key fires: from weights, activity in the delay, and activity after the key."""
    names = ("weights", "activity", "read")
    if session.weights is None or session.asked is None or session.probe is None:
        return dict.fromkeys(names, np.nan)
    at = session.asked[:, None]
    labels = np.take_along_axis(session.images, at, 1)[:, 0]
    column = np.take_along_axis(session.weights, at[:, None], 2)
    sources = {"weights": column, "activity": delay, "read": session.counts(session.probe, SEEN)}
    return dict(zip(names, measures.compare_decoding(sources, labels, seed=seed).accuracy.values.tolist(), strict=True))


def in_set(answer: Array, images: Array, shuffles: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Share of answers (trials, windows) among the images of the trial, and the same with sets exchanged in blocks."""

    def share(sets: Array) -> Array:
        return (answer[:, None] == sets[:, :, None]).any(axis=1).mean(axis=0)

    block = np.arange(len(images)) // BLOCK
    orders = (np.lexsort((rng.random(len(images)), block)) for _ in range(shuffles))
    return share(images), np.array([share(images[order]) for order in orders])


def power(session: Session, size: Size, seed: int) -> xr.Dataset:
    """How often a share of the code of images shown would be found in the delay, at the last position."""
    shown = session.counts(session.onset.ravel(), SEEN) * DELAY / (SEEN[1] - SEEN[0])
    means = np.stack([shown[session.images.ravel() == i + 1].mean(axis=0) for i in range(IMAGES)])
    delay, last = session.counts(session.delay, (0.0, DELAY)), session.images[:, -1]
    code = means - means.mean(axis=0)
    return measures.detection_power(delay, last, np.array(size.planted), code, size.repeats, seed=seed)


# the table ------------------------------------------------------------------------------------------------------------

ABOVE = "images held can be read from this delay, by the decoder of images shown"


def rows(ds: xr.Dataset) -> list[Row]:
    """The recording and the simulated sessions, beside chance and controls."""
    found = []
    for name in dict.fromkeys(ds.source_of.values.tolist()):
        one = ds.isel(session=np.flatnonzero(ds.source_of.values == name))
        found += _of(one, name)
        at = ds.sel(planted_in=name)
        repeats = json.loads(ds.attrs["parameters"])["size"]["repeats"]
        error = float(np.sqrt(2 * 0.05 * 0.95 / repeats))
        what = f"share of sessions without a code in which one is found, {name}"
        found.append(Row(what, float(at.power.sel(size=0.0)), 0.05, "theory", error=error))
        wanted = measures.crossing(at["size"].values[1:], at.power.values[1:], 0.8)
        if np.isfinite(wanted):
            found.append(Row(f"share of the code of images that is found in 80 % of delays, {name}", wanted))
    return found


def _of(ds: xr.Dataset, name: str) -> list[Row]:
    """Rows of one kind of session."""
    trials, single, found = int(ds.trials[0]), name == "recording", []
    chance = 1 / IMAGES
    if single and SHOWN * trials == 648:  # of this session alone a number is known
        error = float(np.sqrt(0.65 * 0.35 / (SHOWN * trials)))
        what, source = "image shown, recording, best session known", "kornblith2017, data"
        found.append(Row(what, float(ds.image[0]), 0.65, "recomputed", source, error=error, band=0.005))
    found.append(Row(f"image shown, {name}, against shuffled labels", _obtained(ds.image), _obtained(ds.image_null),
                     "control", claim="above", error=_error(chance, SHOWN * trials) if single else 0.0))  # fmt: skip
    for i in ds.position.values if name != "persistent" else ():
        at = _obtained(ds.delay.sel(position=i))
        error = _error(chance, trials) if single else 0.0
        what = f"image {i} of the trial, decoder of the delay, {name}"
        found.append(Row(what, at, chance, "chance", error=error, why=ABOVE if single else ""))
    for j, what in ((0, "0 to 2.4 s"), (1, "1 to 2.4 s")):
        one = ds.isel(window=j)
        claim = "equal" if name == "silent" else "above"
        error = _error(SHOWN / IMAGES, trials) if single else 0.0
        text = f"answers among the images of the trial, {what} of the delay, decoder of images, {name}"
        held, null = _obtained(one.held), _obtained(one.held_null)
        found.append(Row(text, held, null, "control", claim=claim, error=error))
    if not single:
        for source, text in (("weights", "from weights in the delay"), ("read", "after its key has fired")):
            what = f"image asked for, {text}, {name}"
            found.append(Row(what, _obtained(ds[source]), chance, "chance", claim="above"))
    if name == "silent":
        found.append(
            Row("image asked for, from activity in the delay, silent", _obtained(ds.activity), chance, "chance")
        )
    return found


def _obtained(da: xr.DataArray) -> Any:
    """One number for each session, or the one there is."""
    return da.values if da.size > 1 else float(da.values.ravel()[0])


def _error(share: float, n: int) -> float:
    """Standard error of a share of n answers."""
    return float(np.sqrt(share * (1 - share) / n))


# the figure -----------------------------------------------------------------------------------------------------------

COLOURS: Mapping[str, str] = {"recording": "black", "silent": "vermillion", "persistent": "blue"}
DASH = (0, (3, 2))


def figure(ds: xr.Dataset) -> Any:
    """What is read where, when in the delay, and what would have been found."""
    from synfwp import plot

    fig, axes = plot.figure("double", 62, "abc", width_ratios=[1.2, 1, 1])
    names = list(dict.fromkeys(ds.source_of.values.tolist()))
    parts = {name: ds.isel(session=np.flatnonzero(ds.source_of.values == name)) for name in names}
    with plot.style():
        for i, (name, one) in enumerate(parts.items()):
            _read(one, axes["a"], name, 0.2 * (i - (len(parts) - 1) / 2))
            _delay(one, axes["b"], name)
            at, colour = ds.sel(planted_in=name), plot.COLOURS.get(COLOURS[name], COLOURS[name])
            sides = [100 * (at.power - at.power_low), 100 * (at.power_high - at.power)]
            axes["c"].errorbar(100 * at["size"], 100 * at.power, sides, fmt="o-", color=colour, lw=0.8, elinewidth=0.6)
        axes["a"].axhline(100 / IMAGES, color="0.4", ls=DASH, lw=0.8)
        axes["a"].set_xticks(range(4), ["image\nshown", "delay\nactivity", "delay\nweights", "after\nthe key"])
        axes["a"].set(xlim=(-0.5, 3.5), ylim=(0, 103), ylabel="right images (%)", xlabel="source (time)")
        axes["b"].axhline(100 * SHOWN / IMAGES, color="0.4", ls=DASH, lw=0.8)
        axes["b"].set(xlabel="time in the delay (s)", ylabel="answers among those held (%)", xlim=(0, DELAY))
        axes["c"].axhline(5, color="0.4", ls=DASH, lw=0.8)
        axes["c"].set(xlabel="planted share of the code (%)", ylabel="found (%)", ylim=(-3, 103))
    plot.shared_legend(fig, axes["a"])
    plot.letter(axes, offset=28.0)
    return fig


def _read(ds: xr.Dataset, ax: Any, name: str, shift: float) -> None:
    """Mean over sessions, with their SD."""
    from synfwp import plot

    values = [ds.image, ds.delay.mean("position"), ds.weights, ds["read"]]
    y = [100 * float(one.mean()) for one in values]
    spread = [100 * float(one.std(ddof=1)) if one.size > 1 else 0.0 for one in values]
    plot.points(ax, np.arange(4) + shift, y, spread, label=name, colour=COLOURS[name])


def _delay(ds: xr.Dataset, ax: Any, name: str) -> None:
    """Answers among the images held, window by window, and what exchanged sets give in 95 %."""
    from synfwp import plot

    one = ds.isel(window=slice(2, None))
    middle, colour = (one.begin + one.end) / 2, plot.COLOURS.get(COLOURS[name], COLOURS[name])
    if "session" in middle.dims:
        middle = middle.isel(session=0)
    y = 100 * one.held
    spread = y.std("session", ddof=1) if y.sizes["session"] > 1 else 0 * y.isel(session=0)
    ax.errorbar(middle, y.mean("session"), spread, fmt="o-", color=colour, lw=0.8, elinewidth=0.6)
    if name == "recording":
        ax.plot(middle, 100 * one.held_high.mean("session"), color=colour, lw=0.7, ls=":")


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = json.loads(ds.attrs["parameters"])["size"]
    parts: list[str] = []
    for name in dict.fromkeys(ds.source_of.values.tolist()):
        one = ds.isel(session=np.flatnonzero(ds.source_of.values == name))
        n, image, delay, held = one.sizes["session"], one.image, one.delay, one.held.isel(window=0)
        shares = (f"{100 * float(x.mean()):.0f} %" for x in (image, delay, held))
        text = "{} while shown, {} in the delay, {} of answers among the images held".format(*shares)
        parts.append(f"{name} ({n} x {int(one.trials[0])} trials) {text}")
    dotted = "; dotted: 95 % of 200 exchanges for the recording" if "recording" in ds.source_of.values else ""
    dotted = dotted.replace("200", str(size["shuffles"]))
    text = f"""
        Working memory in rates and in fast weights. Three of nine images, then {DELAY} s without one, read by the
        nearest centroid of held-out trials: {"; ".join(parts)}. Silent: spikes of an image are written into fast
        weights under the key of its position, and cells fire at base rates in the delay; persistent: the same, and
        {100 * size["kept"]:.0f} % of the code is kept in rates. (a) Right images while shown; in the delay, by a
        decoder of the delay (mean of three positions); from weights, of the position asked for; and from activity after
        its key has fired. Bars: SD over sessions; dashed: chance. (b) A decoder of images shown is asked in windows of
        the delay: answers among the three held; dashed: chance{dotted}. (c) How often a share of the code of images
        shown is found when it is planted into the delays of one session with exchanged labels (decoder of the delay,
        {size["repeats"]} repeats, Wilson 95 % intervals; dashed: level of the test).
    """
    return " ".join(text.split())
