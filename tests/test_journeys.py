"""The journeys of ``docs/journeys``: each page is one block of at most 15 lines, which draws a figure and is right."""

import ast
import hashlib
import importlib.util
import warnings
from pathlib import Path
from typing import Any

import figure_checks
import numpy as np
import pages
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from PIL import Image

import synfwp as fw

FOLDER = Path(__file__).parents[1] / "docs" / "journeys"
MOST = 15
NAMED = figure_checks.DIMENSIONLESS | {"correlation", "error", "pairs"}
RASTER = "the x axis of axes 0 (a) has no label"  # it is that of the axes below
NEEDED = {"recording_beside_memory": "pynwb", "delta_rule_in_brian2": "brian2", "sweep": "zarr"}
JOURNEYS = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "index")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Brian2 and pynwb


def block(name: str) -> str:
    """The Python of a page."""
    (found,) = pages.blocks((FOLDER / f"{name}.md").read_text("utf-8"))
    return found


def user_lines(code: str) -> list[str]:
    """Lines that hold code; those of comments and empty ones do not count."""
    return [line for line in code.splitlines() if line.strip() and not line.lstrip().startswith("#")]


@pytest.fixture
def space(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> dict[str, Any]:
    """What the names of a page hold once it has run, in a folder of its own, and what it ``printed``."""
    name = request.param
    if name in NEEDED and importlib.util.find_spec(NEEDED[name]) is None:
        pytest.skip(f"{name} needs {NEEDED[name]}")
    monkeypatch.chdir(tmp_path)
    if name == "delta_rule_in_brian2":
        _still_brian2()
    found: dict[str, Any] = {}
    exec(compile(block(name), name, "exec"), found)
    (number,) = plt.get_fignums()
    complaints = figure_checks.complaints(plt.figure(number), NAMED)
    assert [one for one in complaints if name != "network_saved_and_continued" or one != RASTER] == []
    assert len(list(tmp_path.glob("*.png"))) == 1
    return found | {"printed": capsys.readouterr().out}


def _still_brian2() -> None:
    """No compiler, no log files, the same draws."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import brian2 as b2

    b2.prefs.codegen.target = "numpy"
    b2.prefs.logging.file_log = False
    b2.seed(0)


def journey(name: str) -> pytest.MarkDecorator:
    """A test of the page of that name."""
    return pytest.mark.parametrize("space", [name], indirect=True)


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_journey_has_at_most_fifteen_lines_that_are_no_trick(name: str) -> None:
    code = user_lines(block(name))
    assert len(code) <= MOST
    assert max(len(line) for line in code) <= 120
    assert not any(";" in line.partition("  # ")[0] for line in code)
    assert sum(line.startswith(("import ", "from ")) for line in code) >= 1
    assert "fw.plot.save(" in code[-1]


def test_every_journey_is_run_here_and_listed() -> None:
    tests = Path(__file__).read_text("utf-8")
    index = (FOLDER / "index.md").read_text("utf-8")
    assert len(JOURNEYS) == 7
    for name in JOURNEYS:
        assert f'@journey("{name}")' in tests
        assert f"]({name}.md)" in index
        assert f"\n{name}\n" in index


@pytest.mark.parametrize("name", JOURNEYS)
def test_the_picture_of_a_page_is_of_its_code(name: str) -> None:
    with Image.open(FOLDER / f"{name}.png") as image:
        made = image.info["Comment"]
    assert made == hashlib.sha256(block(name).encode()).hexdigest(), "python docs/site/journeys.py draws them anew"


@journey("own_stdp_table")
def test_the_intervals_of_a_fit_hold_the_truth(space: dict[str, Any]) -> None:
    table = space["fit"].table()
    for name, truth in {"A_plus": 0.012, "A_minus": 0.007, "tau_plus": 17.0, "tau_minus": 34.0}.items():
        row = table.loc[name]
        assert row["low"] < truth < row["high"]
        assert row["constrained"]
        assert abs(row["value"] / truth - 1) < 0.2


@journey("recording_beside_memory")
def test_a_recording_and_a_memory_carry_the_same_pictures(space: dict[str, Any]) -> None:
    recording, memory, picture = space["recording"], space["memory"], space["picture"]
    np.testing.assert_array_equal(picture, space["seen"])
    np.testing.assert_array_equal(fw.spikes(recording, "V1")[0], fw.spikes(space["run"], "V1")[0])
    for ds, events, name in zip((recording, memory), space["starts"], ("V1", "push"), strict=True):
        counts = fw.measures.event_counts(ds, events, (0.0, 0.1), name)
        found = fw.measures.decode(counts, picture, shuffles=200)
        assert found.accuracy > 0.85
        assert found.p < 0.01
        assert abs(found.shuffled_accuracy.mean() - 0.25) < 0.05
    np.testing.assert_allclose(memory.W, np.eye(4), atol=0.4)


@journey("network_saved_and_continued")
def test_a_network_that_was_saved_and_restored_is_one_run(space: dict[str, Any]) -> None:
    whole = space["network"].run(1000.0, seed=0)
    for name in whole.data_vars:
        xr.testing.assert_equal(space["ds"][name], whole[name])
    assert whole.sizes["spike"] > 1000
    assert (fw.weights(whole, "I_to_E") != fw.weights(whole, "I_to_E", when="start")).nnz > 1000
    before, after = (fw.rates(space[name]).sel(population="E") for name in ("before", "after"))
    assert 5.0 < after < before


@journey("capacity_with_theory")
def test_recall_is_that_of_theory_within_its_interval(space: dict[str, Any]) -> None:
    ds = space["ds"]
    for name in ("Hebb", "least squares"):
        one = ds.sel(system=name)
        half = np.maximum((one.high - one.low) / 2, 0.01)
        assert (abs(one["mean"] - one.theory) < 2 * half).all()
    mean = ds["mean"]
    assert (mean.sel(system="delta") > mean.sel(system="Hebb")).all()
    assert mean.sel(system="least squares", pairs=32) > 0.99 > mean.sel(system="least squares", pairs=64)


@journey("task_in_spikes")
def test_a_task_of_ones_own_is_learned_runs_in_spikes_and_beta_leads_by_what_was_put_in(space: dict[str, Any]) -> None:
    found, batch, trained = space["found"], space["batch"], space["trained"]
    assert float(fw.tasks.check(space["task"]).order_blind) < 0.5
    exact, spikes = ast.literal_eval(space["printed"].splitlines()[-1])
    assert exact == trained.accuracy(batch) > 0.99
    assert spikes > 0.9
    assert found.correlation.idxmax() == 2.0
    assert (found.p < 0.05).all()
    assert found.largest > 2 * found.limit.max()


@journey("delta_rule_in_brian2")
def test_the_delta_rule_of_a_brian2_model_has_erased_the_old_value(space: dict[str, Any]) -> None:
    old, new = space["W"][:, 0]
    assert abs(old) < 0.45  # three standard deviations; with hebb it is 1.03
    assert 0.7 < new < 1.3
    assert not space["W"][:, 1].any()  # a key that was never sent
    spikes, read = space["spikes"], space["made"].duration / 1000 + 0.05
    late = np.asarray(spikes.i)[np.asarray(spikes.t) > read]
    assert (late >= 50).mean() > 0.7


@journey("sweep")
def test_a_cell_of_a_sweep_is_a_direct_call_bit_by_bit(space: dict[str, Any]) -> None:
    ds, recall = space["ds"], space["recall"]
    at = {"beta": 0.4, "pairs": 16, "seed": 3}
    direct = recall(0.4, 16, int(ds.seed_of_cell.sel(at)))
    assert float(ds.error.sel(at)) == direct["error"]
    again = fw.sweep(recall, space["grid"], seeds=20, store="recall.zarr")
    np.testing.assert_array_equal(again.error, ds.error)
    best = ds.error.mean("seed").idxmin("beta")
    assert best.sel(pairs=4) > best.sel(pairs=64)
