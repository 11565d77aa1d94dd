"""The published tables: their numbers, units and citations, and that they travel with the package."""

import re
from importlib import resources

import numpy as np
import pytest
import xarray as xr

from synfwp.data import load_table, tables

UNITS = {
    "train_hz": "Hz",
    "t_spike_ms": "ms",
    "freq_hz": "Hz",
    "dt_ms": "ms",
    "dt1_or_T_ms": "ms",
    "dt2_ms": "ms",
    "dt_post_minus_pre_ms": "ms",
    "mean_abs_error_rad": "rad",
    "circular_sd_rad": "rad",
    "circular_sd_sem": "rad",
    "t_from_plateau_s": "s",
    "delta_vm_mean_mV": "mV",
    "delta_vm_sem_mV": "mV",
}


@pytest.mark.parametrize("name", tables())
def test_every_table_states_its_citation_and_the_unit_and_meaning_of_every_column(name):
    table = load_table(name)
    assert "doi:10." in table.citation
    assert table.title
    assert re.match(r"\d+ (pairs|pulses|repetitions|bursts|lists|conditions)", table.experiment)
    for column in table.variables:
        assert table[column].dims == ("point",)
        assert table[column].units == UNITS.get(column, "1")
        assert len(table[column].long_name) > 10


@pytest.mark.parametrize(
    ("name", "points", "columns"),
    [
        ("sjostrom2001_frequency_timing", 10, {"freq_hz", "dt_ms", "dw_mean", "dw_sem"}),
        ("wang2005_triplets", 10, {"protocol", "dt1_or_T_ms", "dt2_ms", "dw_mean", "dw_sem"}),
        ("bi_poo_1998_points", 42, {"dt_post_minus_pre_ms", "dw_rel"}),
        ("nevian_sakmann2006_bursts", 6, {"dt_ms", "dw_mean", "dw_sem", "cells"}),
        ("kohus2016_trains", 33, {"train_hz", "t_spike_ms", "amplitude_rel"}),
        (
            "milstein2021_btsp_binned",
            60,
            {"initial_ramp_mV", "t_from_plateau_s", "delta_vm_mean_mV", "delta_vm_sem_mV", "n_bins"},
        ),
        ("peers_serial_position", 16, {"position", "p_recall", "p_recall_sem"}),
        ("peers_lag_crp", 6, {"lag", "p_transition"}),
        (
            "visual_memory_set_size",
            16,
            {"set_size", "study", "mean_abs_error_rad", "circular_sd_rad", "circular_sd_sem", "subjects", "trials"},
        ),
    ],
)
def test_no_row_and_no_column_is_lost(name, points, columns):
    table = load_table(name)
    assert dict(table.sizes) == {"point": points}
    assert set(table.variables) == columns
    measured = ("dw", "delta_vm", "n_bins", "amplitude", "p_", "mean_abs", "circular", "subjects", "trials", "cells")
    assert set(table.data_vars) == {column for column in columns if column.startswith(measured)}
    assert all(np.isfinite(table[column]).all() for column in table.data_vars)


def test_the_numbers_are_those_of_the_papers():
    sjostrom = load_table("sjostrom2001_frequency_timing")
    assert sjostrom.dw_mean.values.tolist() == [-0.04, 0.14, 0.29, 0.53, 0.56, -0.29, -0.41, -0.34, 0.56, 0.75]
    assert sjostrom.dw_sem.values.tolist() == [0.05, 0.1, 0.14, 0.11, 0.26, 0.08, 0.11, 0.1, 0.32, 0.19]
    wang = load_table("wang2005_triplets")
    assert wang.protocol.values.tolist() == ["pair"] * 2 + ["post-pre-post"] * 4 + ["pre-post-pre"] * 4
    assert np.isnan(wang.dt2_ms[:2]).all()
    assert wang.dt2_ms[2:].values.tolist() == [5, 10, 15, 5, -5, -10, -5, -15]
    nevian = load_table("nevian_sakmann2006_bursts")
    assert (1 + nevian.dw_mean.values).tolist() == pytest.approx([1.0, 0.68, 0.98, 1.42, 2.01, 0.92], abs=1e-12)
    assert nevian.cells.values.tolist() == [6, 10, 8, 12, 11, 4]
    bi_poo = load_table("bi_poo_1998_points")
    assert (int((bi_poo.dt_post_minus_pre_ms > 0).sum()), int((bi_poo.dt_post_minus_pre_ms < -4).sum())) == (20, 18)


def test_an_unknown_table_is_refused_with_a_suggestion():
    with pytest.raises(ValueError, match=r"unknown table 'wang2005'; did you mean 'wang2005_triplets'\?"):
        load_table("wang2005")


def test_the_tables_are_resources_of_the_package_and_no_other_file_is_listed():
    files = {file.name for file in resources.files("synfwp.data").iterdir()}
    assert {f"{name}.csv" for name in tables()} == {name for name in files if name.endswith(".csv")}
    assert len(tables()) >= 3


@pytest.mark.parametrize("name", tables())
def test_a_table_survives_the_round_trip_through_netcdf(name, tmp_path):
    table = load_table(name)
    table.to_netcdf(tmp_path / "table.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "table.nc", engine="h5netcdf") as back:
        xr.testing.assert_identical(back.load(), table)
