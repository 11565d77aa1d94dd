"""Cells of a run: joined by their grid, kept as they end, run again only where something they use has changed."""

import inspect
import json
import sys
import types
from pathlib import Path

import kept_programs
import numpy as np
import pytest
from kept_programs import Size, cell, labelled

from synfwp import programs, results
from synfwp.results import keeping

GRID = {"rule": ["hebb", "delta"], "seed": [3, 0, 2]}


def ran(log) -> list[str]:
    return log.read_text().split("\n")[:-1] if log.exists() else []


def test_cells_stand_in_the_order_of_the_grid_and_shorter_curves_end_in_nan() -> None:
    ds = results.cells(cell, GRID, size=Size(1.5))
    assert ds.recall.dims == ("rule", "seed")
    assert ds.seed.values.tolist() == [3, 0, 2]
    assert ds.recall.sel(rule="delta").values.tolist() == [9.0, 0.0, 6.0]
    assert np.isnan(ds.curve.sel(seed=0)[0].values).tolist() == [False, True, True, True]
    assert ds.recall.attrs["units"] == "1"


def test_labels_and_text_of_cells_stay() -> None:
    ds = results.cells(labelled, {"seed": [1, 4]})
    assert ds.rate.sel(dt=0.1).values.tolist() == [1.0, 4.0]
    assert ds.dt.attrs == {"units": "ms"}


def test_a_kept_cell_is_not_run_again_and_is_the_same(tmp_path) -> None:
    size = Size(1.5, log=str(tmp_path / "log"))
    with results.kept_cells(tmp_path / "cells") as first:
        made = results.cells(cell, GRID, size=size)
    with results.kept_cells(tmp_path / "cells") as second:
        found = results.cells(cell, GRID, size=size)
    assert len(ran(tmp_path / "log")) == 6
    assert (first.made, first.found, second.made, second.found) == (6, 0, 0, 6)
    assert found.identical(made)
    assert second.seconds == pytest.approx(first.seconds, abs=0.02)


def test_more_seeds_run_only_these_and_other_fields_that_no_code_reads_change_nothing(tmp_path) -> None:
    size = Size(1.5, log=str(tmp_path / "log"))
    with results.kept_cells(tmp_path / "cells") as kept:
        results.cells(cell, {"rule": ["hebb"], "seed": [0, 1]}, size=size)
        results.cells(cell, {"rule": ["hebb"], "seed": [0, 1, 2]}, size=size._replace(seeds=3, shown=9))
        assert (kept.made, kept.found) == (3, 2)
        results.cells(cell, {"rule": ["hebb"], "seed": [0]}, size=size._replace(gain=2.0))
        assert kept.made == 4
    assert ran(tmp_path / "log") == ["hebb 0", "hebb 1", "hebb 2", "hebb 0"]


def test_again_runs_kept_cells_once_more(tmp_path) -> None:
    size = Size(1.5, log=str(tmp_path / "log"))
    for again in (False, True):
        with results.kept_cells(tmp_path / "cells", again=again):
            results.cells(cell, {"rule": ["hebb"], "seed": [0]}, size=size)
    assert len(ran(tmp_path / "log")) == 2


def test_a_cell_that_fails_loses_none_that_ended(tmp_path) -> None:
    size = Size(1.5, log=str(tmp_path / "log"))
    grid = {"rule": ["broken"], "seed": [0, 1, 2]}
    with results.kept_cells(tmp_path / "cells"), pytest.raises(RuntimeError, match="no more memory"):
        results.cells(cell, grid, size=size)
    with results.kept_cells(tmp_path / "cells") as kept, pytest.raises(RuntimeError):
        results.cells(cell, grid, size=size)
    assert kept.found == 1
    assert ran(tmp_path / "log") == ["broken 0", "broken 1", "broken 1"]


def test_processes_share_cells_and_give_the_same(tmp_path) -> None:
    with results.kept_cells(tmp_path / "cells", jobs=2) as kept:
        found = results.cells(cell, GRID, size=Size(1.5))
    assert kept.made == 6
    assert found.identical(results.cells(cell, GRID, size=Size(1.5)))
    with results.kept_cells(tmp_path / "cells") as kept:
        assert results.cells(cell, GRID, size=Size(1.5)).identical(found)
    assert kept.found == 6


CHANGES = {  # what is changed in the text of the module, and whether cells have to run again
    "a constant": ("SLOPE = 2.0", "SLOPE = 3.0", True),
    "a function that the cell calls": ("return SLOPE * x", "return SLOPE * x + 1", True),
    "the cell": ("range(seed + 1)", "range(seed + 2)", True),
    "a comment and a docstring": ('"""What a cell uses of its module."""', '"""Used by cells."""  # now', False),
    "another function": ("[1.0 * seed, 2.0]", "[1.0 * seed, 3.0]", False),
    "a new field of the sizes": ("shown: int = 5", "shown: int = 6\n    width: int = 1", False),
    "the default of a field": ("seeds: int = 2", "seeds: int = 4", False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_key_of_a_cell_is_the_code_that_it_uses(change, monkeypatch) -> None:
    old, new, other = CHANGES[change]
    text = inspect.getsource(kept_programs)
    assert text.count(old) == 1

    def code(source: str) -> str:
        module = types.ModuleType("changing")
        monkeypatch.setitem(sys.modules, "changing", module)
        monkeypatch.setattr(inspect, "getsource", lambda _: source)
        keeping._code_of.cache_clear()
        found = keeping._code_of("changing", "cell")[0]
        monkeypatch.undo()
        return found

    assert (code(text) != code(text.replace(old, new))) is other
    keeping._code_of.cache_clear()


def test_cells_of_another_state_of_the_package_are_named(tmp_path) -> None:
    size = Size(1.5)
    with results.kept_cells(tmp_path):
        results.cells(cell, {"rule": ["hebb"], "seed": [0]}, size=size)
    (path,) = tmp_path.glob("*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"package": "0.0.1+abcdefgh"}))
    with results.kept_cells(tmp_path) as kept:
        results.cells(cell, {"rule": ["hebb"], "seed": [0]}, size=size)
    assert kept.others == {"0.0.1+abcdefgh"}


def test_a_file_that_is_no_cell_is_named_and_not_taken(tmp_path) -> None:
    with results.kept_cells(tmp_path):
        results.cells(labelled, {"seed": [0]})
    (path,) = tmp_path.glob("*.json")
    path.write_text(path.read_text()[:40])
    with results.kept_cells(tmp_path), pytest.raises(ValueError, match=rf"{path.name} is no cell .* delete it"):
        results.cells(labelled, {"seed": [0]})


def test_what_cannot_be_found_again_is_refused_before_it_runs(tmp_path) -> None:
    def local(seed):
        raise AssertionError

    with results.kept_cells(tmp_path), pytest.raises(TypeError, match=r"local.* is no function of a module"):
        results.cells(local, {"seed": [0]})
    for empty in ({}, {"seed": []}):
        with pytest.raises(ValueError, match="grid is"):
            results.cells(labelled, empty)
    with pytest.raises(ValueError, match="jobs is 0"), results.kept_cells(jobs=0):
        pass


COMMITTED = sorted((Path(__file__).parents[2] / "docs" / "cells").glob("*/*.json"))


def test_committed_cells_are_read_and_hold_numbers() -> None:
    assert COMMITTED
    kept, known = keeping.Keeping(), programs.list_programs()
    for path in COMMITTED:
        ds = keeping._read(path, kept)
        assert ds.data_vars, path
        assert path.parent.name in known
    assert kept.seconds > 3600
