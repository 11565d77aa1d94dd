"""The spike budget in quick mode: what is computed, drawn and printed; its closed form; the numbers of its page."""

import model_checks
import numpy as np
import pages
import pytest

import synfwp as fw
from synfwp import measures, programs, theory

program = programs.load_program("spike_budget")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run spike_budget --quick` and its Dataset."""
    return model_checks.run_quick("spike_budget", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("8 items", "16 features", "2 seeds", "agreement 0.9 needs"))


def test_the_dataset_holds_every_sweep_with_units_and_provenance_and_six_cells_in_LIF_neurons(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert set(ds.sweep.values) == set(program.Cell._fields)
    lif = ds.isel(run=np.flatnonzero((ds.engine == "lif").values))
    cells = {tuple(float(lif[name][i]) for name in program.Cell._fields) for i in range(lif.sizes["run"])}
    assert len(cells) >= 6
    assert (lif.agreement.isel(seed=0) > 0.6).all()


def test_every_point_of_a_curve_is_a_sweep_of_one_parameter(quick):
    ds = quick[1]
    for sweep in program.Cell._fields:
        one = program.select(ds, sweep, "counts", "two phases")
        assert (np.diff(one[sweep]) > 0).all()
        for other in set(program.Cell._fields) - {sweep}:
            assert (one[other] == getattr(program.QUICK.middle, other)).all()


def test_items_and_spikes_of_a_cell_depend_on_what_it_is_and_not_on_the_rule_or_the_place():
    a, b = (program.items(3, 8, 16, 0)[0] for _ in range(2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, program.items(3, 8, 16, 1)[0])
    run = program.Run("peak", "counts", "two phases", program.Cell(neurons=1, items=4))
    moved = run._replace(sweep="items")
    assert program.one_run(program.QUICK, run, 0, 0) == pytest.approx(
        program.one_run(program.QUICK, moved, 0, 0), nan_ok=True
    )


def test_a_crossing_is_read_between_the_points_on_a_logarithmic_axis():
    x = np.array([1.0, 10.0, 100.0])
    assert program.crossing(x, np.array([0.0, 0.5, 1.0]), 0.75) == pytest.approx(10**1.5)
    assert np.isnan(program.crossing(x, np.array([0.8, 0.9, 1.0]), 0.75))  # from the start: no spikes were too few
    assert np.isnan(program.crossing(x, np.array([0.1, 0.2, 0.3]), 0.75))


def test_more_spikes_agree_better_with_every_mechanism(quick):
    ds = quick[1]
    for mechanism in program.MECHANISMS:
        mean = program.select(ds, "peak", "counts", mechanism).agreement.mean("seed").values
        assert (np.diff(mean) > 0).all()
        assert mean[-1] > program.WANTED


@pytest.mark.parametrize(("engine", "traces"), [("counts", {}), ("poisson", {"tau": 20.0, "T": 100.0})])
def test_the_agreement_of_a_Hebbian_sum_is_the_closed_form(engine, traces):
    rng = np.random.default_rng(0)
    k, v = np.maximum(rng.standard_normal((8, 32)), 0), rng.standard_normal((8, 32))
    network = fw.SpikingNetwork(
        engine=engine, code=fw.RateCode(neurons_per_feature=2), schedule=fw.ThetaCycle(gap=100.0), dale=False
    )
    n = 20
    batch = [np.repeat(x[None], n, axis=0) for x in (0 * k, k, v)]
    W = network.run(fw.HEBB, *batch, np.ones((n, 8)), None, 1).W
    found = measures.centred_correlation(W, fw.scan("hebb", k, k, v).W)
    closed_form = theory.hebb_agreement(k, v, 20.0, **traces)
    # a ratio of expected variances, where the noise of one draw is its own by a few hundredths: within .015
    assert found.mean() == pytest.approx(closed_form, abs=0.015)
    assert abs(found.mean() - theory.hebb_agreement(k, v, 10.0, **traces)) > 0.05


def test_the_covariance_rule_stands_with_a_running_and_with_a_known_mean(quick):
    ds = quick[1]
    running, known = (program.select(ds, "peak", "counts", name) for name in ("gated trace, covariance", program.KNOWN))
    assert np.array_equal(running.ideal, running.ideal_covariance)
    assert np.array_equal(known.ideal, known.ideal_known)
    assert (known.recall.isel(run=-1).mean() - running.recall.isel(run=-1).mean()) > 0.03
    exact = ds.rates.mean("repeat")
    assert (exact.sel(mean="known") > exact.sel(mean="running")).all()
    assert (exact.sel(mean="running") > exact.sel(mean="none") + 0.2).all()
    assert ds.rates_first.sel(mean="running").values == pytest.approx(0.0, abs=1e-12)  # one item is its own mean
    assert ds.rates_first.sel(mean="known").values == pytest.approx(1.0, abs=1e-12)


def test_the_exact_recall_of_the_full_size_is_that_of_centred_keys_where_the_mean_is_known():
    exact = program.recall_of_rates(program.FULL, 1).rates.mean("repeat").sel(mean="known")
    for pairs in (32, 64):
        assert float(exact.sel(pairs=pairs)) == pytest.approx(theory.hebb_cosine(pairs, 64), abs=program.RATES_BAND)


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("spike_budget", quick[1], "abcdefghi", (183, 165))


def test_the_readme_says_what_the_full_run_printed():
    assert pages.check("Spikes per association", "spike_budget") >= 8
