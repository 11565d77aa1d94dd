"""``synfwp sweep``: a program over a grid of its settings."""

from pathlib import Path

import fake_programs as fakes
import pytest
import xarray as xr

pytest.importorskip("zarr")

from synfwp import cli, programs

fake_programs = fakes.fake_programs  # the fixture
pytestmark = pytest.mark.usefixtures("fake_programs")


def call(*args: object) -> int:
    """Exit code of one command, in threads."""
    with pytest.raises(SystemExit) as end:
        cli.main(["sweep", *map(str, args), "--on", "threads", "--jobs", "1"])
    return end.value.code if isinstance(end.value.code, int) else 1


def test_a_program_is_swept_over_its_settings_and_goes_on(tmp_path: Path, capsys, fake_programs: Path) -> None:
    store = tmp_path / "s.zarr"
    assert call("counting", "--grid", "size=2,5", "--seeds", 3, "--store", store) == 0
    assert capsys.readouterr().out.startswith(f"{store}: 6 cells (size 2, seed 3, ")
    ds = xr.open_zarr(store, chunks=None).load()
    assert ds.obtained.dims == ("size", "seed", "quantity")
    assert ds["obtained"].sel(quantity="recall of delta").values.tolist() == [[0.25] * 3] * 2
    ran = int((fake_programs / "ran").read_text())
    assert call("counting", "--grid", "size=2,5,7", "--seeds", 3, "--store", store) == 0
    assert int((fake_programs / "ran").read_text()) == ran + 3
    alone = programs.run("counting", seed=int(ds.seed_of_cell[0, 0]), size=2)
    assert alone.obtained.equals(ds.obtained[0, 0].drop_vars(("size", "seed", "seed_of_cell")))


def test_an_estimate_runs_nothing_but_one_cell(tmp_path: Path, capsys) -> None:
    assert call("counting", "--grid", "size=2,5", "--seeds", 10, "--store", tmp_path / "s.zarr", "--estimate") == 0
    assert capsys.readouterr().out.startswith("20 cells; 20 to run: about ")
    assert list(tmp_path.glob("s.zarr*")) == []


def test_failed_cells_end_with_exit_code_one(tmp_path: Path, capsys, fake_programs: Path) -> None:
    text = fakes.GOOD.replace(
        "    ran = Path", '    if size == 5:\n            raise RuntimeError("no")\n        ran = Path'
    )
    fakes.write(fake_programs, "odd", text)
    with pytest.warns(RuntimeWarning, match=r"1 of 2 cells failed \(RuntimeError: no\)"):
        assert call("odd", "--grid", "size=2,5", "--store", tmp_path / "s.zarr") == 1
    assert "1 failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("counting", "--grid", "sise=2"), "program 'counting' has no setting 'sise'; did you mean 'size'?"),
        (("counting", "--grid", "size"), "--grid got 'size'; pass NAME=VALUE"),
        (("counting", "--grid", "size=2", "--grid", "size=3"), "--grid got size twice"),
        (("counting", "--grid", "size=many"), "size is 'many'; pass an integer."),
        (("countin", "--grid", "size=2"), "did you mean 'counting'?"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple, message: str, tmp_path: Path, capsys) -> None:
    assert call(*arguments, "--store", tmp_path / "s.zarr") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
