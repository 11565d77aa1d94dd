"""Mongillo, Barak & Tsodyks in quick mode: what it computes, draws and prints; and the numbers of the README."""

import model_checks
import numpy as np
import pytest
import readme_numbers

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
    model_checks.check_output(*quick, ("1200 excitatory and 300 inhibitory", "1 network(s)", "(b, c)", "(d)", "(e)"))


def test_the_dataset_has_units_and_provenance(quick):
    model_checks.check_labels(quick[1])


def test_the_released_share_is_the_published_one(quick):
    ds = quick[1]
    known = ds.published.notnull()
    assert int(known.sum()) == 10
    assert np.abs(ds.difference[known]).max() < 6e-4  # the published numbers have three digits


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


def test_rates_hold_the_item_silently_and_only_facilitation_lets_the_pulse_wake_it(quick, program):
    ds = quick[1]
    baseline, delay, pulse = (program.during(ds, window) for window in ("baseline", "delay", "pulse"))
    held = {"condition": "facilitation", "cue": "item"}
    assert delay.rates.sel(held).max() < 2 * baseline.rates.sel(held).max()
    assert delay.u.sel(held).min() > 1.8 * delay.u.sel(condition="facilitation", cue="other 1").max()
    assert pulse.rates.sel(held).max() > 100 * pulse.rates.sel(condition="facilitation").drop_sel(cue="item").max()
    for control in ("no facilitation", "no item"):
        assert pulse.rates.sel(condition=control).max() < 1.1 * pulse.rates.sel(condition=control, cue="other 1").max()


def test_half_the_step_gives_the_same_rates(quick, program):
    finer = (
        program.rate_network(program.FULL, dt=0.05)
        .assign_attrs(quick[1].attrs)
        .pipe(program.during, "pulse")
        .rates.max("time")
    )
    np.testing.assert_allclose(program.during(quick[1], "pulse").rates.max("time"), finer, rtol=0.02)


def test_spikes_wake_the_item_that_was_shown_and_no_other(quick, program):
    peak, held = quick[1].peak, quick[1].held
    on, off = peak.sel(synapses="facilitation", window="pulse"), peak.sel(synapses="no facilitation", window="pulse")
    assert (on.sel(cue="item") > program.SPIKE).all()
    assert (on.drop_sel(cue="item") < program.SPIKE).all()
    assert (off < program.SPIKE).all()
    assert (peak.sel(synapses="facilitation", window="delay") < program.SPIKE).all()
    assert (held.sel(cue="item") > 2 * held.drop_sel(cue="item").max("cue")).all()


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("mongillo2008", quick[1], "abcde", (183, 100))


def test_the_readme_says_what_the_full_run_printed():
    assert readme_numbers.check("Silent working memory", "mongillo2008") >= 12
