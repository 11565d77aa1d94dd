r"""The table of realisations: what a mechanism of synapses really carries out when it is asked for a rule.

A rule is what is asked; a mechanism is how synapses do it. Each row tells which rules a mechanism can run and gives
the coefficients it has on average,

    W_t = W_{t-1} diag(retain) - erase (W' k_t) k_t^T + write v_t k_t^T,    W' the decayed W,

from parameters and instructions alone. Bias (asked against effective) and noise (effective against run) are thereby
told apart. Rows for spikes work in the units that a `SpikingNetwork` sends: keys and values at most 1. A centred rule
has its coefficients along the keys that it writes under (`synfwp.streams.written_keys`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq

from synfwp import checks
from synfwp.rules import Rule, get_rule
from synfwp.streams import Coefficients

Array = np.ndarray


class Gains(NamedTuple):
    """Mean gains of a spiking realisation, each against what is asked.

    ``write`` and ``erase`` multiply beta; ``own`` is the erasure of a synapse by its own spikes, for a key at peak;
    ``cross_talk`` is the weight with which spikes of the neighbouring phase enter a phase. ``live``: W changes while it
    is read.
    """

    write: float
    erase: float
    own: float
    cross_talk: float
    live: bool = False


@dataclass(frozen=True)
class Realisation:
    """One mechanism: the rules it can run, its closed form (LaTeX) and its source."""

    name: str
    kind: str
    runs: Callable[[Rule], bool]
    effective: Callable[..., Coefficients]
    closed_form: str
    cite: str


def is_hebbian(rule: Rule) -> bool:
    """Whether the rule only adds or takes away outer products."""
    return rule.plain and rule.erase is None and rule.write in ("beta", "-beta")


def is_delta(rule: Rule) -> bool:
    """Whether the rule replaces what the key retrieves from the decayed weights."""
    replaces = rule.plain and rule.erase == "beta" and rule.write == "beta"
    return replaces and (rule.retain is None or rule.order == "decay_first")


def is_covariance(rule: Rule) -> bool:
    """Whether the rule is Hebbian but for keys that are taken less their running mean."""
    return rule.centred and is_hebbian(replace(rule, centred=False))


def why_not(rule: Rule) -> tuple[str, str]:
    """What no synapse of a mechanism can do that the rule asks for, and the nearest rule that can be run."""
    delta = "gated_delta" if rule.retain == "scalar" else "key_gated_delta" if rule.retain == "key" else "delta"
    reasons = (
        (rule.self_reference, "the fast weights send their own keys, queries and betas", "delta"),
        ("recurrent" not in rule.forms, "it keeps every pair and has no weights", "hebb"),
        (rule.writes > 1, "it writes several times a token; a mechanism writes once", delta),
        (rule.error == "key", "a presynaptic neuron would have to be told the error of its key", delta),
        (rule.uses_pair, "what is erased is read by a key that no neuron sends", delta),
        (rule.normalised, "reads are divided by the sum of all keys, which no synapse holds", "hebb"),
        ("proximal" in (rule.erase, rule.write), "its step depends on all other inputs through |k|^2", delta),
        (rule.read == "before", "a token is read after it is written", "delta" if rule.erase else "hebb"),
        (rule.write is None, "it writes no value", delta),
        (rule.order == "undecayed" and rule.erase is not None, "synapses decay before they are read", delta),
        (rule.centred and rule.erase is not None, "no retrieval is centred", delta),
        (rule.centred, "no inhibition takes off the mean of the keys", "hebb"),
        (rule.erase is not None, "what is erased and what is written have gains other than beta", delta),
    )
    for holds, why, nearest in reasons:
        if holds:
            return why, nearest
    return "what is written has a gain other than beta", "hebb"


def choose(rule: Rule, kind: str) -> Realisation:
    """The row of one kind ("rate" or "spikes") that runs a rule by default: the first one that can.

    Raises
    ------
    ValueError
        If none can; the message says which rules can be run.
    """
    for row in REALISATIONS.values():
        if row.kind == kind and row.runs(rule):
            return row
    why, nearest = why_not(rule)
    able = choose(get_rule(nearest), kind)
    raise ValueError(
        f"rule {rule.name!r} ({rule.equation or 'no equation given'}) is not one that a {kind} mechanism carries out: "
        f"{why}; they run rules that write 'beta' or '-beta' and erase nothing, or write and erase 'beta' from the "
        f"decayed W, once a token; mechanism {able.name!r} runs the nearest, {nearest!r}."
    )


def check_runs(name: str, rule: Rule) -> Realisation:
    """The row of a mechanism, or a ValueError that says why it cannot run the rule and names one that can."""
    row = checks.lookup("mechanism", name, REALISATIONS)
    if row.runs(rule):
        return row
    able = choose(rule, row.kind)
    why = "has no erasure" if is_delta(rule) else "erases what the key retrieves"
    raise ValueError(f"mechanism {name!r} {why} and cannot run rule {rule.name!r}; use {able.name!r}.")


# --- rate networks: T = duration of a write, tau = lag of the read-out, T_read = duration of a retrieval --------------


def instant(
    rule: Rule, k: Array, beta: Array, decay: Array | None, tau: float, T: float, T_read: float
) -> Coefficients:
    """Gradient flow with an instantaneous read-out: writes and erases ``(1 - exp(-beta |k|^2)) / |k|^2``."""
    gain = beta if is_hebbian(rule) else saturated(beta, k)
    return _with(rule, k, gain, gain, decay)


def lagged(rule: Rule, k: Array, beta: Array, decay: Array | None, tau: float, T: float, T_read: float) -> Coefficients:
    """Gradient flow whose read-out lags by tau, from rest: erases (1 - P00)/|k|^2, writes (1 - P00 - P01)/|k|^2."""
    if is_hebbian(rule):
        return _with(rule, k, beta, beta, decay)
    size = np.einsum("...i,...i->...", k, k)
    P = lag_propagator(beta * size, tau, T)
    safe = np.where(size > 0, size, 1)
    erase = np.where(size > 0, (1 - P[..., 0, 0]) / safe, beta)
    write = np.where(size > 0, (1 - P[..., 0, 0] - P[..., 0, 1]) / safe, beta)
    return _with(rule, k, write, erase, decay)


def latched(
    rule: Rule, k: Array, beta: Array, decay: Array | None, tau: float, T: float, T_read: float
) -> Coefficients:
    """Retrieve for T_read, hold, then write: writes beta and erases ``beta (1 - exp(-T_read / tau))``."""
    return _with(rule, k, beta, beta * -np.expm1(-T_read / tau), decay)


def lag_propagator(gain: Array, tau: float, T: float) -> Array:
    """``exp(T [[0, -G], [1/tau, -1/tau]])`` for total gains ``G T`` of any shape: (..., 2, 2), of (u - v, y - v).

    >>> import numpy as np
    >>> P = lag_propagator(np.array(8.0), tau=50.0, T=100.0)
    >>> round(float(np.linalg.eigvals(P).real.max()), 3)
    -0.274
    """
    gain, h = np.asarray(gain, float), T / (2 * tau)  # A + h has the eigenvalues +-s
    s = np.sqrt(h**2 - 2 * h * gain + 0j)
    slow, fast = np.exp(-2 * h * gain / (h + s)), np.exp(-h - s)  # s - h without cancellation
    cosh = ((slow + fast) / 2).real
    sinh = np.where(np.abs(s) > 1e-6, (slow - fast) / (2 * np.where(s == 0, 1, s)), np.exp(-h)).real  # over s
    rows = [[cosh + h * sinh, -gain * sinh], [2 * h * sinh, cosh - h * sinh]]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def calibrated(flow: str, k: Array, beta: Array, tau: float, T: float) -> Array:
    """Gains that make the closed form of a flow write exactly beta, in the shape of beta.

    Raises
    ------
    ValueError
        Where no finite gain does: with an instantaneous read-out, where beta |k|^2 >= 1.
    """
    if flow == "latched":
        return beta
    size = np.einsum("...i,...i->...", k, k)
    wanted = beta * size
    if flow == "instant":
        if np.any(wanted >= 1):
            raise ValueError(
                f"beta |k|^2 is {float(wanted.max()):.4g}; flow 'instant' would need infinite gain from 1 on; "
                "lower beta, or use flow='latched'."
            )
        return np.where(size > 0, -np.log1p(-wanted) / np.where(size > 0, size, 1), beta)

    def excess(gain: float, goal: float) -> float:
        P = lag_propagator(np.array(gain), tau, T)
        return float(1 - P[0, 0] - P[0, 1] - goal)

    top = np.pi**2 * tau / T + T / (4 * tau)  # half a turn of the lagged loop in T: past its first overshoot
    gains = np.linspace(0, top, 4001)
    P = lag_propagator(gains, tau, T)
    reach = 1 - P[:, 0, 0] - P[:, 0, 1]
    first = int(reach.argmax())
    if np.any(wanted > reach[first]):
        raise ValueError(
            f"beta |k|^2 is {float(wanted.max()):.4g}; flow 'lagged' with tau={tau:g} and T_write={T:g} ms writes at "
            f"most {reach[first]:.4g}; lower beta, or use flow='latched'."
        )
    edge = excess(gains[first], 0.0)

    def gain_for(goal: float) -> float:
        return brentq(excess, 0, gains[first], args=(goal,)) if 0 < goal < edge else gains[first] * (goal > 0)

    solve = np.vectorize(gain_for, otypes=[float])
    return np.where(size > 0, solve(wanted) / np.where(size > 0, size, 1), beta)


# --- spikes ----------------------------------------------------------------------------------------------------------


def gated_trace(rule: Rule, k: Array, beta: Array, decay: Array | None, gains: Gains) -> Coefficients:
    """Coincidences of pre- and postsynaptic spikes, weighted by exp(-|dt| / tau): writes beta v k^T.

    What leaks in from the item before, ``cross_talk beta_t (v_{t-1} k_t^T + v_t k_{t-1}^T)``, is no coefficient of one
    item and is left out.
    """
    return _with(rule, k, beta * gains.write, beta, decay)


def two_phase(rule: Rule, k: Array, beta: Array, decay: Array | None, gains: Gains) -> Coefficients:
    """Depression by retrieval, then potentiation by encoding.

    A spike of a synapse's own presynaptic neuron drives its postsynaptic neuron, so that besides the mean retrieval
    each synapse is depressed in proportion to itself: ``retain_j = a_j (1 - beta own k_j)``. What leaks from one
    item's encoding into the next one's retrieval is no coefficient of one item and is left out; so is, with live
    depression, the lag of the synapses.
    """
    erase = beta * gains.erase
    c = _with(rule, k, beta * gains.write, saturated(erase, k) if gains.live else erase, decay)
    return _own(c, beta * gains.own, k)


def one_phase(rule: Rule, k: Array, beta: Array, decay: Array | None, gains: Gains) -> Coefficients:
    """A value and its prediction meet in one phase: the error ``v - W k`` changes the synapses.

    The prediction rises with the synapses and erases a little less than is written; a presynaptic spike meets its own
    part of the prediction in its trace (``own``). If W changes while it is read (``live``), what is still to be
    written and erased falls exponentially: with e the gain of erasure, ``x = beta e |k|^2``, the two are
    ``(1 - exp(-x)) / (e |k|^2)`` and e times that, and the rise, which comes first, is counted as if spread over the
    phase. What leaks in from the item before, ``cross_talk beta_t (v_t - W k_t) k_{t-1}^T``, is left out.
    """
    erase, write, own = beta * gains.erase, beta * gains.write, beta * gains.own
    if gains.live:
        erase = saturated(erase, k)
        write, own = erase * gains.write / gains.erase, -np.expm1(-own)
    return _own(_with(rule, k, write, erase, decay), own, k)


def _own(c: Coefficients, own: Array, k: Array) -> Coefficients:
    """What a synapse loses to its own spikes is a decay, after the others: ``retain_j (1 - own k_j)``."""
    keep = 1 - own[..., None] * k
    a = keep if c.a is None and c.a_key is None else keep * (c.a[..., None] if c.a is not None else c.a_key)
    return c._replace(a=None, a_key=a)


def saturated(beta: Array, k: Array) -> Array:
    """What a gradient flow does that reads while it writes: ``(1 - exp(-beta |k|^2)) / |k|^2``."""
    size = np.einsum("...i,...i->...", k, k)
    return np.where(size > 0, -np.expm1(-beta * size) / np.where(size > 0, size, 1), beta)


def stability_bound(k: Any, spikes: float) -> float:
    """Largest beta for which a delta rule that reads keys from Poisson counts is stable in the mean square.

    ``beta < 2 E|n|^2 / E|n|^4`` with ``n_j = Poisson(k_j spikes) / spikes``; for exact unit keys it is 2.

    Parameters
    ----------
    k : (d_k,) array
        A key, as rates relative to the one that gives ``spikes`` spikes.
    spikes : float
        Expected spikes for a rate of 1, over all clones in one window.

    >>> round(stability_bound([1.0], 80), 3)
    1.882
    """
    k = np.asarray(k, float)
    second = k**2 + k / spikes
    fourth = k**4 + 6 * k**3 / spikes + 7 * k**2 / spikes**2 + k / spikes**3
    total = second.sum()
    return float(2 * total / (total**2 + (fourth - second**2).sum()))


def repeated_bound(spikes: float, clones: int) -> float:
    """Largest beta for which one key at peak, sent by clones again and again, is stable in the mean square.

    A synapse of clone c changes by ``-beta n_c sum_d n_d W_d / clones``, ``n_c = Poisson(spikes) / spikes``. Second
    moments ``a I + b J`` of the clones' weights (J: all ones) stay of that kind, so that one item is a matrix (2, 2),
    exactly, and the bound is where it gets an eigenvalue of 1. With one clone it is ``2 E n^2 / E n^4``; clones that
    drift apart lower it.

    Parameters
    ----------
    spikes : float
        Expected spikes of one clone in one window.
    clones : int

    >>> round(repeated_bound(80, 1), 3), round(repeated_bound(10, 8), 3)
    (1.882, 1.736)
    """
    n, C = spikes, clones
    m2, m3 = 1 + 1 / n, 1 + 3 / n + 1 / n**2
    m4 = 1 + 6 / n + 7 / n**2 + 1 / n**3
    # E[n n^T S n n^T] for S = I and S = J: entry on the diagonal, entry off it
    eye = m4 + (C - 1) * m2**2, 2 * m3 + (C - 2) * m2
    ones = (
        m4 + 2 * (C - 1) * m3 + (C - 1) * m2**2 + (C - 1) * (C - 2) * m2,
        2 * m3 + 2 * m2**2 + 5 * (C - 2) * m2 + (C - 2) * (C - 3),
    )
    second = np.array([[eye[0] - eye[1], ones[0] - ones[1]], [eye[1], ones[1]]]) / C**2  # columns: S = I, S = J
    first = 2 * np.array([[1 / n, 0.0], [1.0, C + 1 / n]]) / C
    if C == 1:
        return float(2 * m2 / m4)
    bounds = np.linalg.eigvals(np.linalg.solve(second, first))
    return float(min(bound.real for bound in bounds if abs(bound.imag) < 1e-9 and bound.real > 0))


def count_cosine(spikes: float) -> float:
    """Cosine of one outer product of Poisson counts with the ideal one, rates uniform on (0, r_max).

    ``1 / (1 + 1.5 / (r_max T))``, with ``spikes = r_max T``.

    >>> round(count_cosine(10.0), 3)
    0.87
    """
    return 1 / (1 + 1.5 / spikes)


def trace_cosine(rho: float, T: float, tau: float) -> float:
    """Cosine of one outer product written by spike traces with the ideal one.

    ``(1 + 2 rho/T + rho^2/(4 tau T))^(-1/2)`` with
    ``rho = <r> / <r^2>`` in ms, window T and trace time constant tau in ms.

    >>> round(trace_cosine(rho=15.0, T=100.0, tau=20.0), 3)
    0.868
    """
    return float((1 + 2 * rho / T + rho**2 / (4 * tau * T)) ** -0.5)


def hebb_agreement(k: Any, v: Any, spikes: float, tau: float | None = None, T: float = 1.0) -> float:
    """Centred correlation of a Hebbian sum of items, written by spikes, with the ideal one: a ratio of variances.

    ``(S / (S + N))^(1/2)``: S is the variance of the entries of ``sum_t v_t k_t^T``, and N the mean variance that
    Poisson spikes add to them, ``sum_t (k^2 |v| + k v^2) / n + k |v| / m`` for rates relative to the peak, with
    ``m = n^2`` for counts and ``m = 4 tau n^2 / T`` for traces (T long against tau). Values are signed, push and pull.

    Parameters
    ----------
    k, v : (T, d_k) and (T, d_v) array
        Items; the largest key and the largest value are sent at the peak rate.
    spikes : float
        n, expected spikes at the peak rate in one window, over all clones.
    tau, T : float
        Time constant of the traces and window in ms; without tau, counts.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> round(hebb_agreement(rng.uniform(0, 1, (8, 50)), rng.standard_normal((8, 50)), 10.0), 2)
    0.74
    """
    k, v = (np.asarray(x, float) / np.abs(x).max() for x in (k, v))
    size = np.abs(v)
    double = spikes**2 * (1.0 if tau is None else 4 * tau / T)
    single = np.einsum("tj,ti->ij", k**2, size) + np.einsum("tj,ti->ij", k, v**2)
    noise = (single / spikes + np.einsum("tj,ti->ij", k, size) / double).mean()
    signal = np.einsum("tj,ti->ij", k, v).var()
    return float(np.sqrt(signal / (signal + noise)))


def _with(rule: Rule, k: Array, write: Array, erase: Array, decay: Array | None) -> Coefficients:
    """Streams with the gains of a mechanism in the places where the row has beta."""
    write = -write if rule.write == "-beta" else write
    scalar = rule.retain == "scalar"
    a, a_key = (decay, None) if scalar else (None, decay)
    if rule.erase is None:
        return Coefficients(write, None, None, a, a_key)
    p = None if decay is None else (decay[..., None] if scalar else decay) * k
    return Coefficients(write, erase, p, a, a_key)


REALISATIONS: Mapping[str, Realisation] = MappingProxyType(
    {
        row.name: row
        for row in (
            Realisation(
                "latched",
                "rate",
                lambda rule: is_hebbian(rule) or is_delta(rule),
                latched,
                r"W + \beta (v - (1 - e^{-T_r/\tau}) W k) k^\top",
                "hasselmo2002",
            ),
            Realisation(
                "instant",
                "rate",
                lambda rule: is_hebbian(rule) or is_delta(rule),
                instant,
                r"W + \frac{1 - e^{-\beta |k|^2}}{|k|^2} (v - W k) k^\top",
                "widrow1960",
            ),
            Realisation(
                "lagged",
                "rate",
                lambda rule: is_hebbian(rule) or is_delta(rule),
                lagged,
                r"P = e^{T [[0, -G], [1/\tau, -1/\tau]]},\ G = \beta |k|^2 / T",
                "widrow1960",
            ),
            Realisation(
                "gated_trace",
                "spikes",
                lambda rule: is_hebbian(rule) or is_covariance(rule),
                gated_trace,
                r"W \pm \beta v k^\top,\ \text{or}\ W \pm \beta v (k - \langle k \rangle)^\top",
                "hebb1949",
            ),
            Realisation(
                "two_phase",
                "spikes",
                is_delta,
                two_phase,
                r"W \mathrm{diag}(1 - \beta s k) + \beta ((1 + \epsilon) v - (\lambda - \epsilon) W k) k^\top",
                "hasselmo2002",
            ),
            Realisation(
                "dendritic",
                "spikes",
                is_delta,
                one_phase,
                r"W \mathrm{diag}(1 - \beta s k) + \beta (v - \lambda W k) k^\top,\ \text{live:}\ "
                r"\tfrac{1 - e^{-\beta \lambda |k|^2}}{\lambda |k|^2} (v - \lambda W k) k^\top",
                "urbanczik2014",
            ),
            Realisation(
                "inhibitory_cancellation",
                "spikes",
                is_delta,
                one_phase,
                r"W \mathrm{diag}(1 - \beta s k) + \beta g(v - \lambda W k) k^\top,\ "
                r"g(e) = \frac{[\rho_0 + e]_+ - [\rho_0 - e]_+}{1 + \min(\rho_0, 1)}",
                "vogels2011",
            ),
            Realisation(
                "pes",
                "spikes",
                is_delta,
                one_phase,
                r"W \mathrm{diag}(1 - \beta s k) + \beta (v - \lambda W k) k^\top,\ \text{live:}\ "
                r"\tfrac{1 - e^{-\beta \lambda |k|^2}}{\lambda |k|^2} (v - \lambda W k) k^\top",
                "macneil2011, bekolay2013",
            ),
        )
    }
)
