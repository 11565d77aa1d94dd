"""Rows of a table: numbers with n and spread, paired or not, and what is refused."""

import json

import numpy as np
import pytest
import xarray as xr

from synfwp import results
from synfwp.results import Row

OURS, CEILING = np.array([0.9, 0.8, 1.0, 0.7]), np.array([0.5, 0.45, 0.6, 0.4])


def table(*rows: Row) -> xr.Dataset:
    return results.comparison(rows)


def test_a_row_of_seeds_has_their_mean_number_and_sd() -> None:
    ds = table(Row("recall", OURS, 0.9, kind="published", source="ba2016, table 1"))
    assert ds.obtained.item() == pytest.approx(0.85)
    assert ds.n.item() == 4
    assert ds.sd.item() == pytest.approx(np.std(OURS, ddof=1))
    assert ds.error.item() == pytest.approx(np.std(OURS, ddof=1) / 2)
    assert ds.difference.item() == pytest.approx(-0.05)


def test_an_error_of_what_is_published_adds_to_ours() -> None:
    ds = table(Row("recall", OURS, 0.9, kind="published", source="ba2016, table 1", error=0.1))
    assert ds.error.item() == pytest.approx(np.hypot(np.std(OURS, ddof=1) / 2, 0.1))
    assert table(Row("recall", 0.8, 0.9, kind="chance", error=0.1)).error.item() == 0.1


def test_the_same_seeds_on_both_sides_are_a_paired_comparison() -> None:
    ds = table(Row("recall", OURS, CEILING, kind="ceiling", claim="above"))
    assert ds.error.item() == pytest.approx(np.std(OURS - CEILING, ddof=1) / 2)
    assert ds.error.item() < np.std(OURS, ddof=1) / 2
    assert ds.expected.item() == pytest.approx(CEILING.mean())


def test_one_number_has_no_spread() -> None:
    ds = table(Row("recall", 0.85))
    assert np.isnan([ds.sd.item(), ds.error.item(), ds.expected.item(), ds.difference.item()]).all()
    assert ds.n.item() == 1


def test_a_seed_that_gave_nothing_leaves_the_row_without_a_number() -> None:
    assert np.isnan(table(Row("recall", [0.5, np.nan])).obtained.item())


@pytest.mark.parametrize(("row", "message"), [
    ({"quantity": "", "obtained": 1.0}, "quantity of a row"),
    ({"obtained": []}, "obtained of the row 'recall' has shape"),
    ({"obtained": [[1.0]]}, "obtained of the row 'recall' has shape"),
    ({"expected": 1.0}, "kind of the row 'recall' is '' and expected 1.0"),
    ({"kind": "chance"}, "kind of the row 'recall' is 'chance' and expected nan"),
    ({"kind": "published", "expected": 1.0}, "source of the row 'recall' is missing"),
    ({"kind": "ceilings", "expected": 1.0}, "did you mean 'ceiling'"),
    ({"claim": "higher"}, "unknown claim"),
    ({"kind": "chance", "expected": [0.5, 0.5]}, "expected of the row 'recall' has shape .2,., obtained .3,."),
    ({"band": -1.0}, "band of the row 'recall' is -1.0"),
    ({"error": "much"}, "error of the row 'recall' is 'much'"),
])  # fmt: skip
def test_what_is_no_row_is_refused_by_its_name(row: dict, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        Row(**{"quantity": "recall", "obtained": [1.0, 2.0, 3.0]} | row)


def test_a_table_names_no_quantity_twice_and_is_not_empty() -> None:
    with pytest.raises(ValueError, match="two rows of a table are named 'recall'"):
        table(Row("recall", 1.0), Row("recall", 2.0))
    with pytest.raises(TypeError, match="has no rows"):
        table()


def test_a_table_that_misses_an_entry_does_not_lose_the_run() -> None:
    run = xr.Dataset({"rate": ("dt", [20.0])}, {"dt": [0.1]})
    with pytest.warns(RuntimeWarning, match="the run is complete, but not its table"):
        found = results.compared(run, lambda ds: [Row("rate", ds.rate.sel(dt=0.2))])
    assert found.rate.identical(run.rate)
    assert "KeyError" in found.attrs["not_compared"]
    assert not results.has_table(found)


def test_records_are_json_and_have_no_nan() -> None:
    ds = table(Row("recall", OURS, CEILING, kind="ceiling", why="none"), Row("rate", 3.0))
    page = json.loads(results.as_page(ds, program="p"))
    first, second = page["rows"]
    assert page["program"] == "p"
    assert (first["n"], first["why"], second["n"], second["sd"]) == (4, "none", 1, None)
    assert first["difference"] == float(ds.difference[0])


def test_a_table_goes_through_a_file(tmp_path) -> None:
    ds = table(Row("recall", OURS, CEILING, kind="ceiling"), Row("rate", 3.0))
    results.save(ds, tmp_path / "a.nc")
    assert results.as_records(results.load(tmp_path / "a.nc")) == results.as_records(ds)
