"""Sweeps: labels, seeds by parameters, the same bits anywhere, kept cells, failures, and what is refused."""

import json
import os
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

pytest.importorskip("zarr")
import swept

import synfwp as fw
from synfwp import results, seeds, sweeps
from synfwp.sweeps import journal, running, stores


def same(one: xr.Dataset, other: xr.Dataset) -> bool:
    """Equal bit by bit, with all attributes but when and how long."""
    return one.drop_attrs(deep=False).identical(other.drop_attrs(deep=False)) and (
        results.provenance_hash(one) == results.provenance_hash(other)
    )


def test_a_result_has_the_dims_of_the_grid_and_the_seed_before_its_own(tmp_path: Path) -> None:
    ds = fw.sweep(swept.memory, swept.GRID, seeds=4, store=tmp_path / "s.zarr")
    assert ds.read.dims == ("beta", "rule", "seed", "time", "value")
    assert (ds.largest.dtype.kind, ds.sign.dtype.kind, ds.norm.dims) == ("i", "U", ("beta", "rule", "seed"))
    assert ds.read.attrs["units"] == "1"
    for beta, rule, seed in ((0.5, "delta", 2), (1, "hebb", 0)):
        cell = ds.sel(beta=beta, rule=rule, seed=seed)
        alone = swept.memory(beta, rule, int(cell.seed_of_cell))
        assert np.array_equal(cell.read, alone.read)
        assert (int(cell.largest), str(cell.sign.values), float(cell.norm)) == (
            int(alone.largest), str(alone.sign.values), float(alone.norm)
        )  # fmt: skip
    assert np.array_equal(xr.open_zarr(tmp_path / "s.zarr", chunks=None).read, ds.read)


def test_a_seed_is_a_hash_of_the_parameters_and_rules_share_it() -> None:
    ds = fw.sweep(swept.memory, swept.GRID, seeds=3, store=None)
    assert int(ds.seed_of_cell.sel(beta=0.5, rule="hebb", seed=2)) == seeds.of_cell({"beta": 0.5}, 2)
    assert (ds.seed_of_cell.sel(rule="hebb") == ds.seed_of_cell.sel(rule="delta")).all()
    assert len(np.unique(ds.seed_of_cell.sel(rule="hebb"))) == 9
    apart = fw.sweep(swept.memory, swept.GRID, seeds=3, store=None, paired=())
    assert len(np.unique(apart.seed_of_cell)) == 18


def test_another_point_and_more_seeds_run_only_the_new_cells_and_change_no_other(tmp_path: Path) -> None:
    log, store = tmp_path / "log", tmp_path / "s.zarr"
    fixed = {"log": str(log)}
    first = fw.sweep(swept.memory, swept.GRID, seeds=2, store=store, fixed=fixed)
    assert len(swept.noted(log)) == 12
    wider = {"rule": ["delta", "hebb"], "beta": [1.0, 0.25, 0.1, 0.5]}
    second = fw.sweep(swept.memory, wider, seeds=3, store=store, fixed=fixed, workers=1)
    assert len(swept.noted(log)) == 24 == len(set(swept.noted(log)))
    old = second.sel(beta=first.beta, rule=first.rule, seed=first.seed).transpose(*first.read.dims)
    assert old.drop_attrs().identical(first.drop_attrs())


def test_bits_do_not_depend_on_workers_batches_or_order(monkeypatch) -> None:
    runs = [fw.sweep(swept.memory, swept.GRID, seeds=5, store=None, workers=1)]
    runs.append(fw.sweep(swept.memory, swept.GRID, seeds=5, store=None, workers=5))
    monkeypatch.setattr(running, "MOST", 1)
    turned = {"rule": ["delta", "hebb"], "beta": [1, 0.1, 0.5]}
    ds = fw.sweep(swept.memory, turned, seeds=[4, 2, 0, 1, 3], store=None, workers=3)
    runs.append(ds.sel(beta=runs[0].beta, rule=runs[0].rule, seed=runs[0].seed).transpose(*runs[0].read.dims))
    assert same(runs[0], runs[1])
    assert runs[0].drop_attrs().identical(runs[2].drop_attrs())


def test_blocks_of_the_store_change_no_number(tmp_path: Path, monkeypatch) -> None:
    whole = fw.sweep(swept.memory, swept.GRID, seeds=5, store=None)
    for size in (300, 1000, 5000):
        monkeypatch.setattr(stores, "BLOCK", size)
        assert same(fw.sweep(swept.memory, swept.GRID, seeds=5, store=None), whole)


def test_a_cell_that_fails_is_kept_with_its_traceback_and_the_rest_goes_on(tmp_path: Path) -> None:
    flag, store = tmp_path / "flag", tmp_path / "s.zarr"
    flag.touch()
    arguments = {"seeds": 2, "fixed": {"flag": str(flag)}, "store": store, "workers": 1}
    with pytest.warns(RuntimeWarning, match=r"2 of 6 cells failed \(RuntimeError: not yet\); retry=True"):
        ds = fw.sweep(swept.mended, {"x": [1, 2, 3]}, **arguments)
    assert np.isnan(ds.result.sel(x=2)).all()
    assert ds.result.sel(x=[1, 3], seed=0).values.tolist() == [1.0, 3.0]
    assert ds.failure.sel(x=2, seed=1) == "RuntimeError: not yet"
    found = sweeps.failures(store)
    assert json.loads(next(iter(found))) == {"x": 2, "seed": 0}
    assert 'raise RuntimeError("not yet")' in next(iter(found.values()))
    flag.unlink()
    with pytest.warns(RuntimeWarning, match="2 of 6"):
        fw.sweep(swept.mended, {"x": [1, 2, 3]}, **arguments)
    ds = fw.sweep(swept.mended, {"x": [1, 2, 3]}, **arguments, retry=True)
    assert ds.result.sel(seed=0).values.tolist() == [1.0, 2.0, 3.0]
    assert sweeps.failures(store) == {}


def test_whole_numbers_beside_failed_cells_become_floats() -> None:
    def whole(x):
        return 1 // x

    with pytest.warns(RuntimeWarning, match="1 of 2 cells failed"):
        ds = fw.sweep(whole, {"x": [0, 1]}, seeds=None, store=None)
    assert np.array_equal(ds.result, [np.nan, 1.0], equal_nan=True)


@pytest.mark.parametrize("way", ["code", "global", "fixed", "package"])
def test_cells_of_another_state_are_not_mixed_by_chance(way: str, tmp_path: Path, monkeypatch) -> None:
    fixed = {"broken": False}
    arguments = {"grid": {"x": [1, 2]}, "store": tmp_path / "s.zarr"}
    function = swept.failing
    before = fw.sweep(function, **arguments, fixed=fixed)
    if way == "code":

        def function(x, seed, broken):
            return x * 2.0

    elif way == "global":
        monkeypatch.setattr(swept, "FACTOR", 3.0)
    elif way == "fixed":
        fixed = {"broken": 0.0}
    else:
        monkeypatch.setattr(results, "package", lambda: "0.2.0+00000000")
    with pytest.raises(
        ValueError, match=r"s\.zarr\.cells holds cells of another state: .* was .* and is .*changed='again'"
    ):
        fw.sweep(function, **arguments, fixed=fixed)
    with pytest.warns(RuntimeWarning, match="cells of 2 states"):
        mixed = fw.sweep(function, **arguments, fixed=fixed, changed="mix")
    assert mixed.attrs["states"] == 2
    assert mixed.result.values.tolist() == before.result.values.tolist()
    anew = fw.sweep(function, **arguments, fixed=fixed, changed="again")
    assert "states" not in anew.attrs
    assert (anew.result.values.tolist() == before.result.values.tolist()) == (way in ("fixed", "package"))


def test_a_helper_module_is_part_of_the_state(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "sweep_helper.py").write_text("def twice(x):\n    return 2 * x\n")
    import sweep_helper

    def cell(x):
        return sweep_helper.twice(x)

    sweep = {"grid": {"x": [1, 2]}, "seeds": None, "store": tmp_path / "s.zarr"}
    fw.sweep(cell, **sweep)
    (tmp_path / "sweep_helper.py").write_text("# a comment\ndef twice(x):\n    return 2 * x\n")
    fw.sweep(cell, **sweep)
    (tmp_path / "sweep_helper.py").write_text("def twice(x):\n    return 3 * x\n")
    with pytest.raises(ValueError, match=r"modules\.sweep_helper"):
        fw.sweep(cell, **sweep)


class Handle:
    """What no process can send and nobody can hash."""

    def __reduce_ex__(self, protocol):
        raise TypeError("a handle")


GOOD = {"grid": {"x": [1, 2]}, "seeds": 2}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grid": {"z": [1]}}, "grid holds 'z', but failing has no such argument; the names are|grid holds 'z'"),
        ({"grid": {"x": [1]}, "fixed": {"brokn": 1}}, "fixed holds 'brokn'.*did you mean 'broken'"),
        ({"grid": {}, "seeds": None}, "grid is empty"),
        ({"grid": {"x": []}}, r"grid\['x'\] is empty; pass at least one value"),
        ({"grid": {"x": 3}}, r"grid\['x'\] is 3; pass a list of values"),
        ({"grid": {"x": [1, 1.0]}}, r"grid\['x'\] holds 1.0 twice"),
        ({"grid": {"x": [1, "a"]}}, "mixes numbers, text"),
        ({"grid": {"x": [(1, 2)]}}, r"holds \(1, 2\); pass \{label: value\}"),
        ({"grid": {"x": {"a": threading.Lock()}}}, "is of type lock, which cannot be hashed"),
        ({"grid": [1]}, r"grid is \[1\]; pass a mapping"),
        ({"grid": {"seed": [1]}}, "grid holds 'seed', which seeds= makes"),
        ({"grid": {"failure": [1]}}, "a variable of every sweep"),
        ({"grid": {"broken": [True]}}, "failing needs 'x'; put it into grid, or into fixed"),
        ({"fixed": {"x": 1}}, "'x' stands both in grid and in fixed"),
        ({"seeds": 0}, "seeds is 0; pass an integer of at least 1"),
        ({"seeds": [1, 1]}, "each once"),
        ({"on": "slrum"}, "on is 'slrum'; pass None or 'threads'"),
        ({"on": 3}, "on is 3; pass None"),
        ({"workers": 0}, "workers is 0"),
        ({"changed": "maybe"}, "changed"),
        ({"store": "s3://bucket/s.zarr"}, "pass a folder of this machine"),
        ({"function": 3}, "function is 3; pass a function, or the name of a program"),
        ({"function": lambda x: x}, "has no argument 'seed'; give it one, or pass seeds=None"),
    ],
)  # fmt: skip
def test_bad_input_is_named_before_anything_runs(change: dict, message: str) -> None:
    arguments = {"function": swept.failing, "store": None} | GOOD | change
    with pytest.raises((TypeError, ValueError), match=message):
        fw.sweep(**arguments)


def test_a_function_that_cannot_be_sent_or_hashed_is_named(tmp_path: Path) -> None:
    lock, handle = threading.Lock(), Handle()

    def locked(x):
        return x if lock else 0

    with pytest.raises(TypeError, match=r"function\.closure\.lock is of type _thread\.lock, which cannot be hashed"):
        fw.sweep(locked, {"x": [1]}, seeds=None, store=None)

    def handled(x):
        return x if isinstance(handle, Handle) else 0

    with pytest.raises(TypeError, match=r"handled cannot be sent to another process \(TypeError: a handle\)"):
        fw.sweep(handled, {"x": [1]}, seeds=None, store=None, on="processes")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (lambda x: np.zeros(x), r"cells differ in shape \(x=2\): result has shape \(1,\) in one and \(2,\)"),
        (lambda x: xr.Dataset({"y": ("t", [0.0, 1.0])}, {"t": [0, x]}), "t has labels that differ"),
        (lambda x: {"a" if x == 1 else "b": 1.0}, "is in one and not in the other"),
        (lambda x: 1.0 if x == 1 else "one", "result is text in one and a number in the other|differ"),
    ],
)
def test_cells_that_differ_in_shape_are_an_error_and_stay_kept(cell, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        fw.sweep(cell, {"x": [1, 2]}, seeds=None, store=tmp_path / "s.zarr", workers=1)
    with journal.Journal(tmp_path / "s.zarr.cells") as kept:
        assert len(kept.known()) == 2


def test_cells_may_differ_in_the_kind_of_number_and_the_length_of_text() -> None:
    ds = fw.sweep(lambda x: {"y": x / 2 if x % 2 else x // 2, "z": "a" * x}, {"x": [1, 2, 3]}, seeds=None, store=None,
                  workers=1)  # fmt: skip
    assert ds.y.values.tolist() == [0.5, 1.0, 1.5]
    assert ds.z.values.tolist() == ["a", "aa", "aaa"]


def test_names_of_the_sweep_within_a_cell_are_marked() -> None:
    def cell(x, seed):
        return xr.Dataset({"y": ("seed", [x, 1.0])}, {"seed": [7, 8], "x": x})

    ds = fw.sweep(cell, {"x": [1, 2]}, seeds=3, store=None)
    assert ds.y.dims == ("x", "seed", "seed_in_cell")
    assert ds.seed_in_cell.values.tolist() == [7, 8]


def test_objects_are_swept_under_labels() -> None:
    rows = {"delta": fw.DELTA, "hebb": fw.HEBB}

    def cell(rule, seed):
        k = np.random.default_rng(seed).random((3, 2))
        return fw.scan(rule, k, k, k).y

    ds = fw.sweep(cell, {"rule": rows}, seeds=2, store=None)
    assert ds.rule.values.tolist() == ["delta", "hebb"]
    assert (ds.result.sel(rule="delta") != ds.result.sel(rule="hebb")).any()


def test_simulate_and_capacity_are_swept() -> None:
    k, v = np.random.default_rng(0).random((2, 5, 3)) / 2
    fixed = {"instructions": fw.Instructions(k, k, v), "on": fw.SpikingNetwork(engine="counts")}
    ds = fw.sweep(fw.simulate, {"rule": ["hebb", "delta"]}, seeds=3, fixed=fixed, store=None)
    alone = fw.simulate("delta", fixed["instructions"], on=fixed["on"], seed=int(ds.seed_of_cell[1, 2]))
    assert np.array_equal(ds.W.sel(rule="delta", seed=2), alone.W)
    fixed = {"systems": {"Hebb": "hebb"}, "loads": [2, 4], "seeds": 3}
    ds = fw.sweep(fw.capacity, {"d_key": [4, 8]}, seeds=None, fixed=fixed, store=None)
    assert ds.score.dims == ("d_key", "system", "pairs", "seed")
    alone = fw.capacity(**fixed, d_key=8)
    assert np.array_equal(ds.score.sel(d_key=8), alone.score)


def test_a_cost_is_estimated_and_a_function_that_ignores_its_seed_is_found(tmp_path: Path) -> None:
    found = sweeps.cost(swept.memory, swept.GRID, seeds=50, store=tmp_path / "s.zarr", workers=2)
    assert (found.cells, found.kept, found.workers) == (300, 0, 2)
    assert 0 < found.seconds < 60
    assert found.bytes == pytest.approx(300 * (24 * 8 + 6 * 8 + 8 + 8 + 16), rel=0.1)
    assert not (tmp_path / "s.zarr.cells").exists()
    with pytest.warns(RuntimeWarning, match="let it draw from its seed alone"):
        sweeps.cost(lambda x, seed: np.random.default_rng().random(), {"x": [1]}, store=None)
    with pytest.raises(RuntimeError, match="the cell x=2, seed=0 fails"):
        sweeps.cost(swept.failing, {"x": [2]}, store=None)


def test_what_is_no_store_of_a_sweep_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s.zarr").mkdir()
    (tmp_path / "s.zarr" / "mine").write_text("data")
    with pytest.raises(FileExistsError, match="without the cells of a sweep"):
        fw.sweep(swept.failing, {"x": [1]}, store=tmp_path / "s.zarr")
    assert (tmp_path / "s.zarr" / "mine").read_text() == "data"
    (tmp_path / "t.zarr.cells").write_bytes(b"no database" * 1000)
    with pytest.raises(ValueError, match="is no whole journal of a sweep"):
        fw.sweep(swept.failing, {"x": [1]}, store=tmp_path / "t.zarr")
    sqlite3.connect(tmp_path / "u.zarr.cells").execute("CREATE TABLE mine(x)").connection.close()
    with pytest.raises(ValueError, match="a database of another program"):
        fw.sweep(swept.failing, {"x": [1]}, store=tmp_path / "u.zarr")


def test_a_folder_that_takes_no_files_is_named_before_anything_runs(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="is not a folder"):
        fw.sweep(swept.failing, {"x": [1]}, store=tmp_path / "file" / "s.zarr")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match="is not writable"):
        fw.sweep(swept.failing, {"x": [1]}, store=tmp_path / "new" / "s.zarr")


def test_a_full_disk_is_named_and_kept_cells_stay(tmp_path: Path, monkeypatch) -> None:
    store, opened = tmp_path / "s.zarr", journal.Journal._open

    def small(self):
        opened(self)
        self.db.execute("PRAGMA max_page_count=30")

    def large(x, seed):
        return np.full(2000, x)

    monkeypatch.setattr(journal.Journal, "_open", small)
    with pytest.raises(OSError, match="the disk is full; all cells that were finished are kept"):
        fw.sweep(large, {"x": list(range(40))}, store=store, workers=1)
    monkeypatch.setattr(journal.Journal, "_open", opened)
    with journal.Journal(tmp_path / "s.zarr.cells") as kept:
        assert 0 < len(kept.known()) < 40
    assert same(
        fw.sweep(large, {"x": list(range(40))}, store=store), fw.sweep(large, {"x": list(range(40))}, store=None)
    )


def test_two_sweeps_do_not_write_to_one_store_at_a_time(tmp_path: Path) -> None:
    with (
        journal.Journal(tmp_path / "s.zarr.cells"),
        pytest.raises(OSError, match="is written by another sweep"),
    ):
        fw.sweep(swept.failing, {"x": [1]}, store=tmp_path / "s.zarr")
