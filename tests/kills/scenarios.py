"""What is killed: saves of results, files of a program, states, checkpoints, cells, recordings, NWB files, figures."""

import importlib.util
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.image import imread
from tqdm.auto import tqdm

import synfwp as fw
from kills.scenario import Scenario, done
from synfwp import plot, results

POINTS = 20_000  # of a result, so that a write takes a while
GRID = {"gain": list(range(40)), "seed": list(range(5))}
TASK = fw.tasks.Recall(keys=2, values=2, writes=3)
NET = fw.Programmer(d_in=TASK.d_in, d_key=4, d_value=4, d_out=2, write_channel=-1)


tqdm.get_lock()  # made here, once, and not by each of the processes that are killed
ORIGIN = results.provenance({}, 0)


def numbered(k: int) -> xr.Dataset:
    """A result that is k all over."""
    return xr.Dataset({"x": ("point", np.full(POINTS, float(k)))}, attrs=ORIGIN | {"seed": k})


def of_file(path: Path, counted: int) -> list[str]:
    """Problems of a file of `numbered`."""
    try:
        ds = results.load(path)
    except FileNotFoundError:
        return [f"lost: {path.name}"]
    except ValueError as error:
        return [f"half: {path.name}: {error}"]
    k = ds.attrs["seed"]
    if not (ds.x.values == k).all() or ds.sizes["point"] != POINTS:
        return [f"half: {path.name} holds parts of two"]
    return [] if k >= counted else [f"lost: {path.name} is number {k} of {counted}"]


def saves(folder: Path) -> None:
    """One result, again and again."""
    for k in itertools.count(1):
        fw.save(numbered(k), folder / "a.nc", force=True)
        done(folder)


def check_saves(folder: Path, counted: int) -> list[str]:
    """The result."""
    return of_file(folder / "a.nc", counted)


def files_of_a_program(folder: Path) -> None:
    """A result and its rows, as `synfwp run --force` writes them."""
    for k in itertools.count(1):
        ds = numbered(k)
        page = json.dumps({"k": k, "x": ds.x.values.tolist()})
        writers: dict[Any, Any] = {folder / "a.nc": lambda to, ds=ds: results.save(ds, to)}
        results.write_together(writers | {folder / "a.json": results.text_writer(page)}, force=True)
        done(folder)


def check_files_of_a_program(folder: Path, counted: int) -> list[str]:
    """Both of them."""
    found = of_file(folder / "a.nc", counted)
    try:
        page = json.loads((folder / "a.json").read_text())
    except ValueError as error:
        return [*found, f"half: a.json: {error}"]
    if set(page["x"]) != {page["k"]} or len(page["x"]) != POINTS:
        return [*found, "half: a.json holds parts of two"]
    return found if page["k"] >= counted else [*found, f"lost: a.json is number {page['k']} of {counted}"]


def circuit() -> fw.Circuit:
    """A cell with plastic inputs."""
    rule = fw.plasticity.pair(A_plus=0.01, A_minus=0.01, tau_plus=20.0, tau_minus=20.0)
    source = fw.PoissonSource(200, rate=30.0, name="in")
    cells = fw.Population(20, fw.LIF(noise=0.0), name="out")
    return fw.Circuit([fw.Projection(source, cells, weight=0.05, plasticity=rule, name="p")], dt=0.5)


def states(folder: Path) -> None:
    """The state of a simulation after every 5 ms."""
    simulation = circuit().start(seed=1)
    while True:
        simulation.run(5.0)
        simulation.save(folder / "state.npz", force=True)
        done(folder)


def check_states(folder: Path, counted: int) -> list[str]:
    """A simulation goes on from it as one that was never interrupted."""
    try:
        one = circuit().restore(folder / "state.npz")
    except (OSError, ValueError) as error:
        return [f"half: state.npz: {error}"]
    if one.time < 5.0 * counted:
        return [f"lost: the state is of {one.time:g} ms, and that of {5.0 * counted:g} ms had been kept"]
    other = circuit().start(seed=1)
    other.run(one.time + 5.0)
    one.run(5.0)
    return [] if one.digest() == other.digest() else [f"differs: a run that goes on from {one.time - 5.0:g} ms"]


class Logged(fw.Checkpoint):
    """A checkpoint that counts its writings."""

    def write(self, *arguments: Any) -> None:
        """Write, and count."""
        super().write(*arguments)
        done(Path(self.path).parent)


def train(steps: int, checkpoint: Any = None) -> fw.Trained:
    """A training of tiny steps."""
    return fw.train(NET, TASK, steps=steps, batch=2, seed=1, schedule="constant", checkpoint=checkpoint)


def trainings(folder: Path) -> None:
    """A training that keeps every step."""
    train(100_000, Logged(folder / "training.nc", every=1))


def check_trainings(folder: Path, counted: int) -> list[str]:
    """A training goes on from it as one that was never interrupted."""
    path = folder / "training.nc"
    try:
        steps = fw.load(path).sizes["step"]
    except (OSError, ValueError) as error:
        return [f"half: training.nc: {error}"]
    if steps < counted:
        return [f"lost: the checkpoint is of {steps} steps, and that of {counted} had been kept"]
    one, other = train(steps + 2, fw.Checkpoint(path, every=1000)), train(steps + 2)
    same = one.history.equals(other.history) and all(np.array_equal(x, other.params[n]) for n, x in one.params.items())
    return [] if same else [f"differs: a training that goes on from step {steps}"]


def cell(log: str, gain: int, seed: int) -> dict[str, Any]:
    """One cell; when it begins, all cells before it have been kept."""
    if log:
        done(Path(log))
    draws = np.random.default_rng([gain, seed]).standard_normal(200)
    return {"draws": ("draw", draws.astype(np.float32), {"units": "1", "long_name": "draws"})}


def cells(folder: Path) -> None:
    """A run of cells, again and again, each time in another folder."""
    for again in itertools.count():
        with results.kept_cells(folder / f"cells{again}"):
            results.cells(cell, GRID, log=str(folder))


def check_cells(folder: Path, counted: int) -> list[str]:
    """All cells but the last that began are there, whole, and the rest is run."""
    found, size, have = [], len(GRID["gain"]) * len(GRID["seed"]), 0
    whole = results.cells(cell, GRID, log="")
    for place in sorted(folder.glob("cells*")):
        for path in place.glob("[!.]*.json"):
            try:
                results.contents(path)
            except ValueError as error:
                found.append(f"half: {error}")
        with results.kept_cells(place) as kept:
            if not results.cells(cell, GRID, log=str(folder)).identical(whole):
                found.append("differs: a run that goes on")
        have += kept.found
        if kept.found + kept.made != size:
            found.append(f"lost: {kept.found} + {kept.made} of {size}")
    return found if have >= counted - 1 else [*found, f"lost: {have} cells of {counted - 1}"]


def recordings(folder: Path) -> None:
    """Runs that are recorded straight to files."""
    for k in itertools.count():
        circuit().run(20.0, seed=k, record=fw.Record("out", "v"), to=folder / f"run{k}.nc").close()
        done(folder)


def check_recordings(folder: Path, counted: int) -> list[str]:
    """Every file is of a whole run."""
    found, have = [], list(folder.glob("run*.nc"))
    for path in have:
        try:
            if fw.load(path).attrs["complete"] != 1:
                found.append(f"half: {path.name}")
        except ValueError as error:
            found.append(f"half: {error}")
    return found if len(have) >= counted else [*found, f"lost: {len(have)} runs of {counted}"]


def nwb_files(folder: Path) -> None:
    """A run as NWB, again and again."""
    ds = circuit().run(50.0, record=fw.Record("out", "v"))
    while True:
        fw.write_nwb(ds, folder / "run.nwb", force=True)
        done(folder)


def check_nwb_files(folder: Path, counted: int) -> list[str]:
    """The file is whole."""
    try:
        found = fw.read_nwb(folder / "run.nwb")
    except (OSError, ValueError) as error:
        return [f"half: {error}"]
    return [] if found.sizes["unit"] == 220 else ["half: run.nwb lacks units"]


def figures(folder: Path) -> None:
    """A figure in all its files."""
    fig, axes = plot.figure()
    axes["a"].plot(np.arange(500) % 7)
    while True:
        plot.save(fig, folder / "fig", force=True, thumbnail=folder / "thumbnails" / "fig.png")
        done(folder)


def check_figures(folder: Path, counted: int) -> list[str]:
    """Each of its files is whole."""
    whole: dict[str, Callable[[Path], bool]] = {
        "fig.pdf": lambda path: path.read_bytes().rstrip().endswith(b"%%EOF"),
        "fig.svg": lambda path: path.read_text().rstrip().endswith("</svg>"),
        "fig.png": lambda path: imread(path).size > 0,
        "thumbnails/fig.png": lambda path: imread(path).shape[1] == 720,
    }
    found = []
    for name, fits in whole.items():
        try:
            if not fits(folder / name):
                found.append(f"half: {name}")
        except (OSError, SyntaxError, ValueError) as error:
            found.append(f"half: {name}: {error}")
    return found


SCENARIOS = (
    Scenario("save", saves, check_saves, 0.1, live=True),
    Scenario("files of a program", files_of_a_program, check_files_of_a_program, 0.1, live=True),
    Scenario("state of a simulation", states, check_states, live=True),
    Scenario("checkpoint of a training", trainings, check_trainings, 0.2),
    Scenario("cells of a run", cells, check_cells, 0.2),
    Scenario("recording to a file", recordings, check_recordings, 0.2, live=True),
    *([Scenario("NWB file", nwb_files, check_nwb_files, 0.5)] if importlib.util.find_spec("pynwb") else []),
    Scenario("figure", figures, check_figures, 1.0, live=True),
)
