"""Every file has its format and its kind; older ones load; a result comes out of its file again, bit by bit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_programs as fakes
import kept_programs
import numpy as np
import pytest
import xarray as xr

import synfwp as fw
from synfwp import cli, reruns, results, scorecard
from synfwp.results import contents, first_difference

fake_programs = fakes.fake_programs  # the fixture
TASK = fw.tasks.Recall(keys=2, values=2, writes=3)
NET = fw.Programmer(d_in=TASK.d_in, d_key=4, d_value=4, d_out=2, write_channel=-1)
NEWER = results.FORMAT + 1


def circuit() -> fw.Circuit:
    """A source alone."""
    return fw.Circuit([], [fw.PoissonSource(3, rate=20.0, name="in")], dt=0.5)


def cell(folder: Path) -> Path:
    """The file of a cell."""
    with results.kept_cells(folder / "cells"):
        results.cells(kept_programs.cell, {"rule": ["delta"], "seed": [2]}, size=kept_programs.Size(0.5))
    (path,) = (folder / "cells").iterdir()
    return path


def checkpoint(folder: Path) -> Path:
    """The file of a training."""
    fw.train(NET, TASK, steps=2, batch=2, checkpoint=folder / "c.nc")
    return folder / "c.nc"


def rows(folder: Path) -> Path:
    """The rows of a program."""
    ds = results.comparison([results.Row("rate", [20.0, 21.0], 20.0, "exact")])
    about = {"program": "song2000", "command": "synfwp run song2000", "seconds": 1.0, "synfwp_version": "0.1.0"}
    return results.write_text(folder / "rows.json", results.as_page(ds, **about, package="0.1.0+0f"))


def nwb(folder: Path) -> Path:
    """A run as NWB."""
    pytest.importorskip("pynwb")
    return fw.write_nwb(circuit().run(100.0, seed=2), folder / "run.nwb")


FILES: dict[str, Callable[[Path], Path]] = {
    "Dataset without provenance": lambda folder: fw.save(xr.Dataset({"x": ("point", [1.0])}), folder / "a.nc"),
    "result": lambda folder: fw.save(xr.Dataset(attrs=results.provenance({"quick": True}, 3)), folder / "a.nc"),
    "run of a circuit": lambda folder: fw.save(circuit().run(10.0, seed=3), folder / "a.nc"),
    "trained programmer": lambda folder: fw.Trained(NET, NET.init(), xr.Dataset()).save(folder / "a.nc"),
    "checkpoint of a training": checkpoint,
    "state of a simulation": lambda folder: circuit().start(3).save(folder / "a.npz"),
    "cell of a run": cell,
    "rows of a program": rows,
    "run as NWB": nwb,
}


@pytest.mark.parametrize("kind", FILES)
def test_every_file_has_its_format_and_its_kind(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = FILES[kind](tmp_path)
    found = contents(path)
    assert (found.kind, found.facts["synfwp_format"]) == (kind, str(results.FORMAT))
    with pytest.raises(SystemExit) as end:
        cli.main(["show", str(path)])
    printed = capsys.readouterr().out
    assert end.value.code == 0
    assert [line.split(maxsplit=1) for line in printed.splitlines()[:2]] == [["file", str(path)], ["kind", kind]]
    lines = {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[-1] for line in printed.splitlines() if line}
    assert found.facts.items() <= lines.items() or any(len(text) > 400 for text in found.facts.values())
    with pytest.raises(SystemExit):
        cli.main(["show", str(path), "--json"])
    assert json.loads(capsys.readouterr().out)["facts"] == dict(found.facts)


def test_a_dataset_without_provenance_comes_back_without_its_format(tmp_path: Path) -> None:
    ds = xr.Dataset({"x": ("point", [1.0])}, attrs={"title": "mine"})
    assert fw.load(fw.save(ds, tmp_path / "a.nc")).identical(ds)


@pytest.mark.parametrize("kind", ["cell of a run", "rows of a program"])
def test_files_from_before_they_had_a_number_load_and_newer_ones_are_refused(kind: str, tmp_path: Path) -> None:
    path = FILES[kind](tmp_path)
    whole = json.loads(path.read_text())
    old = {name: value for name, value in whole.items() if name not in ("synfwp_format", "dtypes")}
    path.write_text(json.dumps(old))
    assert "none" in contents(path).facts["synfwp_format"]
    read: Any = (lambda: cell(tmp_path)) if kind.startswith("cell") else lambda: scorecard.lines(tmp_path)
    read()
    path.write_text(json.dumps(whole | {"synfwp_format": NEWER}))
    for call in (read, lambda: contents(path)):
        with pytest.raises(ValueError, match=f"format {NEWER} of a newer synfwp"):
            call()


def test_a_newer_file_without_provenance_and_a_newer_nwb_file_are_refused(tmp_path: Path) -> None:
    import h5py

    path = FILES["Dataset without provenance"](tmp_path)
    with h5py.File(path, "a") as file:
        file.attrs["synfwp_file_format"] = NEWER
    with pytest.raises(ValueError, match="of a newer synfwp"):
        fw.load(path)
    path = nwb(tmp_path)
    with h5py.File(path, "a") as file:
        notes = json.loads(file["general/notes"][()].decode())
        file["general/notes"][()] = json.dumps(notes | {"synfwp_format": NEWER})
    for read in (fw.read_nwb, contents):
        with pytest.raises(ValueError, match="of a newer synfwp"):
            read(path)


def test_a_kept_cell_has_the_types_that_it_was_made_with(tmp_path: Path) -> None:
    def run() -> xr.Dataset:
        with results.kept_cells(tmp_path):
            return results.cells(kept_programs.narrow, {"seed": [1, 2]})

    made, kept = run(), run()
    assert (made.x.dtype, made.i.dtype) == (np.float32, np.int16)
    assert first_difference(made, kept) is None


@pytest.mark.parametrize("content", ["text", "", "{}", '{"rows": 1}', "[1]", "[" * 100_000, "PK\3\4", "\0" * 600])
def test_what_synfwp_has_not_written_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=str(path)):
        contents(path)
    with pytest.raises(ValueError, match="is a folder"):
        contents(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        contents(tmp_path / "b")


# --- again -----------------------------------------------------------------------------------------------------------


def call(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str]:
    """Exit code and output of a command."""
    with pytest.raises(SystemExit) as end:
        cli.main([str(arg) for arg in args])
    printed = capsys.readouterr()
    code: Any = end.value.code
    return code, printed.out + printed.err


@pytest.mark.usefixtures("fake_programs")
def test_a_result_comes_out_of_its_file_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "run", "counting", "--out", tmp_path, "--seed", 4, "--quick", "--set", "size=5")[0] == 0
    path = tmp_path / "results" / "counting-size=5.nc"
    for file in (path, path.with_suffix(".json")):
        code, printed = call(capsys, "rerun", file)
        assert (code, printed) == (
            0,
            f"{file}: synfwp run counting --quick --seed 4 --set size=5\nbit-identical: yes\n",
        )
    code, printed = call(capsys, "rerun", path, "--out", tmp_path / "new.nc")
    assert code == 0
    assert first_difference(fw.load(path), fw.load(tmp_path / "new.nc")) is None
    assert call(capsys, "rerun", path, "--out", tmp_path / "new.nc")[0] == 2  # is not replaced


@pytest.mark.usefixtures("fake_programs")
def test_a_result_that_is_another_now_is_named_with_what_has_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call(capsys, "run", "counting", "--out", tmp_path)
    path = tmp_path / "results" / "counting.nc"
    ds = fw.load(path)
    changed = ds.assign(obtained=ds.obtained + np.array([0.0, 1e-12]))
    old = json.loads(ds.attrs["dependencies"]) | {"numpy": "1.0"}
    fw.save(changed.assign_attrs(dependencies=json.dumps(old)), path, force=True)
    code, printed = call(capsys, "rerun", path)
    assert code == 1
    assert "bit-identical: no. obtained at quantity size is 2.000000000001 and 2.0; 1 of 2 entries differ" in printed
    assert f"changed since: numpy, 1.0 then and {np.__version__} now" in printed
    page = path.with_suffix(".json")
    page.write_text(page.read_text().replace('"obtained": 2.0', '"obtained": 2.5'))
    code, printed = call(capsys, "rerun", page)
    assert (code, "no. rows.1.obtained is 2.5 and 2.0" in printed) == (1, True)


@pytest.mark.usefixtures("fake_programs")
def test_a_result_from_before_the_attribute_run_is_run_again_too(tmp_path: Path) -> None:
    ds = fw.run("counting", quick=True, seed=3, size=5)
    del ds.attrs["run"]
    found = reruns.rerun(fw.save(ds, tmp_path / "a.nc"))
    assert (found.identical, found.recipe.settings, found.recipe.seed) == (True, {"size": "5"}, 3)


@pytest.mark.parametrize("kind", [kind for kind in FILES if kind not in ("rows of a program", "run as NWB")])
def test_what_no_file_can_run_again_is_refused_with_the_way(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="whose code no file holds, so it cannot be run from here"):
        reruns.rerun(FILES[kind](tmp_path))


DS = xr.Dataset(
    {"x": (("rule", "seed"), [[1.0, np.nan], [0.0, 4.0]], {"units": "1"}), "t": ("rule", ["a", "b"])},
    {"rule": ["hebb", "delta"]},
    {"note": "n", "created": "now"},
)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (DS.assign_attrs(created="then", seconds=2.0), None),
        (DS.assign(x=DS.x.copy(data=[[1.0, np.nan], [0.0, 4.5]])), "x at rule delta, seed 1 is 4.0 and 4.5; 1 of 4"),
        (DS.assign(x=DS.x.copy(data=[[1.0, np.nan], [-0.0, 4.0]])), "x at rule delta, seed 0 is 0.0 and -0.0"),
        (DS.assign(x=DS.x.copy(data=[[1.0, 2.0], [0.0, 4.0]])), "x at rule hebb, seed 1 is nan and 2.0"),
        (DS.assign(x=DS.x.astype(np.float32)), "x has dtype <f8 and <f4"),
        (DS.isel(seed=[0]), "x has shape (2, 2) and (2, 1)"),
        (DS.transpose("seed", "rule"), "x has dims ('rule', 'seed') and ('seed', 'rule')"),
        (DS.drop_vars("t"), "t is only in the first"),
        (DS.assign(z=1.0), "z is only in the second"),
        (DS.assign(t=("rule", ["a", "c"])), "t at rule delta is 'b' and 'c'"),
        (DS.assign_coords(rule=["hebb", "oja"]), "rule at rule 1 is 'delta' and 'oja'"),
        (DS.assign(x=DS.x.assign_attrs(units="mV")), "x: attribute units is '1' and 'mV'"),
        (DS.assign_attrs(note="m"), "attribute note is 'n' and 'm'"),
    ],
)
def test_the_first_difference_is_named(other: xr.Dataset, message: str | None, tmp_path: Path) -> None:
    found = first_difference(DS, other)
    assert found is None if message is None else str(found).startswith(message)
    assert first_difference(DS, fw.load(fw.save(DS, tmp_path / "a.nc"))) is None


# --- one grid --------------------------------------------------------------------------------------------------------


def test_results_of_one_grid_are_merged_by_xarray_and_join_tells_so() -> None:
    def run(seeds: list[int]) -> xr.Dataset:
        ds = results.cells(kept_programs.cell, {"rule": ["delta", "hebb"], "seed": seeds}, size=kept_programs.Size(0.5))
        return ds[["recall"]].assign_attrs(results.provenance({"gain": 0.5}, seeds[0]))

    one, other, whole = run([1, 2]), run([3]), run([1, 2, 3])
    merged = xr.combine_by_coords([one, other], combine_attrs="drop_conflicts")
    assert merged.equals(whole)
    assert merged.attrs["parameters"] == whole.attrs["parameters"]
    with pytest.raises(
        ValueError, match=r"join is for runs .* results of one grid are merged by xarray: xr.combine_by"
    ):
        fw.join(one, other)
    a, b = (circuit().run(5.0, seed=seed) for seed in (1, 2))
    with pytest.raises(ValueError, match=r"differ in their seed.*results of one grid are merged by xarray"):
        fw.join(a, b)
