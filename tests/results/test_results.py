"""Results come back exactly, carry units and provenance, and are whole or not there."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from synfwp import results

NAMES = st.text("abcdefgh_", min_size=1, max_size=4)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
SCALARS = st.one_of(TEXT, st.integers(-(2**63), 2**63 - 1), st.floats())
DTYPES = ["float64", "float32", "int64", "int8", "uint64", "bool"]


@st.composite
def datasets(draw: Any) -> xr.Dataset:
    """Datasets of numbers, truth values and text, with coordinates and attributes, also empty and scalar ones."""
    sizes = draw(st.dictionaries(NAMES.map("dim_{}".format), st.integers(0, 3), max_size=3))
    built = {}
    for name in draw(st.sets(NAMES, max_size=4)):
        dims = draw(st.permutations(list(sizes)))[: draw(st.integers(0, len(sizes)))]
        shape = tuple(sizes[dim] for dim in dims)
        elements = draw(st.sampled_from([*DTYPES, "text"]))
        if elements == "text":
            data = np.array(draw(st.lists(TEXT, min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))), dtype=str)
            data = data.reshape(shape)
        else:
            data = draw(hnp.arrays(elements, shape))
        built[name] = xr.Variable(dims, data, draw(st.dictionaries(NAMES, SCALARS, max_size=2)))
    coords = {dim: (dim, np.arange(float(size))) for dim, size in sizes.items() if draw(st.booleans())}
    return xr.Dataset(built, coords, draw(st.dictionaries(NAMES, SCALARS, max_size=3)))


@settings(derandomize=True, deadline=None, max_examples=50)
@given(datasets())
def test_a_result_comes_back_exactly(ds: xr.Dataset) -> None:
    with TemporaryDirectory() as folder:
        back = results.load(results.save(ds, Path(folder) / "r.nc"))
        again = results.load(results.save(back, Path(folder) / "s.nc"))
    xr.testing.assert_identical(back, ds)
    xr.testing.assert_identical(again, ds)
    for name, variable in ds.variables.items():
        read = back.variables[name]
        assert read.dims == variable.dims
        if variable.dtype.kind != "U":  # NaN payloads and negative zeros too
            assert (read.dtype, read.values.tobytes()) == (variable.dtype, variable.values.tobytes())
    for attrs, read_attrs in [(ds.attrs, back.attrs), *((ds[n].attrs, back[n].attrs) for n in ds.variables)]:
        kinds = [{name: type(value) for name, value in found.items()} for found in (attrs, read_attrs)]
        assert kinds[0] == kinds[1]


@pytest.mark.parametrize("units", ["seconds", "milliseconds", "days since 2000-01-01"])
def test_times_stay_numbers_whatever_their_units(units: str, tmp_path: Path) -> None:
    ds = xr.Dataset(coords={"time": ("time", [0.5, 1.0], {"units": units})})
    back = results.load(results.save(ds, tmp_path / "a.nc"))
    assert (back.time.values.tolist(), back.time.attrs) == ([0.5, 1.0], {"units": units})


def test_attributes_that_netcdf_lacks_come_back_as_json(tmp_path: Path) -> None:
    given_ = {"on": True, "nothing": None, "deep": {"a": [1, 2.5]}, "far": np.inf}
    ds = xr.Dataset(attrs=results.provenance(given_, seed=0))
    back = results.load(results.save(ds, tmp_path / "a.nc"))
    assert json.loads(back.attrs["parameters"]) == {"on": True, "nothing": None, "deep": {"a": [1, 2.5]}, "far": "inf"}


@pytest.mark.parametrize("value", [None, True, np.bool_(True), {"a": 1}, [1, 2], np.ones(2), b"bytes", 1j])
def test_an_attribute_that_netcdf_lacks_is_refused(value: Any, tmp_path: Path) -> None:
    for ds in (xr.Dataset(attrs={"a": value}), xr.Dataset({"x": ((), 1.0, {"a": value})})):
        with pytest.raises(TypeError, match=r"attribute 'a' of (the Dataset|x) is .*; pass text or a number"):
            results.save(ds, tmp_path / "a.nc")
    with pytest.raises(TypeError, match="attribute 'a' of the Dataset"):
        results.dataset({}, a=value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("ds", "error", "message"),
    [
        (xr.Dataset({"x": ("a", np.array([1, None], object))}), TypeError, "x has dtype object"),
        (xr.Dataset({"x": ("a", [1j])}), TypeError, "x has dtype complex128; .*two variables"),
        (xr.Dataset({"x": ("a", np.array(["2001-01-01"], "M8[ns]"))}), TypeError, "x has dtype datetime64"),
        (xr.Dataset({"x": ("a", ["a\0b"])}), ValueError, "x holds text with a NUL"),
        (xr.Dataset(attrs={"x": "a\0b"}), ValueError, "'x' of the Dataset cannot be stored"),
        (xr.Dataset(attrs={"x": 2**63}), ValueError, "beyond 64 bits"),
        (xr.Dataset({"x": ((), 1.0, {"coordinates": "t"})}), ValueError, "'coordinates' of x cannot be stored"),
        (
            xr.Dataset({"x": (("a", "b"), np.ones((1, 2)))}, {"a": [0], "b": [0, 1]}).stack(c=("a", "b")),
            TypeError,
            "MultiIndex",
        ),
        (xr.DataArray([1.0]), TypeError, "ds is a DataArray; .*to_dataset"),
        ({"x": 1.0}, TypeError, "ds is a dict"),
    ],
)
def test_what_cannot_come_back_is_refused(ds: Any, error: type[Exception], message: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=message):
        results.save(ds, tmp_path / "a.nc")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_result_is_kept_unless_forced(tmp_path: Path) -> None:
    path = results.save(results.dataset({"loss": ("step", [1.0])}), tmp_path / "a.nc")
    with pytest.raises(FileExistsError, match="exists already; pass force=True"):
        results.save(results.dataset({"loss": ("step", [2.0])}), path)
    assert results.load(path).loss.item() == 1.0
    results.save(results.dataset({"loss": ("step", [2.0])}), path, force=True)
    assert results.load(path).loss.item() == 2.0
    assert [file.name for file in tmp_path.iterdir()] == ["a.nc"]


def test_missing_folders_are_made_and_the_file_has_the_usual_permissions(tmp_path: Path) -> None:
    path = results.save(xr.Dataset(), tmp_path / "new" / "deep" / "a.nc")
    (tmp_path / "usual").write_text("")
    assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_place_that_cannot_hold_the_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match=r"file is not a folder, so .*a\.nc cannot be written"):
        results.save(xr.Dataset(), tmp_path / "file" / "a.nc")
    with pytest.raises(IsADirectoryError, match="is a folder; pass the name of a file in it"):
        results.save(xr.Dataset(), tmp_path)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)  # what anyone but root sees in a read-only folder
    with pytest.raises(PermissionError, match="is not writable, so"):
        results.save(xr.Dataset(), tmp_path / "new" / "a.nc")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_writer_that_fails_half_way_leaves_the_old_file_and_no_other(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    def half(path: Path) -> None:
        path.write_text("ha")
        raise failure

    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(failure):
        results.write_atomically(tmp_path / "a.txt", half, force=True)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a.txt": "old"}


def test_several_files_appear_together_or_not_at_all(tmp_path: Path) -> None:
    def missing(path: Path) -> None:
        raise OSError("disk full")

    good: dict[Path, Callable[[Path], object]] = {
        tmp_path / f"{n}.txt": lambda path: path.write_text("x") for n in "ab"
    }
    with pytest.raises(OSError, match="disk full"):
        results.write_together({**good, tmp_path / "c.txt": missing})
    assert list(tmp_path.iterdir()) == []
    assert results.write_together(good) == list(good)
    assert all(path.read_text() == "x" for path in good)


def test_a_file_that_came_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    def slow(path: Path) -> None:
        path.write_text("mine")
        (tmp_path / "a.txt").write_text("theirs")

    with pytest.raises(FileExistsError):
        results.write_atomically(tmp_path / "a.txt", slow)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a.txt": "theirs"}


def test_what_is_no_result_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.nc does not exist; pass the path"):
        results.load(tmp_path / "none.nc")
    with pytest.raises(ValueError, match="is a folder"):
        results.load(tmp_path)
    (tmp_path / "text.nc").write_text("plain text")
    with pytest.raises(ValueError, match="is not a NetCDF4 file"):
        results.load(tmp_path / "text.nc")
    whole = results.save(results.dataset({"loss": ("step", np.arange(1000.0))}), tmp_path / "whole.nc").read_bytes()
    (tmp_path / "cut.nc").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="is damaged or not a result"):
        results.load(tmp_path / "cut.nc")


def test_a_loaded_result_is_in_memory_and_its_file_closed(tmp_path: Path) -> None:
    path = results.save(results.dataset({"loss": ("step", [1.0])}), tmp_path / "a.nc")
    back = results.load(path)
    path.unlink()
    assert isinstance(back.loss.variable._data, np.ndarray)


def test_the_variables_of_a_simulation_get_units_and_long_names() -> None:
    rng = np.random.default_rng(0)
    ds = results.dataset(
        {
            "y": (("seed", "time", "value"), rng.random((2, 4, 3))),
            "W": (("seed", "value", "key"), rng.random((2, 3, 5))),
            "centred_correlation": (("seed", "reference"), rng.random((2, 3))),
            "spike_unit": [0, 1, 1],
        },
        coords={
            "time": results.seconds([0.0, 240.0, 480.0, 720.0]),
            "seed": [0, 1],
            "reference": ["target", "effective", "shuffled"],
            "spike_time": results.seconds([1.0, 2.0, 3.5]),
        },
    )
    assert ds.time.values.tolist() == [0.0, 0.24, 0.48, 0.72]
    assert ds.spike_time.dims == ds.spike_unit.dims == ("spike",)
    assert {ds.time.attrs["units"], ds.spike_time.attrs["units"]} == {"s"}
    for name, variable in ds.variables.items():
        assert variable.attrs["long_name"], name
        assert ("units" in variable.attrs) == (variable.dtype.kind != "U"), name


def test_own_units_are_kept_and_a_given_array_is_not_changed() -> None:
    given_ = xr.DataArray([1.0], dims="step", attrs={"units": "nats"})
    ds = results.dataset({"loss": given_})
    assert (ds.loss.attrs["units"], ds.loss.attrs["long_name"]) == ("nats", "loss")
    assert given_.attrs == {"units": "nats"}


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"rate": ("unit", [1.0])}, "rate lacks units or long_name"),
        ({"rate": ("unit", [1.0], {"units": "Hz"})}, "rate lacks units or long_name"),
        ({"rate": [1.0]}, "rate is a bare array of shape .1,., unknown to the schema"),
        ({"y": [1.0]}, "y is a bare array of shape .1,., with dims .'time', 'value'."),
        ({"W": (("key", "post"), np.ones((2, 2)))}, "W has dims .'key', 'post'.; pass it with .'value', 'key'."),
    ],
)
def test_a_number_without_units_or_dims_is_refused(variables: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        results.dataset(variables)
