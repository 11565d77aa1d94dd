"""The kernel of a phase of spikes: draw for draw its twin, and the sums over pairs of spikes that it stands for."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from synfwp import reference
from synfwp.kernels import spiking as kernel

pytestmark = pytest.mark.kernels

N_PRE, N_POST, STEPS = 5, 3, 60
TRACE = float(np.exp(-0.5 / 20.0))
LIF = (np.exp(-0.5 / 20.0), 5.0 * np.sqrt(1 - np.exp(-1.0 / 20.0)), -50.0, -60.0, 4.0)


@dataclass(frozen=True)
class Phase:
    """Arguments of the kernel; `run` works on copies and hands them back."""

    rate: Any
    teach: Any
    tonic: float
    gain: float
    plastic: bool
    online: float
    clip: float
    delay: int
    lif: Any
    decays: tuple[float, float, float] = (TRACE, TRACE, float(np.exp(-0.5 / 5.0)))
    dendrite: float = 0.0

    def run(self, phase: Any, seed: int, times: int = 2) -> dict[str, Any]:
        """Two phases on end, from a state that is not at rest, so that what is carried over is seen."""
        start = np.random.default_rng(99)
        state = {
            "W": start.standard_normal((N_PRE, N_POST)),
            "E": np.zeros((N_PRE, N_POST)),
            "x": start.uniform(0, 1, N_PRE),
            "y": start.uniform(-1, 1, N_POST),
            "current": start.standard_normal(N_POST),
            "V": start.uniform(-65, -51, (2, N_POST)),
            "wait": start.integers(0, 3, (2, N_POST)),
        }
        rng = np.random.default_rng(seed)
        spikes = []
        for _ in range(times):
            pre, post = np.zeros((STEPS, N_PRE), np.int16), np.zeros((STEPS, 2, N_POST), np.int16)
            phase(
                rng, self.rate, self.teach, self.tonic, self.gain, self.dendrite, self.plastic, self.online, self.clip,
                self.delay, self.decays, self.lif, *state.values(), pre, post,
            )  # fmt: skip
            spikes.append((pre, post))
        found = {name: value.copy() for name, value in state.items()}
        return found | {
            "pre": np.stack([a for a, _ in spikes]),
            "post": np.stack([b for _, b in spikes]),
            "next": rng.random(),
        }


RATE = np.array([0.0, 0.02, 0.1, 0.5, 12.0])  # silent, and beyond 10, where numpy draws counts in another way
TEACH = np.array([[0.3, 0.0, 0.05], [0.0, 0.2, 0.0]])
RECALL = Phase(RATE, np.zeros((2, N_POST)), 0.0, 0.02, True, 0.0, np.inf, 2, None)
CASES = {
    "poisson, retrieval": RECALL,
    "poisson, read": replace(RECALL, plastic=False, delay=0),
    "poisson, clamped": replace(RECALL, teach=TEACH, gain=0.0),
    "poisson, online": replace(RECALL, online=0.003, clip=0.4),
    "poisson, delay longer than the phase": replace(RECALL, delay=STEPS + 1),
    "poisson, error of a current": replace(RECALL, teach=np.array([[0.3, -0.1, 0.05], [-0.3, 0.1, -0.05]]), gain=-0.02),
    "poisson, dendrite": replace(RECALL, teach=TEACH, gain=0.0, dendrite=0.02, decays=(TRACE, 0.0, RECALL.decays[2])),
    "poisson, dendrite, online": replace(RECALL, teach=TEACH, gain=0.0, dendrite=0.02, online=-0.003, clip=0.4),
    "lif, retrieval": replace(RECALL, tonic=-52.0, gain=0.5, lif=LIF),
    "lif, clamped": replace(
        RECALL, tonic=-55.0, gain=0.0, teach=np.array([[9.0, -9.0, 0.0], [-9.0, 9.0, 0.0]]), lif=LIF
    ),
    "lif, online": replace(RECALL, tonic=-52.0, gain=0.5, online=0.003, clip=0.4, lif=LIF),
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", CASES)
def test_the_kernel_draws_the_spikes_of_its_twin_one_for_one(name, seed):
    ours, twin = CASES[name].run(kernel.phase, seed), CASES[name].run(reference.phase, seed)
    for spikes in ("pre", "post", "wait"):
        assert np.array_equal(ours[spikes], twin[spikes])
    assert ours["next"] == twin["next"]  # as many draws, too
    assert ours["pre"].sum() > 0
    assert ours["post"].sum() > 0
    for value in ("W", "E", "x", "y", "current", "V"):
        # sums of some hundred terms in another order; the largest entries are about 1e3
        np.testing.assert_allclose(ours[value], twin[value], rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize(
    "change",
    [{"delay": 3}, {"gain": 0.04}, {"plastic": False}, {"online": 0.003}, {"dendrite": 0.01},
     *({"decays": (*RECALL.decays[:i], 0.8, *RECALL.decays[i + 1:])} for i in range(3))],
    ids=str,
)  # fmt: skip
def test_every_argument_of_a_retrieval_is_seen_by_that_comparison(change):
    ours, twin = RECALL.run(kernel.phase, 0), replace(RECALL, **change).run(reference.phase, 0)
    assert any(not np.allclose(ours[name], twin[name]) for name in ("W", "E", "x", "y", "current", "post"))


@pytest.mark.parametrize("name", ["poisson, retrieval", "poisson, clamped", "lif, retrieval", "lif, clamped"])
def test_eligibility_is_the_sum_over_pairs_of_spikes(name):
    case = CASES[name]
    state = {
        "W": np.full((N_PRE, N_POST), 0.5), "E": np.zeros((N_PRE, N_POST)), "x": np.zeros(N_PRE),
        "y": np.zeros(N_POST), "current": np.zeros(N_POST), "V": np.full((2, N_POST), -55.0),
        "wait": np.zeros((2, N_POST), np.int64),
    }  # fmt: skip
    rng, trains = np.random.default_rng(3), []
    for plastic in (False, True):  # spikes of the first phase pair with those of the second
        pre, post = np.zeros((STEPS, N_PRE), np.int16), np.zeros((STEPS, 2, N_POST), np.int16)
        kernel.phase(
            rng, case.rate, case.teach, case.tonic, case.gain, 0.0, plastic, 0.0, np.inf, case.delay, case.decays,
            case.lif, *state.values(), pre, post,
        )  # fmt: skip
        trains.append((pre, post))
    pre, post = (np.concatenate([pair[i] for pair in trains]).astype(int) for i in (0, 1))
    step = np.arange(2 * STEPS) * 0.5
    before = [np.repeat(step, pre[:, j]) for j in range(N_PRE)]
    sides = [[np.repeat(step, post[:, side, i]) for side in range(2)] for i in range(N_POST)]
    after = [np.concatenate(pair) for pair in sides]
    sign = [np.concatenate([np.ones(len(push)), -np.ones(len(pull))]) for push, pull in sides]
    window = (STEPS * 0.5 - 0.25, 1e9)
    # exponents of the traces and of the sum differ by rounding of 60 products
    np.testing.assert_allclose(
        state["E"], reference.spike_pairs(before, after, sign, window, 20.0), rtol=1e-9, atol=1e-9
    )


def test_a_neuron_that_is_driven_below_threshold_without_noise_reaches_its_drive_and_one_above_fires_regularly():
    steps, n = 400, 2
    post = np.zeros((steps, 2, n), np.int16)
    V, wait = np.full((2, n), -70.0), np.zeros((2, n), np.int64)
    teach = np.array([[15.0, 40.0], [15.0, 40.0]])  # mV above -70; the threshold is 20 above
    quiet = (LIF[0], 0.0, *LIF[2:])
    kernel.phase(
        np.random.default_rng(0), np.zeros(1), teach, -70.0, 0.0, 0.0, False, 0.0, np.inf, 0, (0.9,) * 3, quiet,
        np.zeros((1, n)), np.zeros((1, n)), np.zeros(1), np.zeros(n), np.zeros(n), V, wait,
        np.zeros((steps, 1), np.int16), post,
    )  # fmt: skip
    assert post[:, :, 0].sum() == 0
    np.testing.assert_allclose(V[:, 0], -55.0 - 15.0 * np.exp(-200.0 / 20.0), atol=1e-9)
    gaps = np.diff(np.flatnonzero(post[:, 0, 1]))
    # from reset, -60, to -50 towards -30: 20 ms ln(30 / 20) = 8.11 ms, in steps of .5 ms, then 4 silent steps
    assert set(gaps.tolist()) == {int(np.ceil(20.0 * np.log(30 / 20) / 0.5)) + 4}


def test_means_of_spikes_are_the_rates():
    case = replace(RECALL, rate=np.full(N_PRE, 0.3), teach=np.full((2, N_POST), 0.2), gain=0.0, plastic=False)
    runs = [case.run(kernel.phase, seed) for seed in range(30)]
    for name, expected in (("pre", 0.3), ("post", 0.2)):
        counts = np.stack([run[name] for run in runs]).astype(float)
        # Poisson: variance = mean; 4 standard errors, about 1 in 16000
        assert abs(counts.mean() - expected) < 4 * np.sqrt(expected / counts.size)
