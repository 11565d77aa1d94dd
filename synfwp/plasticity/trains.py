"""One synapse between two spike trains: what a row of plasticity makes of its weight."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from synfwp import checks, units
from synfwp.kernels.stdp import COINCIDENT, stdp

if TYPE_CHECKING:
    from synfwp.plasticity.synaptic import SynapticRule

FREE = (-np.inf, np.inf, 0.0)  # no bounds


def weight_change(
    rule: "SynapticRule", pre: ArrayLike, post: ArrayLike, w: Any, reward_times: ArrayLike | None, start: Any, stop: Any
) -> float:
    """The kernel on checked trains: see `SynapticRule.dw`."""
    _check_two_trains_do(rule, w, reward_times)
    trains = spike_train("pre", pre), spike_train("post", post)
    rewards = np.zeros(0) if reward_times is None else spike_train("reward_times", reward_times, apart=0.0)
    ends = [(train[0], train[-1]) for train in (*trains, rewards) if train.size]
    if not ends and start is None:
        return 0.0
    first = float(min(end[0] for end in ends)) if start is None else _time("start", start)
    last = np.inf if rule.tau_e is not None else float(max([first, *(end[1] for end in ends)]))
    last = last if stop is None else _time("stop", stop)
    outside = [end for end in ends if end[0] < first or end[1] > last]
    if outside:
        raise ValueError(
            f"spikes or rewards run from {outside[0][0]:g} to {outside[0][1]:g} ms, outside of start {first:g} and "
            f"stop {last:g} ms; cut the trains, or pass start and stop that hold them."
        )
    if last < first:
        raise ValueError(f"stop is {last:g} ms, before start at {first:g} ms; pass stop after start.")
    before = 0.0 if w is None else checks.number("w", units.to_float(w, "1", "w"))
    bounds = FREE if w is None else (float(rule.w_min), float(rule.w_max), float(rule.soft))
    if not bounds[0] <= before <= bounds[1]:
        raise ValueError(f"w is {before:g}, outside of w_min {bounds[0]:g} and w_max {bounds[1]:g} of the rule.")
    tau = (rule.tau_x1, rule.tau_x2, rule.tau_y1, rule.tau_y2)
    reward_terms = np.array([] if rule.tau_e is None else [rule.tau_e, rule.tau_reward, rule.reward], float)
    how = rule.interaction == "nearest", rule.coincident == "in order"
    rest = before, bounds, float(rule.tau_w), reward_terms, first, last
    after = stdp(*trains, rewards, rule.coefficients, tau, *how, *rest)
    return float(after) - before


def _check_two_trains_do(rule: "SynapticRule", w: Any, reward_times: Any) -> None:
    """Two trains, a weight and rewards are all that the rule needs."""
    name = f"rule {rule.name!r}"
    if rule.error:
        raise ValueError(
            f"{name} reads {rule.error!r} of a postsynaptic neuron, which two spike trains do not have; run it in a "
            "Circuit."
        )
    if rule.total is not None:
        raise ValueError(
            f"{name} normalises the sum of all incoming weights (total), and two trains have one synapse; run it in a "
            "Circuit, or leave total out."
        )
    if rule.tau_e is None and reward_times is not None:
        raise ValueError(f"{name} has no eligibility that a reward could apply; leave reward_times out, or give tau_e.")
    if rule.tau_e is not None:
        if reward_times is None:
            raise ValueError(f"{name} changes a weight only when it is rewarded; pass reward_times (ms).")
        if rule.soft or np.isfinite(rule.tau_w):
            raise ValueError(
                f"{name} has soft bounds or a leak while rewards change the weight, which has no closed form; run it "
                "in a Circuit."
            )
    if w is None and (rule.soft or np.isfinite(rule.tau_w)):
        what = "soft bounds scale" if rule.soft else "the leak (tau_w) takes"
        raise ValueError(f"{name}: what {what} depends on the weight; pass w, the weight before the first spike.")


def spike_train(what: str, times: Any, apart: float = 2 * COINCIDENT) -> np.ndarray:
    """Spike times (ms) as a contiguous float64 array, or an error that names the train."""
    train = np.array(units.to_float(times, "ms", what), dtype=np.float64)
    if train.ndim != 1:
        raise ValueError(f"{what} has shape {train.shape}; pass the spike times of one neuron, shape (n,).")
    bad = np.flatnonzero(~np.isfinite(train))
    if bad.size:
        raise ValueError(f"{what} has the spike time {train[bad[0]]} at index {bad[0]}; pass finite times in ms.")
    # two spikes of one train that are closer could both be simultaneous with the same spike of the other train
    gaps = np.flatnonzero(np.diff(train) <= apart)
    if gaps.size:
        first, second = train[gaps[0]], train[gaps[0] + 1]
        raise ValueError(
            f"{what} has spikes at {first:g} and then {second:g} ms (index {gaps[0]}); "
            "pass increasing times more than 2e-6 ms apart, e.g. numpy.unique(times)."
        )
    return train


def _time(what: str, value: Any) -> float:
    """A finite time, ms."""
    return float(checks.number(f"{what} (ms)", units.to_float(value, "ms", what)))
