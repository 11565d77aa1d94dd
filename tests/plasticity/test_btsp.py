"""BTSP: the kernels against sums over the past, closed forms, the published shape, and binary synapses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

import synfwp as fw
from synfwp import reference
from synfwp.data import load_table
from synfwp.kernels import btsp as kernels
from synfwp.plasticity import BTSP, BinaryBTSP
from synfwp.plasticity.btsp import BTSP_PRESETS

FIG5 = BTSP("milstein2021_fig5")
gates = st.tuples(st.floats(0, 1), st.floats(0.1, 60), st.floats(0, 1), st.floats(0.1, 60))


@pytest.mark.kernels
@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 4), st.integers(1, 30), gates)
def test_the_kernels_equal_sums_over_the_past(seed, n, laps, steps, gates):
    rng = np.random.default_rng(seed)
    rate, plateau = rng.uniform(size=(n, laps * steps)), (rng.uniform(size=laps * steps) < 0.3).astype(float)
    plateau[0], keep = 1.0, tuple(rng.uniform(0.1, 0.99, 2))
    eligible, instructive = kernels.traces(rate, plateau, keep)
    sums = reference.btsp_traces(rate, plateau, keep)
    np.testing.assert_allclose(eligible, sums[0], rtol=1e-12)  # rounding of sums of up to 120 positive terms
    np.testing.assert_allclose(instructive, sums[1], rtol=1e-12)
    peaks = float(eligible.max()), float(instructive.max())
    found = kernels.integrals(eligible, instructive, peaks, gates, laps)
    # q is a difference of two sigmoids: its rounding is that of 1, divided by what they span
    span = min(abs(1 / (1 + np.exp(-b * (1 - a))) - 1 / (1 + np.exp(b * a))) for a, b in (gates[:2], gates[2:]))
    expected = reference.btsp_integrals(eligible, instructive, peaks, gates, laps)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-14 * steps / span)


@pytest.mark.parametrize("delay", [-3000.0, -500.0, 0.0, 800.0, 2500.0])
def test_two_short_events_with_linear_gates_have_a_closed_form(delay):
    """``exp(-|delay| / tau) tau_ET tau_IS / (tau_ET + tau_IS)``, tau that of the signal that has to last."""
    linear = BTSP("milstein2021_fig5", a_plus=0.5, b_plus=1e-3, a_minus=0.5, b_minus=1e-3)
    tau = 2500.0 if delay < 0 else 1500.0
    expected = np.exp(-abs(delay) / tau) * 2500 * 1500 / 4000 / 1000
    found = linear.integrals([delay], width=1.0, plateau=0.5, dt=0.5)
    # events and steps are 0.5 to 1 ms long, signals 1.5 s; the gates are straight up to b^2
    np.testing.assert_allclose(found, [[expected, expected]], rtol=3e-3)


@pytest.mark.parametrize("side", [0, 1])
def test_two_short_events_agree_with_quadrature_of_the_published_gates(side):
    a, b = ((0.5, 4.0), (0.01, 44.44))[side]

    def q(x):
        s = [1 / (1 + np.exp(-b * (y - a))) for y in (x, 0.0, 1.0)]
        return (s[0] - s[1]) / (s[2] - s[1])

    tau = 2.5 * 1.5 / 4.0
    for delay in (-2.0, 1.0):
        start = np.exp(delay / 2.5) if delay < 0 else np.exp(-delay / 1.5)
        expected = quad(lambda t, start=start: q(start * np.exp(-t / tau)), 0, 60, limit=200)[0]
        found = FIG5.integrals([1000 * delay], width=1.0, plateau=0.5, dt=0.5)[0, side]
        assert found == pytest.approx(expected, rel=3e-3)  # events of 0.5 to 1 ms


def test_the_published_set_has_the_published_shape():
    """Milstein et al. 2021, fig. 5: weak weights rise near the plateau, 1 falls everywhere, seconds wide."""
    at = np.linspace(-5000.0, 5000.0, 41)
    silent, half, full = (FIG5.window(at, w) for w in (0.0, 0.5, 1.0))
    assert (silent > 0).all()
    assert (full < 0).all()
    assert half[20] > 0 > min(half[0], half[-1])  # near the plateau, and far from it
    wide = at[silent > silent.max() / 2]
    assert wide[-1] - wide[0] > 2000  # seconds, not milliseconds
    assert -wide[0] > wide[-1]  # further before the plateau than after it
    network = BTSP("milstein2021_network").window(at, 0.0)
    assert network.max() > 0.3


def test_the_shape_is_that_of_the_data():
    """What is low rises everywhere, more before the plateau than after it; what is high falls seconds away."""
    table = load_table("milstein2021_btsp_binned")
    t, change = 1000 * table.t_from_plateau_s.values, table.delta_vm_mean_mV.values
    low, high = (table.initial_ramp_mV.values == name for name in ("<1", ">=4"))
    for found in (change[low], FIG5.window(t[low], 0.0)):
        assert (found > 0).all()
        before, after = (found[(sign * t[low] > 1000) & (sign * t[low] < 3000)].mean() for sign in (-1, 1))
        assert before > after
    assert FIG5.window([-3000.0, 3000.0], 0.8).max() < 0 < FIG5.window([0.0], 0.5)[0]
    assert change[high & (np.abs(t) > 2000)].max() < 0 < change[high & (np.abs(t) < 1000)].min()


def test_laps_are_steps_of_one_lap_with_signals_that_last():
    rng = np.random.default_rng(1)
    rate, plateau = rng.uniform(size=(4, 300)), np.zeros(300)
    plateau[40:60] = plateau[140:160] = 1.0
    peaks = 30.0, 20.0
    whole = FIG5.run(rate, plateau, 0.3, dt=20.0, laps=3, peaks=peaks)
    assert whole.shape == (3, 4)
    first = FIG5.run(rate[:, :100], plateau[:100], 0.3, dt=20.0, peaks=peaks)
    np.testing.assert_allclose(whole[0], first[0], rtol=1e-12)
    assert np.abs(whole[2] - whole[1]).min() > 0  # no plateau in the third lap, but its instruction lasts
    still = FIG5.run(rate, np.zeros(300), 0.3, dt=20.0, laps=3)
    np.testing.assert_array_equal(still, np.full((3, 4), 0.3))


def test_the_step_of_time_hardly_matters():
    coarse, fine = (FIG5.window(np.linspace(-4e3, 4e3, 9), 0.2, dt=dt) for dt in (20.0, 2.0))
    np.testing.assert_allclose(coarse, fine, atol=0.01)  # of weights between 0 and 1


def test_bad_input_is_refused_by_name():
    rate, plateau = np.ones((2, 10)), np.ones(10)
    for match, call in {
        "rate has 10 time steps but plateau 9": lambda: FIG5.run(rate, plateau[:9], 0.5, dt=1.0),
        "10 time steps are not 3 laps": lambda: FIG5.run(rate, plateau, 0.5, dt=1.0, laps=3),
        r"w has shape \(3,\)": lambda: FIG5.run(rate, plateau, [0.1, 0.2, 0.3], dt=1.0),
        "w holds 1.5": lambda: FIG5.run(rate, plateau, 1.5, dt=1.0),
        r"peaks has shape \(3,\)": lambda: FIG5.run(rate, plateau, 0.5, dt=1.0, peaks=[1, 2, 3]),
        "BTSP lacks tau_ET": lambda: BTSP(),
        "preset of BTSP": lambda: BTSP("milstein2021_fig6"),
        "a_plus is 1.5": lambda: BTSP("milstein2021_fig5", a_plus=1.5),
        "inputs, too many; pass a longer dt": lambda: FIG5.integrals([0.0], dt=1e-6),
        "x holds other numbers": lambda: BinaryBTSP().write(np.zeros((1, 2)), [0.5, 1], [1]),
        r"W has shape \(1, 2\)": lambda: BinaryBTSP().write(np.zeros((1, 2)), [1, 1], [1, 0]),
    }.items():
        with pytest.raises(ValueError, match=match):
            call()


@pytest.mark.parametrize("name", BTSP_PRESETS)
def test_a_preset_stays_while_its_values_do(name):
    assert BTSP(name).preset == name
    assert BTSP(name, tau_ET=999.0).preset is None


def test_binary_weights_forget_as_the_theory_of_coins():
    """``(1 - f_p f_q)^t`` of Wu & Maass (2025): 2e5 synapses, whose pattern by pattern dice are shared."""
    rng = np.random.default_rng(4)
    rule, f_p, f_q, n, m = BinaryBTSP(), 0.3, 0.4, 500, 400
    W = first = (rng.random((m, n)) < 0.5).astype(float)
    for t in range(1, 6):
        W = rule.write(W, rng.random(n) < f_p, rng.random(m) < f_q, seed=rng)
        expected = fw.theory.btsp_correlation(t, f_p, f_q)
        # of products of binomial shares with relative errors of 0.07 and 0.06 each step, and 1 / sqrt(mn) of the coins
        assert np.corrcoef(first.ravel(), W.ravel())[0, 1] == pytest.approx(float(expected), abs=0.03)
