"""Spiking synapses and their rules, in quick mode: agreement, bias and price."""

import model_checks
import numpy as np
import pytest

from synfwp import programs

program = programs.load_program("equivalence")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run equivalence --quick` and its Dataset."""
    return model_checks.run_quick("equivalence", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("6 items", "12 features", "3 seeds"))


def test_every_mechanism_is_run_in_every_engine(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert ds.agreement.sel(spikes=10.0, seed=[0, 1]).notnull().all()
    assert ds.mechanism.values.tolist() == list(program.MECHANISMS)


def test_agreement_rises_with_spikes(quick):
    mean = quick[1].agreement.sel(engine="counts").mean("seed")
    assert (mean.sel(spikes=20.0) > mean.sel(spikes=2.0) + 0.1).all()
    assert (mean.sel(spikes=20.0) > program.WANTED).all()


def test_slopes_of_counts_are_those_of_the_effective_rule(quick):
    at = quick[1].sel(engine="counts", spikes=20.0)
    off = (at.slope - at.effective).mean("mechanism")
    # 6 mechanisms of one draw each: noise of a tenth
    assert float(np.abs(off.mean())) < 4 * float(off.std(ddof=1)) / 3**0.5 + 0.02


def test_the_worst_bias_is_marked_once_for_each_engine(quick):
    worst = [name for name in quick[1].quantity.values.tolist() if name.endswith("the worst")]
    assert len(worst) == 3
    assert [sum(text in name for name in worst) for text in ("counts", "Poisson neurons", "LIF neurons")] == [1, 1, 1]


def test_the_price_counts_synapses_as_the_square_of_neurons_and_a_retrieval_as_time(quick):
    ds = quick[1]
    assert (ds.write_wanted > 0).all()
    assert (ds.read_wanted > 0).all()
    neurons = np.sqrt(ds.synapses_wanted / 2) / 12
    low, high = (min(program.NEURONS.values()), max(program.NEURONS.values()))
    assert ((neurons >= low) & (neurons <= high)).all()
    seconds = ds.seconds_wanted
    assert float(seconds.sel(mechanism="two phases")) == pytest.approx(0.42)
    assert float(seconds.sel(mechanism="dendritic")) == pytest.approx(0.28)


def test_a_price_that_no_run_pays_is_nan():
    size = program.QUICK._replace(spikes=(2.0, 5.0))
    ds = program.xr.Dataset(
        {name: (("engine", "spikes", "mechanism", "seed"), np.full((1, 2, 6, 1), 0.5)) for name in program.SCORES},
        {"engine": ["counts"], "spikes": [2.0, 5.0], "mechanism": list(program.MECHANISMS)},
    )
    assert program.price(size, ds).key_wanted.isnull().all()


def test_the_figure_is_clean_and_as_wide_as_a_page(quick):
    model_checks.check_figure("equivalence", quick[1], "abcdef", (183, 112))
