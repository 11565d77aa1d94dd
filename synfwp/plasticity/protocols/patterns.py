"""Quadruplets, bursts of bursts, sweeps, jitter, Poisson trains, plateaus, and spike times of one's own."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from synfwp import seeds, units
from synfwp.checks import count, short
from synfwp.plasticity.protocols.base import Protocol, Trains
from synfwp.plasticity.protocols.pairing import pairs

__all__ = [
    "frequency_sweep",
    "from_times",
    "jitter",
    "plateaus",
    "poisson_pairs",
    "quadruplets",
    "repeated",
    "theta_bursts",
]
MANY = 1e6  # spikes that a Poisson train may have on average
LONG, SLOW, FAST = 1e10, 1e-7, 1e5  # ms, Hz, Hz: beyond them spikes of one burst fall on one another in floats


def repeated(protocol: Protocol, n: int, interval: Any) -> Protocol:
    """A protocol as the motif of another one: all of it, ``n`` times, one every ``interval``.

    Parameters
    ----------
    protocol : Protocol
    n : int
        Number of repetitions.
    interval : float
        From the begin of one repetition to the next, ms.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError, TypeError
        If a repetition does not end before the next begins.

    Examples
    --------
    The 15 bursts of 5 pairs of Sjostrom, Turrigiano & Nelson (2001):

    >>> protocol = repeated(pairs(n=5, rate=20.0, dt=10.0), n=15, interval=10000.0)
    >>> len(protocol.pre), protocol.post[:6].tolist()
    (75, [10.0, 60.0, 110.0, 160.0, 210.0, 10010.0])
    """
    if not isinstance(protocol, Protocol):
        raise TypeError(f"protocol is {short(protocol)}; pass a Protocol, e.g. protocols.pairs(n=5, rate=50.0).")
    every = units.number(interval, "ms", "interval", 0, LONG, above=True)
    pre, post = protocol.pre, protocol.post
    lasts = max((float(np.ptp(train)) for train in (pre, post) if len(train)), default=0.0)
    if count("n", n) > 1 and lasts >= every:
        raise ValueError(f"interval is {every:g} ms, but the protocol lasts {lasts:g} ms; pass a longer one.")
    return Protocol(tuple(pre), tuple(post), n=n, rate=1000.0 / every)


def theta_bursts(
    bursts: int = 10,
    size: int = 4,
    rate: Any = 100.0,
    theta: Any = 5.0,
    dt: Any = 10.0,
    trains: int = 1,
    interval: Any = 10000.0,
) -> Protocol:
    """Bursts of pairs in the rhythm of theta, in one or several trains.

    The numbers are common ones, of no single paper.

    Parameters
    ----------
    bursts : int
        Bursts of a train.
    size : int
        Pairs of a burst.
    rate : float
        Pairs per second within a burst, Hz.
    theta : float
        Bursts per second within a train, Hz.
    dt : float
        Time of the postsynaptic minus the presynaptic spike, ms.
    trains : int
        Number of trains.
    interval : float
        From the begin of one train to the next, ms.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError, TypeError
        If bursts or trains run into each other.

    Examples
    --------
    >>> theta_bursts(bursts=2, size=3, trains=2).pre.tolist()
    [0.0, 10.0, 20.0, 200.0, 210.0, 220.0, 10000.0, 10010.0, 10020.0, 10200.0, 10210.0, 10220.0]
    """
    rhythm, per_second = units.number(theta, "Hz", "theta", SLOW, FAST), units.number(rate, "Hz", "rate", SLOW, FAST)
    one = pairs(n=count("size", size), rate=per_second, dt=units.number(dt, "ms", "dt", -LONG, LONG))
    if count("bursts", bursts) > 1 and (size - 1) * rhythm >= per_second:
        raise ValueError(
            f"theta is {rhythm:g} Hz and rate {per_second:g} Hz, with which bursts of {size} pairs run into each "
            "other; pass a higher rate or a lower theta."
        )
    return repeated(repeated(one, bursts, 1000.0 / rhythm), count("trains", trains), interval)


def quadruplets(dt1: Any = -5.0, dt2: Any = 5.0, between: Any = 20.0, n: int = 60, rate: Any = 1.0) -> Protocol:
    """``n`` quadruplets at ``rate``: a pair with lag ``dt1`` and one with ``dt2``, their middles ``between`` apart.

    With a negative ``dt1`` and a positive ``dt2`` it is post-pre-pre-post, with opposite signs pre-post-post-pre.

    Parameters
    ----------
    dt1, dt2 : float
        Time of the postsynaptic minus the presynaptic spike of the first and of the second pair, ms.
    between : float
        From the middle of the first pair to the middle of the second one, ms, above 0.
    n : int
        Number of quadruplets.
    rate : float
        Quadruplets per second, Hz.

    Returns
    -------
    Protocol
        The first spike of the protocol is at 0 ms.

    Raises
    ------
    ValueError, TypeError
        If the second pair does not follow the first on both sides, or a quadruplet does not end before the next.

    References
    ----------
    Wang et al. 2005; Pfister & Gerstner 2006.

    Examples
    --------
    >>> protocol = quadruplets(dt1=-5.0, dt2=5.0, between=20.0, n=1)
    >>> protocol.pre.tolist(), protocol.post.tolist()
    ([5.0, 20.0], [0.0, 25.0])
    """
    one, two = units.number(dt1, "ms", "dt1", -LONG, LONG), units.number(dt2, "ms", "dt2", -LONG, LONG)
    apart = units.number(between, "ms", "between", 0, LONG, above=True)
    pre, post = np.array([-one / 2, apart - two / 2]), np.array([one / 2, apart + two / 2])
    if not (pre[0] < pre[1] and post[0] < post[1]):
        raise ValueError(
            f"dt1 is {one:g}, dt2 {two:g} and between {apart:g} ms, with which the second pair does not follow the "
            "first; pass pairs that are further apart."
        )
    first = min(pre[0], post[0])
    return Protocol(tuple(pre - first), tuple(post - first), n=n, rate=rate)


def frequency_sweep(rates: Any = (0.1, 10.0, 20.0, 40.0, 50.0), dt: Any = 10.0, n: int = 60) -> tuple[Protocol, ...]:
    """``n`` pairs at each of several rates.

    Parameters
    ----------
    rates : (m,) array_like
        Pairs per second, Hz; the default are those of Sjostrom, Turrigiano & Nelson (2001).
    dt : float
        Time of the postsynaptic minus the presynaptic spike, ms.
    n : int
        Pairs at each rate.

    Returns
    -------
    tuple of Protocol

    Raises
    ------
    ValueError, TypeError
        For values out of their ranges.

    Examples
    --------
    >>> [protocol.rate for protocol in frequency_sweep(dt=-10.0)]
    [0.1, 10.0, 20.0, 40.0, 50.0]
    """
    sweep = units.array(rates, "Hz", "rates", 0, above=True, ndim=1)
    return tuple(pairs(n=n, rate=rate, dt=dt) for rate in sweep.tolist())


def jitter(protocol: Protocol | Trains, sd: Any, seed: seeds.Seed = 0) -> Trains:
    """A protocol with every spike moved by a normal time of its own.

    Parameters
    ----------
    protocol : Protocol or Trains
    sd : float
        Standard deviation of the moves, ms.
    seed : int, numpy.random.SeedSequence or numpy.random.Generator

    Returns
    -------
    Trains
        Spikes in order of their new times; plateaus stay where they are.

    Raises
    ------
    TypeError, ValueError
        For something else than a protocol, or a negative ``sd``.

    Examples
    --------
    >>> moved = jitter(pairs(n=2, rate=10.0), sd=2.0, seed=1)
    >>> moved.pre.round(1).tolist(), moved.post.round(1).tolist()
    ([-1.4, 99.1], [12.6, 111.9])
    """
    if not isinstance(protocol, Protocol | Trains):
        raise TypeError(f"protocol is {short(protocol)}; pass a Protocol or Trains, e.g. protocols.pairs().")
    size = units.number(sd, "ms", "sd", 0)
    moved = [
        np.sort(train + size * seeds.generator(seed, side).standard_normal(len(train)))
        for side, train in (("pre", protocol.pre), ("post", protocol.post))
    ]
    return Trains(tuple(moved[0]), tuple(moved[1]), getattr(protocol, "plateaus", ()))


def poisson_pairs(
    duration: Any, rate: Any = 10.0, post_rate: Any = 10.0, share: Any = 0.0, dt: Any = 10.0, seed: seeds.Seed = 0
) -> Trains:
    """Poisson trains, of which a share of presynaptic spikes is followed by a postsynaptic one.

    Parameters
    ----------
    duration : float
        ms, within which both trains lie but for partners of spikes near its ends.
    rate, post_rate : float
        Spikes per second of the two sides, Hz, partners included.
    share : float
        Of the presynaptic spikes that have a partner, from 0 to 1 and at most ``post_rate / rate``.
    dt : float
        Time of a partner after its presynaptic spike, ms.
    seed : int, numpy.random.SeedSequence or numpy.random.Generator

    Returns
    -------
    Trains

    Raises
    ------
    ValueError, TypeError
        For values out of their ranges.

    Examples
    --------
    >>> trains = poisson_pairs(60000.0, rate=5.0, post_rate=8.0, share=0.5, dt=10.0, seed=3)
    >>> len(trains.pre), len(trains.post), int(np.isin((trains.pre + 10.0).round(6), trains.post.round(6)).sum())
    (310, 534, 159)
    """
    lasts = units.number(duration, "ms", "duration", 0, above=True)
    per_s, post_per_s = units.number(rate, "Hz", "rate", 0), units.number(post_rate, "Hz", "post_rate", 0)
    part, lag = units.number(share, "1", "share", 0, 1), units.number(dt, "ms", "dt")
    if part * per_s > post_per_s:
        raise ValueError(f"share is {part:g} of {per_s:g} Hz, above post_rate ({post_per_s:g} Hz); pass a smaller one.")
    if max(per_s, post_per_s) * lasts / 1000 > MANY:
        raise ValueError(f"duration is {lasts:g} ms and rate or post_rate {max(per_s, post_per_s):g} Hz; pass less.")
    rng = [seeds.generator(seed, name) for name in ("pre", "post", "partners")]
    pre = np.unique(rng[0].uniform(0, lasts, rng[0].poisson(per_s * lasts / 1000)))
    alone = rng[1].uniform(0, lasts, rng[1].poisson((post_per_s - part * per_s) * lasts / 1000))
    partners = pre[rng[2].random(len(pre)) < part] + lag
    return Trains(tuple(pre), tuple(np.unique(np.concatenate([alone, partners]))))


def plateaus(
    delay: Any, n: int = 5, interval: Any = 15000.0, duration: Any = 300.0, size: int = 10, rate: Any = 20.0
) -> Trains:
    """Bursts of presynaptic spikes, each paired with a plateau potential that begins ``delay`` after the burst does.

    Parameters
    ----------
    delay : float
        Begin of the plateau minus begin of the burst, ms; positive is the burst first.
    n : int
        Number of pairings.
    interval : float
        From one pairing to the next, ms.
    duration : float
        Length of a plateau, ms.
    size : int
        Spikes of a burst.
    rate : float
        Spikes per second within a burst, Hz.

    Returns
    -------
    Trains
        Its first event, spike or plateau, is at 0 ms.

    Raises
    ------
    ValueError, TypeError
        If pairings run into each other.

    Examples
    --------
    >>> trains = plateaus(delay=-500.0, n=2, size=2)
    >>> trains.pre.tolist(), trains.plateaus
    ([500.0, 550.0, 15500.0, 15550.0], ((0.0, 300.0), (15000.0, 300.0)))
    """
    lag, lasts = (
        units.number(delay, "ms", "delay", -LONG, LONG),
        units.number(duration, "ms", "duration", 0, above=True),
    )
    per_second = units.number(rate, "Hz", "rate", SLOW, FAST)
    spikes = repeated(Protocol((max(0.0, -lag),), (), count("size", size), per_second), n, interval).pre
    every = units.number(interval, "ms", "interval", 0, LONG, above=True)
    if lasts >= every and n > 1:
        raise ValueError(f"interval is {every:g} ms, but a plateau lasts {lasts:g} ms (duration); pass a longer one.")
    begins = max(0.0, lag) + np.arange(n) * every
    return Trains(tuple(spikes), (), tuple((float(begin), lasts) for begin in begins))


def from_times(table: Any, side: str = "side", time: str = "time_ms") -> Trains:
    """A protocol from a table of spike times: a row is a spike.

    Parameters
    ----------
    table : path, pandas.DataFrame, xarray.Dataset or mapping
        A CSV file with a line of names, or columns by name. The column ``side`` holds ``"pre"`` or ``"post"``, the
        column ``time`` the time of the spike, ms.
    side, time : str
        Names of the two columns.

    Returns
    -------
    Trains
        Spikes in order of their times.

    Raises
    ------
    ValueError, TypeError
        For a column that is missing, another side, or times that are no finite numbers.

    Examples
    --------
    >>> from_times({"side": ["pre", "post", "pre"], "time_ms": [20.0, 5.0, 0.0]})
    Trains(pre_times=(0.0, 20.0), post_times=(5.0,), plateaus=())
    """
    columns = _columns(table)
    if missing := [name for name in (side, time) if name not in columns]:
        raise ValueError(
            f"table has no column {missing[0]!r} but {', '.join(map(str, columns))}; pass side= and time= with names "
            "of columns."
        )
    sides = np.asarray(columns[side]).astype(str)
    try:
        times = np.asarray(columns[time]).astype(float)
    except ValueError:
        raise ValueError(f"column {time!r} holds text that is no number; pass times in ms.") from None
    if strange := sorted(set(sides.tolist()) - {"pre", "post"}):
        raise ValueError(f"column {side!r} holds {strange[0]!r}; pass 'pre' or 'post' in every row.")
    if not np.isfinite(times).all():
        raise ValueError(f"column {time!r} holds {times[~np.isfinite(times)][0]}; pass finite times in ms.")
    return Trains(*(tuple(np.sort(times[sides == name])) for name in ("pre", "post")))


def _columns(table: Any) -> Mapping[Any, Any]:
    """Columns of a table by name."""
    if isinstance(table, str | Path):
        with Path(table).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
        if not rows:
            raise ValueError(
                f"table {str(table)!r} has no rows; pass a CSV file with a line of names and one per spike."
            )
        return {name: [row[name] for row in rows] for name in rows[0]}
    if hasattr(table, "keys") and hasattr(table, "__getitem__"):
        named = getattr(table, "variables", None)
        return {name: np.asarray(table[name]) for name in (table.keys() if named is None else named)}
    raise TypeError(f"table is {short(table)}; pass a path, a DataFrame, a Dataset or a mapping of columns.")
