"""One sequence of items in a spiking network: which phases write an item, and when it is read."""

from typing import Any, NamedTuple

import numpy as np

from synfwp import coefficients
from synfwp.rules import Rule
from synfwp.substrates.engines import Engine, Setup, make_engine
from synfwp.substrates.log import ragged

Array = np.ndarray


class Items(NamedTuple):
    """A sequence: q, k (T, d_k), v (T, d_v), beta (T,), decay; what is sent at the peak rate of k, q and v; marks."""

    q: Array
    k: Array
    v: Array
    beta: Array
    decay: Array | None
    largest: tuple[float, float, float]
    scored: Array | None  # (T,) booleans


class Left(NamedTuple):
    """What a sequence leaves: W, reads of W and of spikes, share at a bound, spikes per item and read, and its log."""

    W: Array
    y: Array
    y_spikes: Array
    bounded: float
    spent: float
    asked: float
    log: dict[str, Any]


def run_sequence(setup: Setup, rule: Rule, sent: Items, rng: np.random.Generator, record: bool) -> Left:
    """Write and read item after item, from W = 0."""
    (q, k, v, beta, decay), (k_max, q_max, v_max) = sent[:5], sent.largest
    n, s, b = setup.code.neurons_per_feature, setup.schedule, beta * k_max**2
    (T, d_k), d_v = k.shape, v.shape[1]
    keys = np.repeat(k / k_max, n, axis=1)
    inhibited, writes = _partners(rule, keys, sent)
    asked = coefficients.read_queries(rule, q, k)
    engine = make_engine(setup, rng, keys.shape[1] + inhibited.shape[1], d_v * n, record)
    reads = _reads(sent, s.read, writes)
    y, y_spikes, spent, paid = np.empty((T, d_v)), np.full((T, d_v), np.nan), 0, 0
    to_units, W = v_max / k_max, np.zeros((d_v, d_k))
    for t in range(T):
        before = engine.spikes
        if decay is not None:
            engine.W *= decay[t] if decay.ndim == 1 else np.resize(np.repeat(decay[t], n), len(engine.W))[:, None]
        if writes[t]:
            write_item(engine, rule, keys[t], inhibited[t], np.repeat(v[t] / v_max, n), b[t])
            spent += engine.spikes - before
        W = engine.W[: keys.shape[1]].reshape(d_k, n, d_v, n).mean(axis=(1, 3)).T * to_units
        y[t] = W @ asked[t]
        if reads[t]:
            before = engine.spikes
            query = np.concatenate([np.repeat(q[t] / q_max, n), inhibited[t] * (k_max / q_max)])
            engine.W[keys.shape[1] :] = -engine.W[: inhibited.shape[1]]  # what a partner fires is taken off
            signal = engine.phase(s.retrieve, query, None, plastic=False).signal
            y_spikes[t] = signal.reshape(d_v, n).mean(axis=1) * to_units * q_max
            engine.gap(s.gap)
            paid += engine.spikes - before
    bounded = float((np.abs(engine.W[: keys.shape[1]]) >= setup.bound).mean())
    log = ragged(engine.log, setup.dt, engine.W.shape) if record else {}
    per_item, per_read = spent / max(int(writes.sum()), 1), paid / max(int(reads.sum()), 1)
    return Left(W, y, y_spikes, bounded, per_item, per_read, log)


def _reads(sent: Items, read: str, writes: Array) -> Array:
    """The tokens (T,) that are read out in spikes; a marked token is, even if its query is silent."""
    asks = np.asarray((sent.q > 0).any(axis=1))
    if sent.scored is None:
        return asks & ~writes if read == "end" else asks
    return {"auto": sent.scored, "every": asks | sent.scored, "end": (asks | sent.scored) & ~writes}[read]


def _partners(rule: Rule, keys: Array, sent: Items) -> tuple[Array, Array]:
    """Rates (T, .) of the partners of key neurons, the mean of the keys before, if the rule has them; what writes."""
    writes = (sent.k > 0).any(axis=1) & (sent.beta > 0)
    return coefficients.running_mean(keys).before if rule.centred else np.zeros_like(keys[:, :0]), writes


def write_item(engine: Engine, rule: Rule, key: Array, inhibited: Array, value: Array, beta: float) -> None:
    """The phases that write one item; ``inhibited`` are the rates of the partners of the key neurons, if any."""
    setup = engine.setup
    mechanism, s = setup.mechanism, setup.schedule
    if mechanism.retrieves:
        E = engine.phase(s.retrieve, key, None, online=beta if mechanism.online else 0.0).eligibility
        if not mechanism.online:
            _add(engine.W, -beta * E, setup.bound)
        engine.gap(s.gap)
    now = -beta if mechanism.online and mechanism.predicts else 0.0  # what is online is taken off
    E = engine.phase(s.encode, np.concatenate([key, inhibited]), value, online=now).eligibility
    if now == 0:
        n = len(key)
        E = E[:n] - E[n:] if len(inhibited) else E
        _add(engine.W[:n], (-beta if rule.write == "-beta" else beta) * E, setup.bound)
    engine.gap(s.gap)


def _add(W: Array, change: Array, bound: float) -> None:
    """Add to the weights; each synapse of a pair stays between 0 and 2 w0."""
    W += change
    np.clip(W, -bound, bound, out=W)
