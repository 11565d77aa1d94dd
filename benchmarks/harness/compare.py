"""Agreement first, then time: every peer of a case against synfwp, by turns, in one run."""

import statistics
import time
from typing import Any

from peers import OURS, PEERS, Arrays, Case, Peer

from .processes import Pool, arrays
from .worker import SLOW

# Largest difference allowed, as a fraction of the largest entry: both sides add up to T = 512 terms in float32 in
# different orders. Each rounding is 6e-8 of a term; if all of them add up, 512 of them are 3e-5, and 3 times that is
# let pass. A wrong gate, sign or transpose is an error of order 1.
TOLERANCE = 1e-4


def disagreement(theirs: Arrays, ours: Arrays) -> tuple[str, float]:
    """Which of our results a peer misses by most, and by how much of its largest entry (a missing one: inf)."""
    worst = ("", 0.0)
    for name, mine in ours.items():
        value = float("inf")
        if name in theirs and theirs[name].shape == mine.shape:
            value = float(abs(theirs[name] - mine).max()) / max(float(abs(mine).max()), 1e-30)
        if not value <= worst[1]:  # NaN is a disagreement
            worst = (name, value)
    return worst


def load(pool: Pool, peer: Peer, case: Case, ours: Arrays | None) -> tuple[dict[str, Any], Arrays | None]:
    """What is known of one peer before it is timed; its results are compared with ours here."""
    path = pool.path / "results.npz"
    answer = pool[peer.module].ask(do="load", form=peer.form, case=case.as_json(), path=str(path))
    if "error" in answer:
        return {"status": answer["error"]}, None
    with arrays(path) as theirs:
        if ours is None:
            return {"status": "timed", "estimate": answer["seconds"]}, theirs
        name, worst = disagreement(theirs, ours)
        status = "timed" if worst <= TOLERANCE else f"disagrees in {name}: not timed"
        return {"status": status, "difference": worst, "estimate": answer["seconds"], "first_s": answer["first"]}, None


def compare(pool: Pool, case: Case, seconds: float) -> dict[str, Any]:
    """Medians of every peer on one case, in milliseconds, within about so many seconds of measuring."""
    peers = [peer for peer in PEERS if peer.takes(case, pool.threads)]
    records: dict[str, dict[str, Any]] = {}
    records[OURS.name], ours = load(pool, OURS, case, None)
    if ours is None:
        raise RuntimeError(f"synfwp failed on {case}: {records[OURS.name]['status']}")
    for peer in peers[1:]:
        records[peer.name], _ = load(pool, peer, case, ours)
    ready = [peer for peer in peers if records[peer.name]["status"] == "timed"]
    times = by_turns(pool, ready, records, seconds)
    for name, record in records.items():
        record.pop("estimate", None)
        if record["status"] == "timed":
            seconds_each = times[name]
            record |= {"ms": 1e3 * statistics.median(seconds_each), "least_ms": 1e3 * min(seconds_each)}
            record["calls"] = len(seconds_each)
            record["ratio"] = record["ms"] / records[OURS.name]["ms"]
    return {"case": case.as_json(), "threads": pool.threads, "gflop": case.gflop, "peers": records}


def by_turns(
    pool: Pool, peers: list[Peer], records: dict[str, dict[str, Any]], seconds: float
) -> dict[str, list[float]]:
    """Seconds of the calls of each peer. Everyone is called in every round; one who is slow, in the first three only.

    One who is very slow was called already. A peer that fails on the way gets its error as its status.
    """
    times = {peer.name: [t] if (t := records[peer.name]["estimate"]) > SLOW else [] for peer in peers}
    peers = [peer for peer in peers if not times[peer.name]]
    calls = {peer.name: max(1, min(20, int(0.02 / records[peer.name]["estimate"]))) for peer in peers}
    cost = {name: records[name]["estimate"] * (n + 1) for name, n in calls.items()}
    slow = {name for name, t in cost.items() if t > seconds / 8}
    quick = sum(t for name, t in cost.items() if name not in slow)
    rounds = max(3, min(12, int(seconds / max(quick, 1e-9)))) if OURS.name not in slow else 3
    for i in range(rounds):
        for peer in peers:
            name, few = peer.name, 3 if cost[peer.name] < seconds else 1
            if records[name]["status"] != "timed" or (name in slow and i >= few):
                continue
            time.sleep(0.02)  # threads of the peer before wait for work some milliseconds before they sleep
            answer = pool[peer.module].ask(do="time", form=peer.form, calls=calls[name])
            if "error" in answer:
                records[name]["status"] = answer["error"]
            times[name] += answer.get("seconds", [])
    return times


def sgemm(pool: Pool, size: int) -> float:
    """The machine's own rate in GFLOP/s: a float32 matrix product by NumPy's BLAS, same threads."""
    return 2e-9 * size**3 / min(pool[OURS.module].ask(do="sgemm", size=size)["seconds"])
