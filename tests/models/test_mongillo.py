"""Mongillo, Barak & Tsodyks in quick mode: what it computes, draws and prints; and the numbers of its page."""

import model_checks
import numpy as np
import pages
import pytest

import synfwp as fw
from synfwp import programs


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run mongillo2008 --quick` and its Dataset."""
    return model_checks.run_quick("mongillo2008", tmp_path_factory)


@pytest.fixture(scope="module")
def program():
    """The model file as a module."""
    return programs.load_program("mongillo2008")


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("1200 excitatory and 300 inhibitory", "2 network(s)", "(b, c)", "(d)", "(e)"))


def test_the_dataset_has_units_and_provenance(quick):
    model_checks.check_labels(quick[1])


def test_closed_forms_are_the_known_steady_states_and_are_reached(quick, program):
    known = {
        "regular trains": (0.325, 0.473, 0.355, 0.215, 0.117),
        "rate equations": (0.344, 0.400, 0.306, 0.195, 0.110),
    }
    forms = program.closed_form(program.FULL, np.array(program.RATES, float))
    assert set(forms) == set(known)
    for how, values in known.items():
        np.testing.assert_allclose(forms[how], values, atol=6e-4)  # three digits
    theory = quick[1].sel(quantity=quick[1].kind == "theory")
    assert theory.sizes["quantity"] == 10
    assert np.abs(theory.difference).max() < 1e-9


def test_the_circuit_releases_what_the_closed_recursion_says(quick, program):
    synapse = program.short_term(program.FULL, program.FULL.tau_F)
    for rate in program.RATES:
        exact = synapse.released(np.full(20 * rate, 1000.0 / rate))[-1]
        assert float(quick[1].released.sel(rate=rate)) == pytest.approx(exact, rel=1e-6)


def test_u_relaxing_to_U_and_read_before_its_jump_is_the_synapse_of_circuits(program):
    U, rng = program.FULL.U, np.random.default_rng(0)
    waits = rng.exponential(150.0, 60)
    u, x, found = U, 1.0, []
    for m, wait in enumerate(waits):
        if m:
            u, x = U + (u - U) * np.exp(-wait / program.FULL.tau_F), 1 + (x - 1) * np.exp(-wait / program.FULL.tau_D)
        found.append(u * x)
        u, x = u + U * (1 - u), x - u * x
    np.testing.assert_allclose(program.short_term(program.FULL, program.FULL.tau_F).released(waits), found, rtol=1e-12)
    other = fw.ShortTerm(U=U, tau_rec=program.FULL.tau_D, tau_facil=program.FULL.tau_F, u_rest=U).released(waits)
    assert np.abs(other - found).max() > 0.05  # what the equivalence is not


@pytest.mark.parametrize("refractory", ["with", "without"])
def test_rates_hold_the_item_silently_and_only_facilitation_lets_the_pulse_wake_it(quick, program, refractory):
    ds = quick[1]
    baseline, delay, pulse = (program.during(ds, window, refractory) for window in ("baseline", "delay", "pulse"))
    held = {"condition": "facilitation", "cue": "item"}
    assert delay.rates.sel(held).max() < 2 * baseline.rates.sel(held).max()
    assert delay.u.sel(held).min() > 1.8 * delay.u.sel(condition="facilitation", cue="other 1").max()
    assert pulse.rates.sel(held).max() > 100 * pulse.rates.sel(condition="facilitation").drop_sel(cue="item").max()
    for control in ("no facilitation", "no item"):
        assert pulse.rates.sel(condition=control).max() < 1.1 * pulse.rates.sel(condition=control, cue="other 1").max()


def test_a_refractory_period_bounds_the_rates_and_halves_the_largest(quick, program):
    rates = quick[1].rates
    assert rates.sel(refractory="with").max() < 1e3 / program.FULL.refractory
    on = rates.sel(condition="facilitation", cue="item").max("time")
    assert on.sel(refractory="with") < 0.6 * on.sel(refractory="without")
    quiet = program.during(quick[1], "baseline", "without").rates.max()
    assert program.during(quick[1], "baseline").rates.max() == pytest.approx(float(quiet), rel=0.02)


def test_half_the_step_gives_the_same_rates(quick, program):
    finer = (
        program.rate_network(program.FULL, dt=0.05)
        .assign_attrs(quick[1].attrs)
        .pipe(program.during, "pulse")
        .rates.max("time")
    )
    np.testing.assert_allclose(program.during(quick[1], "pulse").rates.max("time"), finer, rtol=0.02)


def test_spikes_wake_the_item_that_was_shown_and_no_other(quick, program):
    peak, held = quick[1].peak, quick[1].held.sel(condition="facilitation")
    on = peak.sel(condition="facilitation", window="pulse")
    assert (on.sel(cue="item") > program.SPIKE).any()
    assert (on.drop_sel(cue="item") < program.SPIKE).all()
    for control in ("no facilitation", "no item"):
        assert (peak.sel(condition=control, window="pulse") < program.SPIKE).all()
    assert (peak.sel(condition="facilitation", window="delay") < program.SPIKE).all()
    assert (held.sel(cue="item") > 2 * held.drop_sel(cue="item").max("cue")).all()


def test_a_trial_without_an_item_has_the_same_network_and_the_same_noise_until_the_item_comes(program):
    size = program.QUICK._replace(neurons=200, item_start=400.0, pulse_start=1000.0, end=1400.0)
    with_item, without = (program.trial(size, name, 3)[:2] for name in ("facilitation", "no item"))
    early = [(time[time < 400], unit[time < 400]) for time, unit in (with_item, without)]
    assert len(early[0][0]) > 0
    np.testing.assert_array_equal(early[0], early[1])
    assert len(with_item[0]) > len(without[0])


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("mongillo2008", quick[1], "abcde", (183, 100))


def test_the_readme_says_what_the_full_run_printed():
    assert pages.check("Silent working memory", "mongillo2008") >= 12
