"""Kernels in quick mode: the law is measured, drawn and printed, and another law would be seen."""

import model_checks
import numpy as np
import pytest

from synfwp import programs

program = programs.load_program("kernels")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return model_checks.run_quick("kernels", tmp_path_factory)


def test_the_run_prints_its_table_and_caption_and_is_labelled(quick):
    model_checks.check_output(*quick, ("keys of 12 features", "3 seeds", "exp(8 x)"))
    model_checks.check_labels(quick[1])
    model_checks.check_figure("kernels", quick[1], "abc", (183, 74))


def test_the_law_holds_for_every_kernel_and_not_for_its_neighbour(quick):
    ds = quick[1]
    for i, name in enumerate(program.KERNELS):
        other = list(program.KERNELS)[i - 1]
        found = float(ds.measured.sel(kernel=name).mean())
        assert 0.6 < found / program.interference(program.QUICK, name) < 1.6  # three episodes
        assert not 0.6 < found / program.interference(program.QUICK, other) < 1.6
    assert ds.measured_at.sel(kernel="exp(8 x)", draw=0) > 5000


def test_steeper_kernels_recall_more_and_softmax_all(quick):
    mean = quick[1]["mean"].sel(pairs=64)
    for names in (("x", "x^2", "x^3"), ("exp(2 x)", "exp(4 x)", "exp(8 x)")):
        assert (np.diff([float(mean.sel(system=name)) for name in names]) > 0).all()
    assert mean.sel(system="softmax") > 0.99
    assert not quick[1].reached.sel(system="softmax")


def test_every_feature_map_has_the_scale_that_is_best_for_it(quick):
    ds = quick[1]
    for name in program.MAPS:
        assert ds.scale.sel(system=program.feature_name(name, program.QUICK)).notnull().all()
    assert ds.scale.sel(system="x").isnull().all()
    assert program.feature_name("dpfp(3)", program.FULL) == "DPFP, 192 features"


def test_rates_break_the_law_and_centred_values_keep_it(quick):
    ds = quick[1].with_rates.mean("seed").sel(of="x")
    want = (1 + 32 / 12) ** -0.5
    assert float(ds.sel(rates="values are rates less their mean")) == pytest.approx(want, abs=0.06)
    assert abs(float(ds.sel(rates="keys are rates")) - want) > 0.06
    assert abs(float(ds.sel(rates="both are rates")) - want) > 0.06
