"""What Neo reads as Datasets (ABF, IBW and many more), and Datasets as Blocks of Neo."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from synfwp import checks, results
from synfwp.data.nwb_writing import recorded
from synfwp.data.recording import Recording, as_column, by_neuron, check_file, clean, need, regular

Array = np.ndarray


def read_neo(source: Any, segment: int | None = None, io: str | None = None) -> xr.Dataset:
    """A recording from a file that Neo reads, such as ABF (Axon) and IBW (Igor).

    Needs the extra: ``pip install "synfwp[data]"``. Trains of spikes become units; a signal of equal length in all
    segments (sweeps) becomes one variable with an axis ``sweep`` and times within the sweep, which starts at
    ``sweep_start``; events and epochs become tables.

    Parameters
    ----------
    source : path or neo.Block
    segment : int or None
        The segment to be read, with times as in the file. None: signals of all; spikes may then be in one alone.
    io : str or None
        The class of Neo that reads the file, such as ``"AxonIO"``; None: by the ending of the name.

    Returns
    -------
    xarray.Dataset
        ``spike_time`` (s), ``spike_unit``, ``spike_population`` if there are trains (populations from an annotation
        ``population``); a signal under the name of its channel, along ``time_<name>`` (s) and perhaps ``sweep``, in the
        unit of the file; ``event_time``, ``event_label``; ``phase_start``, ``phase_stop``, ``phase_name`` of epochs.

    Raises
    ------
    ModuleNotFoundError
        If Neo is not installed, or what it needs for a format (igor2 for IBW).
    FileNotFoundError, ValueError
        If there is no such file; if it is empty, cut off or none that Neo reads; if it is an NWB file, which `read_nwb`
        reads; if several segments hold spikes.

    References
    ----------
    Garcia et al. 2014 (Neo).

    Examples
    --------
    >>> read_neo("nowhere.abf")
    Traceback (most recent call last):
    ...
    FileNotFoundError: nowhere.abf does not exist; pass the path of a file to read_neo.
    """
    block = source if hasattr(source, "segments") else _block(check_file(source, "read_neo"), io)
    name = "a Block of Neo" if hasattr(source, "segments") else Path(source).name
    if not block.segments:
        raise ValueError(f"{name} holds no segments; it is cut off, or another program has to read it.")
    if segment is not None:
        checks.count("segment", segment, 0, len(block.segments) - 1)
    chosen = list(block.segments) if segment is None else [block.segments[segment]]
    found = Recording(name, "Neo")
    if isinstance(block.annotations.get("provenance"), dict):
        found.attrs |= {f"simulation_{key}": one for key, one in block.annotations["provenance"].items()}
    if getattr(block, "rec_datetime", None) is not None:
        found.attrs["session_start_time"] = block.rec_datetime.isoformat()
    try:
        _trains(found, chosen)
        _signals(found, chosen)
        _marks(found, chosen)
    except (OSError, EOFError, IndexError) as error:
        raise _damaged(name, error) from error
    return found.dataset({"reader": "read_neo", "file": name, "segment": segment})


def _block(path: Path, io: str | None) -> Any:
    """The first block of a file."""
    if path.suffix.lower() == ".nwb":
        raise ValueError(f"{path} is an NWB file; read it with read_nwb, since Neo's own reader fails on many of them.")
    try:
        import neo
    except ModuleNotFoundError as error:
        raise need("neo", "read_neo") from error
    if io is not None:
        checks.one_of("io", io, [one.__name__ for one in neo.io.iolist])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old names inside Neo and what it calls
        try:
            reader = neo.get_io(str(path)) if io is None else getattr(neo.io, io)(str(path))
            blocks = reader.read()
        except ModuleNotFoundError as error:
            raise need(str(error.name), f"reading {path.suffix or path.name}") from error
        except Exception as error:  # each of Neo's readers raises its own
            raise _damaged(path, error) from error
    if not blocks:
        raise ValueError(f"{path} holds no block of Neo; it is cut off.")
    if len(blocks) > 1:
        raise ValueError(f"{path} holds {len(blocks)} blocks; read them with Neo and pass one: read_neo(block).")
    return blocks[0]


def _damaged(path: Any, error: Exception) -> ValueError:
    """The error for a file that Neo cannot read to its end."""
    text = " ".join(str(error).split())[:300] or type(error).__name__
    return ValueError(f"{path} is damaged, cut off or of a format that Neo does not read: {text}")


def _trains(found: Recording, segments: list[Any]) -> None:
    """Trains of spikes of the one segment that has some, a unit each."""
    having = [at for at, one in enumerate(segments) if len(one.spiketrains)]
    if len(having) > 1:
        raise ValueError(
            f"segments {', '.join(map(str, having))} hold spikes, each in its own time; pass segment= to read one."
        )
    if not having:
        return
    trains = list(segments[having[0]].spiketrains)
    shared = set.intersection(*({*one.annotations} for one in trains)) - {"nix_name", "neo_name"}
    columns: dict[str, Any] = {name: [one.annotations[name] for one in trains] for name in sorted(shared)}
    columns = {name: values for name, values in columns.items() if as_column(values) is not None}
    ids = columns.pop("id", np.arange(len(trains)))
    found.spikes([np.asarray(one.rescale("s").magnitude, float) for one in trains], columns, None, ids)
    for one in trains:
        found.covers([float(one.t_start.rescale("s")), float(one.t_stop.rescale("s"))])


def _signals(found: Recording, segments: list[Any]) -> None:
    """Channels of signals; those of equal grids in all segments stacked along ``sweep``."""
    channels: dict[str, list[tuple[Array, Array, str]]] = {}
    for one in segments:
        seen: set[str] = set()
        for signal in [*one.analogsignals, *one.irregularlysampledsignals]:
            times = np.asarray(signal.times.rescale("s").magnitude, float)
            for name, values in _channels(signal):
                free = next(n for n in (name, *(f"{name}_{k}" for k in range(2, 10_000))) if n not in seen)
                seen.add(free)
                channels.setdefault(free, []).append((values, times, _unit(signal)))
    stacked = False
    for name, sweeps in channels.items():
        sizes, starts = (
            {len(values) for values, *_ in sweeps},
            [times[0] if len(times) else 0.0 for _, times, _ in sweeps],
        )
        own = [times - start for (_, times, _), start in zip(sweeps, starts, strict=True)]
        same = len(sizes) == 1 and all(np.allclose(one, own[0], rtol=0, atol=1e-9) for one in own)
        if len(sweeps) > 1 and same and len(sweeps) == len(segments):
            _sweeps(found, name, sweeps, own[0])
            if not stacked:
                found.add("sweep_start", ("sweep",), np.array(starts), {"units": "s", "long_name": "start of a sweep"})
                found.covers([*starts, starts[-1] + own[-1][-1]] if len(own[-1]) else starts)
            stacked = True
            continue
        for at, (values, times, unit) in enumerate(sweeps):
            found.series(name if len(sweeps) == 1 else f"{name}_sweep_{at}", values, times, unit)


def _sweeps(found: Recording, name: str, sweeps: list[tuple[Array, Array, str]], own: Array) -> None:
    """One channel of several sweeps of equal length."""
    label = clean(name)
    attrs = {"units": sweeps[0][2], "long_name": label.replace("_", " ")}
    found.add(label, (f"time_{label}", "sweep"), np.stack([values for values, *_ in sweeps], axis=1), attrs)
    found.add(f"time_{label}", (f"time_{label}",), own, {"units": "s", "long_name": f"time within a sweep of {label}"})


def _channels(signal: Any) -> list[tuple[str, Array]]:
    """Name and values of each channel; one of several columns that is a recorded variable stays whole."""
    values = np.asarray(signal.magnitude)
    if "synfwp" in signal.annotations:
        return [(str(signal.name), values[:, 0] if values.shape[1] == 1 else values)]
    names = signal.array_annotations.get("channel_names")
    plain = str(signal.name or "signal")
    if names is None:
        names = [plain] if values.shape[1] == 1 else [f"{plain}_{at}" for at in range(values.shape[1])]
    return [(str(name) or plain, values[:, at]) for at, name in enumerate(names)]


def _unit(signal: Any) -> str:
    """The unit of a signal as the package writes it."""
    text = str(signal.annotations.get("unit") or signal.dimensionality.string)
    return {"dimensionless": "1"}.get(text, re.sub("µ|μ", "u", text))


def _marks(found: Recording, segments: list[Any]) -> None:
    """Events and epochs of all segments."""
    events = [(one, event) for one in segments for event in one.events if len(event)]
    if events:
        unique = {(float(t), str(label)) for _, e in events for t, label in zip(_seconds(e), e.labels, strict=True)}
        order = sorted(unique)
        found.rows("event", {"label": np.array([label for _, label in order], str)})
        times = np.array([time for time, _ in order])
        found.add("event_time", ("event",), times, {"units": "s", "long_name": "time of an event"})
    for name in sorted({str(epoch.name or "phase") for one in segments for epoch in one.epochs if len(epoch)}):
        parts = [epoch for one in segments for epoch in one.epochs if len(epoch) and str(epoch.name or "phase") == name]
        start = np.concatenate([_seconds(epoch) for epoch in parts])
        long = np.concatenate([np.asarray(epoch.durations.rescale("s").magnitude, float) for epoch in parts])
        labels = [str(label) or name for epoch in parts for label in epoch.labels]
        found.table(clean(name), start, start + long, {"name": labels})


def _seconds(one: Any) -> Array:
    """Times of events or epochs."""
    return np.asarray(one.times.rescale("s").magnitude, float)


def to_neo(ds: xr.Dataset) -> Any:
    """A simulation, or any Dataset of spikes, as a Block of Neo with one Segment.

    Needs the extra: ``pip install "synfwp[data]"``. Every neuron becomes a SpikeTrain with the annotations
    ``population`` and ``neuron``, every recorded variable a signal, trials and phases become Epochs.

    Parameters
    ----------
    ds : xarray.Dataset
        As `Circuit.run` and ``simulate(..., record=True)`` return it.

    Returns
    -------
    neo.Block
        `read_neo` takes it.

    Raises
    ------
    ModuleNotFoundError
        If Neo is not installed.
    ValueError
        If ``ds`` has no spikes.

    References
    ----------
    Garcia et al. 2014 (Neo).

    Examples
    --------
    >>> to_neo(xr.Dataset())
    Traceback (most recent call last):
    ...
    ValueError: the Dataset has no 'spike_time'; pass the result of Circuit.run or of ...
    """
    trains = results.spike_trains(ds)
    try:
        import neo
        import quantities
    except ModuleNotFoundError as error:
        raise need("neo", "to_neo") from error
    attrs = {name: one.item() if isinstance(one, np.generic) else one for name, one in ds.attrs.items()}
    block, segment = neo.Block(name="synfwp", provenance=attrs), neo.Segment(name="run")
    block.segments.append(segment)
    times = np.concatenate([trains.time, [float(attrs[name]) for name in ("start", "stop") if name in attrs]])
    start, stop = (float(times.min()), float(times.max())) if times.size else (0.0, 0.0)
    for population, size in zip(trains.names, trains.sizes, strict=True):
        for at, own in enumerate(by_neuron(*trains.of(population), int(size))):
            about = {"name": f"{population} {at}", "population": population, "neuron": at}
            train = neo.SpikeTrain(own * quantities.s, t_start=start, t_stop=stop, units="s", **about)
            segment.spiketrains.append(train)
    for name, when in recorded(ds):
        _add_signal(segment, name, ds[name], when)
    for dim in ("trial", "phase"):
        if {f"{dim}_start", f"{dim}_stop"} <= set(ds.variables):
            first, last = (ds[f"{dim}_{bound}"].values.astype(float) for bound in ("start", "stop"))
            labels = ds[f"{dim}_name"].values if f"{dim}_name" in ds else np.arange(len(first))
            seconds = [part * quantities.s for part in (first, last - first)]
            segment.epochs.append(neo.Epoch(*seconds, labels=np.array(labels, str), name=dim))
    return block


def _add_signal(segment: Any, name: str, da: xr.DataArray, times: Array) -> None:
    """One recorded variable, sampled regularly or not."""
    import neo
    import quantities

    unit = str(da.attrs.get("units", "1"))
    try:
        known = quantities.Quantity(1.0, "dimensionless" if unit in ("", "1") else unit).units
    except LookupError:
        known = quantities.dimensionless
    values = np.asarray(da.values, float).reshape(len(times), -1)
    about, rate = {"name": name, "synfwp": True, "unit": unit}, regular(times)
    if rate is None:
        signal = neo.IrregularlySampledSignal(times * quantities.s, values, units=known, **about)
        segment.irregularlysampledsignals.append(signal)
        return
    grid = {"sampling_rate": rate * quantities.Hz, "t_start": float(times[0]) * quantities.s}
    segment.analogsignals.append(neo.AnalogSignal(values, units=known, **grid, **about))
