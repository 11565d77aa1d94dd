"""Closed forms with a difference of time constants, where the two are equal, nearly equal and apart (F9)."""

import warnings

import numpy as np
import pytest
from mpmath import mp, mpf

import synfwp as fw
from synfwp import plasticity, reference
from synfwp.spiking import assembly

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import brian2 as b2

from synfwp.spiking.brian2 import to_brian2

APART = [0.0, 1e-15, -1e-15, 1e-14, 1e-12, 1e-10, 1e-9, 1e-8, -1e-8, 1e-7, 1e-6, 1e-5, -1e-5, 1e-4, 1e-3, 0.02, 0.5]


def exact_response(tau_m, tau, dt):
    """``int_0^dt exp(-(dt - s) / tau_m) exp(-s / tau) ds`` in 60 digits."""
    with mp.workdps(60):
        m, s, step = mpf(tau_m), mpf(tau), mpf(dt)
        if m == s:
            return float(step * mp.exp(-step / m))
        return float((mp.exp(-step / s) - mp.exp(-step / m)) / (1 / m - 1 / s))


@pytest.mark.parametrize("apart", APART)
@pytest.mark.parametrize("dt", [0.01, 0.1, 1.0, 25.0])
def test_the_response_of_a_membrane_is_exact_for_any_distance_of_the_constants(apart, dt):  # F9
    tau = 20.0 * (1 + apart)
    exact = exact_response(20.0, tau, dt)
    assert assembly.response(20.0, tau, dt) * 20.0 == pytest.approx(exact, rel=4e-15)  # some roundings
    assert reference.circuits._response(20.0, tau, dt) == pytest.approx(exact, rel=4e-15)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("apart", APART)
def test_brian2_gives_our_spikes_for_any_distance_of_the_constants(apart):  # F9
    b2.prefs.codegen.target, b2.prefs.logging.file_log = "numpy", False
    neuron = fw.LIF(tau_m=20.0, receptors=(fw.Receptor("e", 20.0 * (1 + apart)), fw.Receptor("slow", 50.0)))
    cells = fw.Population(1, neuron, drive=15.0)
    feed = fw.Projection(fw.SpikeSource(1, [10.0, 20.0, 30.0], [0, 0, 0]), cells, 40.0, receptor="e")
    circuit = fw.Circuit([feed])
    theirs = to_brian2(circuit)
    monitor = b2.StateMonitor(theirs.groups["cells"], "v", record=True, clock=theirs.groups["cells"].clock)
    theirs.network.add(monitor)
    ds = circuit.run(300.0, record=fw.Record("cells", "v"))
    theirs.run(300.0)
    times = fw.spikes(ds, "cells")[0]
    assert len(times) == (7 if abs(apart) < 0.1 else 11)
    np.testing.assert_allclose(np.asarray(theirs.spikes["cells"].t), times, atol=1e-9)
    np.testing.assert_allclose(np.asarray(monitor.v).T * 1000, ds.v_cells.values, rtol=0, atol=1e-9)  # mV


@pytest.mark.parametrize("apart", APART)
def test_the_potential_of_the_dendritic_rule_is_exact_for_any_distance_of_the_constants(apart):  # F9
    """A spike of the soma after each delay changes the weight by the difference of exponentials, or its limit."""
    m, s = 10.0, 10.0 * (1 + apart)
    rule = plasticity.dendritic(0.1, tau_m=m, tau_syn=s)
    with mp.workdps(60):
        a, b = mpf(m), mpf(s)
        for delay in (0.1, 1.0, 10.0, 40.0):
            t = mpf(delay)
            wave = t / a**2 * mp.exp(-t / a) if a == b else (mp.exp(-t / a) - mp.exp(-t / b)) / (a - b)
            ours = rule.post_x * np.exp(-delay / rule.tau_x1) + rule.post_x2 * np.exp(-delay / rule.tau_x2)
            # of the peak, 0.1 / (10 e): the limit is taken 1e-5 apart, and what cancels has 11 digits
            assert ours == pytest.approx(float(mpf("0.1") * wave), abs=1e-9 * 0.1 / (10 * np.e))


@pytest.mark.parametrize("apart", [0.0, 1e-12, 1e-6, 1e-3])
def test_equal_constants_of_eligibility_and_reward_are_no_special_case(apart):  # F9
    """Eligibility of one pair times reward, integrated: the rates add, so that nothing is divided by a difference."""
    rule = plasticity.reward(0.1, 0.0, tau_e=100.0, tau_reward=100.0 * (1 + apart), reward=0.01, w_max=9.0)
    pre, post, paid = (fw.SpikeSource(1, [t], [0], name=n) for t, n in ((10.0, "a"), (15.0, "b"), (20.0, "c")))
    p = fw.Projection(pre, post, 1.0, plasticity=rule, modulator=paid, name="p")
    simulation = fw.Circuit([p]).start()
    simulation.run(2000.0)
    both = 1 / 100.0 + 1 / (100.0 * (1 + apart))
    # reward is raised after the step's decay, the eligibility after its own: from 20 ms on, both decay together
    expected = 1 + 0.1 * np.exp(-5 / 20.0) * np.exp(-5 / 100.0) * 0.01 / both
    assert simulation.weights("p")[0, 0] == pytest.approx(expected, rel=1e-10)  # 1 - exp(-1980 both): 1e-17


def test_constants_of_the_dendritic_rule_are_above_zero():
    with pytest.raises(ValueError, match=r"tau_syn \(ms\) is -10.0; pass a finite number above 0"):
        plasticity.dendritic(0.1, tau_m=10.0, tau_syn=-10.0)
