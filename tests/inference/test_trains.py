"""Fits of trains and of plateaus: what was simulated is recovered, intervals are exact where known."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

import synfwp as fw
from synfwp.inference import fit_btsp, fit_short_term
from synfwp.plasticity import BTSP, SpikeResponse

TIMES = np.concatenate([np.r_[np.arange(8) * 1000 / rate, 8000 / rate + 500] for rate in (5, 20, 50)])
TRAIN = np.repeat([5, 20, 50], 9)
FIG5 = BTSP("milstein2021_fig5")
GATES = {name: getattr(FIG5, name) for name in ("a_plus", "b_plus", "a_minus", "b_minus")}


def responses(model, **more):
    """Amplitudes of all trains, each from rest."""
    call = model.amplitudes if isinstance(model, fw.ShortTerm) else model.responses
    return np.concatenate([call(TIMES[one == TRAIN], **more) for one in (5, 20, 50)])


def test_tsodyks_markram_is_recovered_from_several_trains_at_once():
    truth = {"U": 0.2, "tau_rec": 300.0, "tau_facil": 150.0}
    data = responses(fw.ShortTerm(**truth), A=4.0)
    found = fit_short_term(TIMES, data, TRAIN, starts=6, intervals="none")
    assert found.error < 1e-12
    for name, value in (truth | {"A": 4.0}).items():
        assert found.values[name] == pytest.approx(value, rel=1e-4), name  # where the search ends
    np.testing.assert_allclose(responses(found.rule, A=found.values["A"]), data, atol=1e-6)


def test_a_spike_response_is_recovered_with_its_baseline():
    truth = SpikeResponse(baseline=-1.0, amplitudes=(-300.0,), taus=(200.0,))
    found = fit_short_term(TIMES, responses(truth, A=2.0), TRAIN, model="spike_response", starts=8, intervals="none")
    assert found.rule.taus[0] == pytest.approx(200.0, rel=1e-3)
    assert found.rule.amplitudes[0] == pytest.approx(-300.0, rel=1e-3)
    assert found.rule.baseline == pytest.approx(-1.0, abs=1e-2)


def test_an_interval_of_a_linear_parameter_is_that_of_its_standard_error():
    """All else fixed, A is a mean: its profile interval is +-1.96 sem / norm of the shares."""
    synapse = fw.ShortTerm(U=0.3, tau_rec=200.0, tau_facil=50.0)
    share, sem = responses(synapse), np.full(len(TIMES), 0.05)
    fixed = {"U": 0.3, "tau_rec": 200.0, "tau_facil": 50.0}
    found = fit_short_term(TIMES, 2 * share, TRAIN, sem=sem, fixed=fixed).intervals["A"]
    half = norm.ppf(0.975) * 0.05 / np.sqrt(share @ share)
    np.testing.assert_allclose([found.low, found.high], [2 - half, 2 + half], rtol=1e-3)  # the search of the ends


def test_what_trains_do_not_fix_is_named():
    """Without facilitation in the data its time constant is open below."""
    data = responses(fw.ShortTerm(U=0.3, tau_rec=300.0, tau_facil=1.0))
    noise = 0.02 * np.random.default_rng(1).standard_normal(len(data))
    found = fit_short_term(TIMES, data + noise, TRAIN, starts=4).table()
    assert not found.constrained["tau_facil"]
    assert found.constrained[["U", "tau_rec", "A"]].all()
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()


def test_a_train_that_was_left_out_is_predicted_worse_than_one_that_was_fitted():
    data = responses(fw.ShortTerm(U=0.3, tau_rec=300.0, tau_facil=50.0))
    noise = 0.05 * np.random.default_rng(2).standard_normal(len(data))
    found = fit_short_term(TIMES, data + noise, TRAIN, starts=4, intervals="none")
    assert found.left_out > found.error > 0


def bins(share=0.08, rise=6.0, fall=0.25, sem=0.1, seed=0):
    """Simulated bins of three depolarisations."""
    t = np.tile(np.linspace(-4750.0, 4750.0, 20), 3)
    before = np.repeat([0.5, 3.0, 7.0], 20)
    both = FIG5.integrals(t, dt=50.0)
    data = (1 - share * before) * rise * both[:, 0] - before * fall * both[:, 1]
    return t, data + sem * np.random.default_rng(seed).standard_normal(len(t)), before


def test_btsp_is_recovered_from_bins_with_noise():
    t, data, before = bins()
    found = fit_btsp(t, data, before, sem=np.full(60, 0.1), fixed=GATES, dt=50.0, starts=3)
    table = found.table()
    for name, truth in {"tau_ET": 2500.0, "tau_IS": 1500.0, "share": 0.08, "rise": 6.0, "fall": 0.25}.items():
        assert table.constrained[name]
        low, high = table.low[name], table.high[name]
        assert abs(truth - (low + high) / 2) < 2.04 * (high - low) / 2, name  # four standard errors
    assert found.rule.k_minus == found.values["fall"]


def cells(n, spread, seed):
    """Single neurons with unequal numbers of places, and a shift of each neuron in addition to noise of each place."""
    rng = np.random.default_rng(seed)
    rows = []
    for name in range(n):
        t = rng.uniform(-4500.0, 4500.0, rng.integers(4, 14))
        before = np.full(t.size, rng.uniform(0.5, 7.0))
        both = FIG5.integrals(t, dt=100.0)
        gain = 1 + spread * rng.standard_normal()
        change = (1 - 0.08 * before) * 6.0 * gain * both[:, 0] - before * 0.25 * both[:, 1]
        rows += [np.stack([t, change + 0.2 * rng.standard_normal(t.size), before, np.full(t.size, name)])]
    return np.concatenate(rows, axis=1)


KNOWN = GATES | {"tau_ET": 2500.0, "tau_IS": 1500.0, "share": 0.08}


def test_btsp_is_fitted_to_single_neurons_with_unequal_numbers_of_places():
    t, change, before, cell = cells(24, 0.0, seed=4)
    assert len(set(np.unique(cell, return_counts=True)[1])) > 3
    found = fit_btsp(t, change, before, cell=cell, fixed=GATES, dt=100.0, starts=2)
    assert set(found.points().condition.values) == set(cell.astype(str))
    table = found.table()
    for name, truth in {"tau_ET": 2500.0, "tau_IS": 1500.0, "share": 0.08, "rise": 6.0, "fall": 0.25}.items():
        low, high = table.low[name], table.high[name]
        assert abs(truth - (low + high) / 2) < 2.04 * (high - low) / 2, name  # four standard errors
    few = cell < 6
    given = {"cell": cell[few], "fixed": KNOWN, "dt": 100.0, "starts": 1, "intervals": "none"}
    found = fit_btsp(t[few], change[few], before[few], **given)
    assert found.error < found.left_out < 3 * found.error


def test_intervals_of_cells_allow_for_places_of_a_cell_that_vary_together():
    """Rates differ between neurons: the truth lies in 95 % intervals of cells, and often outside those of points."""
    held = np.zeros(2, int)
    for seed in range(8):
        t, change, before, cell = cells(20, 0.5, seed)
        for i, kind in enumerate(("cells", "profile")):
            how = {"fixed": KNOWN, "dt": 100.0, "starts": 1, "intervals": kind, "draws": 60}
            found = fit_btsp(t, change, before, cell=cell, **how)
            held[i] += found.intervals["rise"].low <= 6.0 <= found.intervals["rise"].high
    assert held[0] >= 5 > held[1]  # of 8 at 95 %: fewer than 5 has a probability below 0.001
    assert fit_btsp(t, change, before, cell=cell, **how | {"intervals": "cells"}).intervals["fall"].kind == (
        "bootstrap of cells"
    )


def test_columns_of_a_table_are_taken_with_their_common_unit_and_no_other():
    table = fw.load_table("milstein2021_btsp_binned")
    before = xr.zeros_like(table.delta_vm_mean_mV) + 2.0  # mV, as its attributes have it
    given = {"fixed": GATES | {"tau_ET": 2500, "tau_IS": 1500}, "dt": 100.0, "starts": 1, "intervals": "none"}
    columns = 1000 * table.t_from_plateau_s, table.delta_vm_mean_mV, before
    found = fit_btsp(*columns, sem=table.delta_vm_sem_mV, **given)
    plain = fit_btsp(*(x.values for x in columns), sem=table.delta_vm_sem_mV.values, **given)
    assert found.values == plain.values
    with pytest.raises(ValueError, match=r"several units.*change in 'mV'.*sem in 'V'"):
        fit_btsp(*columns, sem=(table.delta_vm_sem_mV / 1000).assign_attrs(units="V"), **given)
    trace = xr.DataArray(responses(fw.ShortTerm(U=0.2, tau_rec=300.0, tau_facil=150.0)), attrs={"units": "pA"})
    assert fit_short_term(TIMES, trace, TRAIN, starts=2, intervals="none").error < 1e-6


def test_errors_are_inflated_to_those_that_the_fit_leaves():
    t, data, before = bins(sem=0.3)
    how = {"sem": np.full(60, 0.1), "fixed": GATES, "dt": 50.0, "starts": 2, "intervals": "none"}
    plain, wide = (fit_btsp(t, data, before, inflate=inflate, **how) for inflate in (False, True))
    assert plain.error > 5
    assert wide.estimate.deviance == pytest.approx(wide.estimate.dof, rel=1e-3)
    assert wide.values["tau_ET"] == pytest.approx(plain.values["tau_ET"], rel=1e-3)


@pytest.mark.parametrize(
    ("match", "call"),
    [
        ("times has 27 entries but amplitudes 26", lambda: fit_short_term(TIMES, np.ones(26))),
        (r"train has shape \(3,\)", lambda: fit_short_term(TIMES, np.ones(27), [1, 2, 3])),
        ("times of train 0.0 do not increase", lambda: fit_short_term([1.0, 0.0], [1.0, 1.0])),
        ("model", lambda: fit_short_term(TIMES, np.ones(27), TRAIN, model="tsodyks")),
        ("intervals", lambda: fit_short_term(TIMES, np.ones(27), TRAIN, intervals="normal")),
        ("a fixed parameter", lambda: fit_short_term(TIMES, np.ones(27), TRAIN, fixed={"tau_d": 1.0})),
        (r"shapes differ \(delay \(1,\), change \(2,\)", lambda: fit_btsp([0.0], [1.0, 2.0], [0.0], sem=[1.0])),
        ("intervals is 'cells' but cell is None", lambda: fit_btsp([0.0], [1.0], [0.0], intervals="cells")),
        ("cell has 1 cells; pass at least 3", lambda: fit_btsp([0.0], [1.0], [0.0], cell=["a"], intervals="cells")),
        ("sem holds 0", lambda: fit_btsp([0.0], [1.0], [0.0], sem=[0.0])),
    ],
)
def test_bad_input_is_refused_by_name(match, call):
    with pytest.raises(ValueError, match=match):
        call()
