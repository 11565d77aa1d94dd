"""Plasticity by calcium, by voltage, of spike responses and of rates: twins, closed forms, published shapes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import synfwp as fw
from synfwp import reference
from synfwp.kernels import calcium as calcium_kernels
from synfwp.kernels import voltage as voltage_kernels
from synfwp.plasticity import BCM, CalciumPlasticity, SpikeResponse, VoltagePlasticity, protocols
from synfwp.plasticity.spike_response import SPIKE_RESPONSE_PRESETS

trains = st.lists(st.integers(0, 80), max_size=5, unique=True).map(lambda ticks: np.sort(np.array(ticks, float)))


def window(rule, lags):
    """Change after 60 pairs at 1 Hz, for each lag."""
    runs = [protocols.pairs(n=60, rate=1.0, dt=float(lag)) for lag in lags]
    return np.array([rule.dw(run.pre, run.post) for run in runs])


@pytest.mark.kernels
@settings(max_examples=30, deadline=None)
@given(
    trains, trains, st.floats(0.3, 2.5), st.floats(0.3, 2.5), st.floats(5, 20), st.floats(0.5, 1.5), st.floats(0.5, 2.5)
)
def test_times_above_the_thresholds_are_those_on_a_fine_grid(pre, post, c_pre, c_post, tau, low, high):
    args = (c_pre, c_post), tau, (low, high), (0.01, 0.02), 0.4
    found = calcium_kernels.calcium(pre, post, *args)
    expected = reference.calcium(pre, post, *args, dt=0.01)
    np.testing.assert_allclose(found[:2], expected[:2], atol=0.01 * (2 + len(pre) + len(post)))  # a step per crossing
    assert found[2] == pytest.approx(expected[2], abs=2e-3)  # Euler steps of rates of 0.03 per ms


def test_one_spike_stays_above_for_the_logarithm_of_its_size():
    rule = CalciumPlasticity("DP")
    down, up, _ = rule.above([], [7.0])
    assert down == pytest.approx(20 * np.log(2), rel=1e-12)
    assert up == pytest.approx(20 * np.log(2 / 1.3), rel=1e-12)
    shifted = rule.above([0.0], [13.7])[:2]  # the delay of 13.7 ms puts both on the same time
    np.testing.assert_allclose(shifted, [20 * np.log(3), 20 * np.log(3 / 1.3)], rtol=1e-12)


def test_windows_have_the_shapes_that_name_them():
    """Graupner & Brunel 2012, fig. 2: depression (D) and potentiation (P) in the order of the lag."""
    lags, near = np.array([-20.0, -5.0, 5.0, 20.0]), 0.01
    for name, signs in {"DP": "--++", "P": "++++", "D_prime": "----"}.items():
        found = window(CalciumPlasticity(name), lags)
        assert "".join("+" if x > 0 else "-" for x in found) == signs, name
    for name, lags in {"DPD": [-10.0, 5.0, 15.0], "DPD_prime": [-15.0, 3.0, 15.0]}.items():
        found = window(CalciumPlasticity(name), lags)
        assert found[0] < -near < near < found[1], name
        assert found[2] < -near, name
    only = window(CalciumPlasticity("D"), np.linspace(-80, 80, 33))
    assert only.max() <= 1e-9
    assert only.min() < -0.1


def test_transition_probabilities_are_those_of_many_noisy_synapses():
    """The theory against the stochastic equation (without the slow drift), exact between crossings, 4000 synapses."""
    rule, run = CalciumPlasticity("DP"), protocols.pairs(n=60, rate=1.0, dt=10.0)
    rng = np.random.default_rng(3)
    rho = np.repeat([0.0, 1.0], 4000)
    one = rule.above(run.pre[:1], run.post[:1])  # pairs at 1 Hz do not interact: each spends these times above
    for _ in range(60):
        for up, time in ((True, one[1]), (False, one[0] - one[1])):
            rate = (rule.gamma_p * up + rule.gamma_d) / rule.tau
            mean = rule.gamma_p * up / (rule.gamma_p * up + rule.gamma_d)
            spread = rule.sigma**2 * (1 + up) / rule.tau / (2 * rate) * -np.expm1(-2 * rate * time)
            rho = mean + (rho - mean) * np.exp(-rate * time) + np.sqrt(spread) * rng.standard_normal(rho.shape)
    counted = (rho[:4000] > 0.5).mean(), (rho[4000:] < 0.5).mean()
    # four standard errors of 4000 coins, and the theory takes rates for their averages
    np.testing.assert_allclose(rule.transitions(run.pre, run.post), counted, atol=0.04)


def test_without_noise_every_synapse_goes_where_the_efficacy_goes():
    rule = CalciumPlasticity("DP", sigma=0.0)
    strong = protocols.pairs(n=3000, rate=20.0, dt=5.0)
    assert rule.transitions(strong.pre, strong.post) == (1.0, 0.0)
    assert rule.dw(strong.pre, strong.post) == pytest.approx(0.5 * 4 / 3)  # half the synapses, from 1 to b = 5


@pytest.mark.kernels
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.floats(0.1, 2.0))
def test_voltage_traces_are_sums_over_the_past(seed, T, dt):
    rng = np.random.default_rng(seed)
    spikes, v = (rng.random(T) < 0.2).astype(float), rng.uniform(-80, 20, T)
    args = dt, (15.0, 10.0, 7.0), (14e-5, 8e-5), (-70.6, -45.3), (60.0 * (seed % 2), -70.6, 20.0)
    np.testing.assert_allclose(
        voltage_kernels.voltage(spikes, v, *args), reference.voltage(spikes, v, *args), rtol=1e-10, atol=1e-16
    )


def test_a_clamped_neuron_has_a_closed_form():
    """Clopath et al. 2010, fig. 1h: the voltage in place of its means, and every spike's trace has an area of 1."""
    sets = {"visual_cortex": (14e-5, 8e-5, 70.6, 45.3), "hippocampus": (38e-5, 2e-5, 41.0, 38.0)}
    spikes = np.arange(0.0, 1000.0, 40.0)  # 25 Hz
    for name, (a, b, low, high) in sets.items():
        for u in (-80.0, -60.0, -46.0, -30.0, 0.0):
            ltd = len(spikes) * a * max(u + low, 0)
            ltp = len(spikes) * b * max(u + high, 0) * max(u + low, 0)
            found = VoltagePlasticity(name).parts(spikes, np.full(15000, u), dt=0.1)
            np.testing.assert_allclose(found, [ltd, ltp], rtol=1e-9)  # 500 ms after the last spike: exp(-33)


def test_homeostasis_multiplies_depression_by_the_mean_square_over_its_reference():
    """A clamp far longer than the mean: depression of one spike is that without homeostasis, times a ratio."""
    plain, u, spike = VoltagePlasticity("visual_cortex"), -50.0, [900.0]
    rule = VoltagePlasticity("visual_cortex", u_ref=60**0.5, v_rest=-70.6, tau_mean=20.0)
    v = np.full(1000, u)
    ratio = rule.parts(spike, v, dt=1.0)[0] / plain.parts(spike, v, dt=1.0)[0]
    assert ratio == pytest.approx((u + 70.6) ** 2 / 60, rel=1e-9)  # exp(-45) of the start is left
    assert rule.parts([0.0], v, dt=1.0)[0] == pytest.approx(plain.parts([0.0], v, dt=1.0)[0])  # it begins at 1
    assert rule.preset == "visual_cortex"


def test_a_spike_after_the_presynaptic_one_potentiates_and_before_it_depresses():
    """Clopath et al. 2010, fig. 2a, with a spike of 2 ms and an afterdepolarisation that decays in 40 ms."""
    rule, t = VoltagePlasticity("visual_cortex"), np.arange(0.0, 200.0, 0.1)

    def change(lag):
        since = t - 100.0 - lag
        v = np.where(since < 0, -70.6, np.where(since < 2, 30.0, -70.6 + 15 * np.exp(-np.maximum(since, 0) / 40)))
        return rule.dw([100.0], v, dt=0.1)

    assert change(10.0) > 0 > change(-10.0)
    assert change(10.0) > change(25.0)
    assert change(60.0) > -1e-6  # rest at theta_minus: nothing depresses


def test_spike_responses_are_explicit_sums_through_a_sigmoid():
    synapse = SpikeResponse.preset("rossbroich2021_both")
    times = np.array([0.0, 13.0, 20.0, 200.0, 260.0])
    lags = np.subtract.outer(times, times)
    kernel = sum(a / tau * np.exp(-np.maximum(lags, 0) / tau) for a, tau in ((1000, 100), (-1000, 250)))
    drive = -2.0 + np.where(lags > 0, kernel, 0).sum(axis=1)
    f = 1 / (1 + np.exp(-drive))
    np.testing.assert_allclose(synapse.responses(times), f / f[0], rtol=1e-12)
    np.testing.assert_allclose(synapse.responses(times, A=3.0), 3 * f, rtol=1e-12)


def test_more_calcium_turns_supralinear_facilitation_into_a_saturating_one():
    """Rossbroich et al. 2021, fig. 3: the baseline alone."""
    times = np.arange(5) * 20.0
    low, high = (
        SpikeResponse.preset(f"rossbroich2021_{name}_calcium").responses(times, A=1.0) for name in ("low", "high")
    )
    assert (np.diff(low[:4], 2) > 0).all()  # ever larger steps
    assert np.diff(high)[-1] < np.diff(high)[0]
    assert (high > low).all()
    assert {SpikeResponse.preset(name).taus for name in SPIKE_RESPONSE_PRESETS} == {(100.0,), (100.0, 250.0), (500.0,)}


def test_bcm_selects_one_of_n_patterns_and_answers_with_n():
    """Fixed points of E[x y (y - E[y^2])] for n orthogonal patterns: one response of n, or none at all."""
    rng = np.random.default_rng(2)
    for n in (2, 3):
        patterns = np.eye(n)[rng.integers(0, n, 60000)]
        w, _, theta = BCM(eta=0.002, tau=100.0).run(patterns, rng.uniform(0.4, 0.8, n))
        end = np.sort(w[-20000:].mean(axis=0))
        np.testing.assert_allclose(end[:-1], 0, atol=0.02)
        assert end[-1] == pytest.approx(n, rel=0.08)  # the threshold lags by 100 patterns and fluctuates
        assert theta[-20000:].mean() == pytest.approx(n, rel=0.08)


def test_bad_input_is_refused_by_name():
    voltage = VoltagePlasticity("visual_cortex")
    for match, call in {
        "preset of CalciumPlasticity": lambda: CalciumPlasticity("PD"),
        "CalciumPlasticity lacks C_pre": lambda: CalciumPlasticity(tau_Ca=20.0),
        "rho is 2": lambda: CalciumPlasticity("DP").above([], [], rho=2.0),
        "beta is 1.5": lambda: CalciumPlasticity("DP", beta=1.5),
        "v has no samples": lambda: voltage.dw([], [], dt=1.0),
        "pre has spikes from 5 to 5 ms, but v lasts from 0 to 3 ms": lambda: voltage.dw([5.0], np.zeros(3), dt=1.0),
        "amplitudes has 2 entries but taus 1": lambda: SpikeResponse(baseline=0.0, amplitudes=(1.0, 2.0), taus=(3.0,)),
        "times falls from 5 to 0 ms": lambda: SpikeResponse.preset("rossbroich2021_both").responses([5.0, 0.0]),
        r"w has shape \(3,\) but x 2 inputs": lambda: BCM().run(np.ones((4, 2)), np.ones(3)),
    }.items():
        with pytest.raises(ValueError, match=match):
            call()
    with pytest.raises(FloatingPointError, match="smaller eta"):
        BCM(eta=1.0, tau=1000.0).run(np.ones((100, 2)), [5.0, 5.0])


def test_a_circuit_records_what_voltage_plasticity_reads():
    """A voltage of a simulation goes into the rule as it is: without spikes of its own the neuron only depresses."""
    source = fw.SpikeSource(1, [20.0, 60.0], [0, 0], name="s")
    cells = fw.Population(1, fw.LIF(v_rest=-65.0, v_threshold=-50.0, v_reset=-65.0), "cells")
    ds = fw.Circuit([fw.Projection(source, cells, 5.0)]).run(100.0, record=fw.Record("cells", "v"))
    v = ds.v_cells.values[:, 0]
    ltd, ltp = VoltagePlasticity("visual_cortex").parts([20.0, 60.0], v, dt=100.0 / len(v))
    assert ltd > 0
    assert ltp == 0
