"""Pairs, bursts and triplets, and those of the published tables."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from synfwp import units
from synfwp.checks import count, lookup, one_of
from synfwp.data import load_table
from synfwp.plasticity.protocols.base import Protocol

__all__ = ["bursts", "from_table", "pairs", "triplets"]

KINDS = ("pre-post-pre", "post-pre-post")
NAMES = ("pairs", "bursts")  # of the protocols of a table that has two


def pairs(n: int = 60, rate: float = 1.0, dt: float = 10.0) -> Protocol:
    """``n`` pairs of one presynaptic and one postsynaptic spike at ``rate``.

    The first spike of the protocol is at 0 ms.

    Parameters
    ----------
    n : int
        Number of pairs.
    rate : float
        Pairs per second, Hz.
    dt : float
        Time of the postsynaptic minus the presynaptic spike, ms; positive is pre before post.

    Returns
    -------
    Protocol

    References
    ----------
    Bi & Poo 1998 (60 pairs at 1 Hz).

    Examples
    --------
    >>> protocol = pairs(n=3, rate=10.0, dt=-10.0)
    >>> protocol.pre.tolist(), protocol.post.tolist()
    ([10.0, 110.0, 210.0], [0.0, 100.0, 200.0])
    """
    dt = units.number(dt, "ms", "dt")
    return Protocol(pre_motif=(max(0.0, -dt),), post_motif=(max(0.0, dt),), n=n, rate=rate)


def bursts(n: int = 15, size: int = 5, rate: float = 50.0, dt: float = 10.0, interval: float = 10000.0) -> Protocol:
    """``n`` bursts, one every ``interval``, of ``size`` pairs of a presynaptic and a postsynaptic spike at ``rate``.

    The numbers are those of Sjostrom, Turrigiano & Nelson (2001) for 10 to 50 Hz (second hand: Costa et al. 2015). The
    first spike of the protocol is at 0 ms.

    Parameters
    ----------
    n : int
        Number of bursts.
    size : int
        Pairs of a burst.
    rate : float
        Pairs per second within a burst, Hz.
    dt : float
        Time of the postsynaptic minus the presynaptic spike, ms; positive is pre before post.
    interval : float
        From the begin of one burst to the next, ms.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError, TypeError
        If spikes of a burst, or bursts, run into each other.

    References
    ----------
    Sjostrom, Turrigiano & Nelson 2001, Neuron 32:1149; Costa, Froemke, Sjostrom & van Rossum 2015, eLife 4:e09457.

    Examples
    --------
    >>> protocol = bursts(n=2, size=3, rate=50.0, dt=10.0)
    >>> protocol.pre.tolist(), protocol.post.tolist()
    ([0.0, 20.0, 40.0, 10000.0, 10020.0, 10040.0], [10.0, 30.0, 50.0, 10010.0, 10030.0, 10050.0])
    """
    one = pairs(n=count("size", size), rate=rate, dt=dt)
    every = units.number(interval, "ms", "interval", 0.0, above=True)
    if one.pre.size > 1 and min(np.diff(one.pre).min(), np.diff(one.post).min()) <= 0:
        raise ValueError(
            f"rate is {rate:g} Hz and dt {dt:g} ms, with which spikes of a burst fall on one another; pass other ones."
        )
    if count("n", n) > 1 and (lasts := float(max(np.ptp(one.pre), np.ptp(one.post)))) >= every:
        raise ValueError(
            f"interval is {every:g} ms, but {size} pairs at a rate of {rate:g} Hz last {lasts:g} ms; pass a longer one."
        )
    return Protocol(pre_motif=tuple(one.pre), post_motif=tuple(one.post), n=n, rate=1000.0 / every)


def triplets(kind: str, dt1: float, dt2: float, n: int = 60, rate: float = 1.0) -> Protocol:
    """``n`` triplets of spikes at ``rate``, with the two intervals of Wang et al. (2005).

    Both intervals are post minus pre. In ``"pre-post-pre"``, ``dt1 = t_post - t_pre1 > 0`` and
    ``dt2 = t_post - t_pre2 < 0``; in ``"post-pre-post"``, ``dt1 = t_post1 - t_pre < 0`` and
    ``dt2 = t_post2 - t_pre > 0``. The first spike of the protocol is at 0 ms.

    Parameters
    ----------
    kind : str
        ``"pre-post-pre"`` or ``"post-pre-post"``.
    dt1, dt2 : float
        Intervals, ms.
    n : int
        Number of triplets.
    rate : float
        Triplets per second, Hz.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError
        If the kind is unknown, or a sign does not give the order that ``kind`` names.

    Examples
    --------
    >>> protocol = triplets("pre-post-pre", dt1=5.0, dt2=-15.0, n=2)
    >>> protocol.pre.tolist(), protocol.post.tolist()
    ([0.0, 20.0, 1000.0, 1020.0], [5.0, 1005.0])
    """
    one_of("kind", kind, KINDS)
    first, second = units.number(dt1, "ms", "dt1"), units.number(dt2, "ms", "dt2")
    sign = 1.0 if kind == "pre-post-pre" else -1.0
    if not (sign * first > 0.0 > sign * second):
        wanted = "dt1 > 0 and dt2 < 0" if sign > 0.0 else "dt1 < 0 and dt2 > 0"
        raise ValueError(f"dt1 is {first:g} and dt2 is {second:g}; {kind} needs {wanted} (post minus pre, ms).")
    middle, outer = (abs(first),), (0.0, abs(first) + abs(second))
    per_second = units.number(rate, "Hz", "rate", 0, above=True)
    if count("n", n) > 1 and outer[1] * per_second >= 1000:
        raise ValueError(
            f"dt1 and dt2 span {outer[1]:g} ms, but triplets at {per_second:g} Hz come every {1000 / per_second:g} ms; "
            "pass a lower rate or shorter intervals."
        )
    if kind == "pre-post-pre":
        return Protocol(pre_motif=outer, post_motif=middle, n=n, rate=rate)
    return Protocol(pre_motif=middle, post_motif=outer, n=n, rate=rate)


def from_table(name: str, protocol: str | None = None) -> tuple[Protocol, ...]:
    """The protocol of each point of a published table, in table order.

    ``wang2005_triplets``: 60 pairs or triplets at 1 Hz. ``bi_poo_1998_points``: 60 pairs at 1 Hz.
    ``nevian_sakmann2006_bursts``: 60 times at 0.1 Hz, a presynaptic spike and 3 postsynaptic ones at 50 Hz.
    ``sjostrom2001_frequency_timing`` has two, both at the point's rate and interval:

    - ``"pairs"``: 60 pairs in a row, which Pfister & Gerstner (2006) fitted their rule to; the one without a name;
    - ``"bursts"``: what was done in the experiment, 15 bursts of 5 pairs, one every 10 s, and at 0.1 Hz 50 single
      pairs (second hand: Costa et al. 2015).

    Parameters
    ----------
    name : str
        Of the table.
    protocol : str or None
        One of the above, where a table has several; None: the first.

    Returns
    -------
    tuple of Protocol

    Raises
    ------
    ValueError
        If no published table with pairing protocols has this name, or the table has no such protocol.

    References
    ----------
    Pfister & Gerstner 2006, J Neurosci 26:9673; Costa, Froemke, Sjostrom & van Rossum 2015, eLife 4:e09457.

    Examples
    --------
    >>> from_table("sjostrom2001_frequency_timing")[1]
    Protocol(pre_motif=(0.0,), post_motif=(10.0,), n=60, rate=10.0)
    >>> runs = from_table("sjostrom2001_frequency_timing", "bursts")
    >>> [(len(run.pre_motif), run.n, run.rate) for run in runs[:2]]
    [(1, 50, 0.1), (5, 15, 0.1)]
    """
    builders = lookup("table", name, _BUILDERS)
    if protocol is None:
        builder = builders[0]
    elif len(builders) == 1:
        raise ValueError(f"protocol is {protocol!r}, but the table {name} has only one protocol; leave it out.")
    else:
        builder = lookup("protocol", protocol, dict(zip(NAMES, builders, strict=True)))
    table = load_table(name).to_dataframe()
    return tuple(builder(row) for row in table.to_dict("records"))


def _sjostrom_pairs(row: Mapping[Any, Any]) -> Protocol:
    return pairs(rate=row["freq_hz"], dt=row["dt_ms"])


def _sjostrom_bursts(row: Mapping[Any, Any]) -> Protocol:
    if row["freq_hz"] < 1.0:
        return pairs(n=50, rate=row["freq_hz"], dt=row["dt_ms"])
    return bursts(rate=row["freq_hz"], dt=row["dt_ms"])


def _wang(row: Mapping[Any, Any]) -> Protocol:
    if row["protocol"] == "pair":
        return pairs(dt=row["dt1_or_T_ms"])
    return triplets(row["protocol"], row["dt1_or_T_ms"], row["dt2_ms"])


def _nevian_sakmann(row: Mapping[Any, Any]) -> Protocol:
    return Protocol(pre_motif=(0.0,), post_motif=tuple(row["dt_ms"] + step for step in (0.0, 20.0, 40.0)), rate=0.1)


def _bi_poo(row: Mapping[Any, Any]) -> Protocol:
    return pairs(dt=row["dt_post_minus_pre_ms"])


_BUILDERS = {
    "sjostrom2001_frequency_timing": (_sjostrom_pairs, _sjostrom_bursts),
    "wang2005_triplets": (_wang,),
    "bi_poo_1998_points": (_bi_poo,),
    "nevian_sakmann2006_bursts": (_nevian_sakmann,),
}
