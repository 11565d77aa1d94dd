"""Nothing is written round the one mechanism, and no full disk, read-only folder or hostile file does harm."""

import ast
import contextlib
import ctypes
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import synfwp as fw
from synfwp import figures, plot, results, sheet
from synfwp.results import contents

ROOT = Path(__file__).parents[1]
SOURCES = [path for folder in ("synfwp", "models", "analyses") for path in sorted((ROOT / folder).rglob("*.py"))]

# --- who writes ------------------------------------------------------------------------------------------------------

ALWAYS = {  # calls that write a file, whatever their arguments
    "write_text", "write_bytes", "to_netcdf", "to_zarr", "savefig", "to_csv", "to_json", "to_pickle", "to_parquet",
    "to_excel", "to_hdf", "savez", "savez_compressed", "savetxt", "tofile", "save_file", "retrieve", "urlretrieve",
    "copyfile", "copy2", "copytree", "move", "symlink", "link_to", "hardlink_to", "mkstemp", "NamedTemporaryFile",
    "Guarded", "guarded", "dump_to_store", "dump", "create_dataset", "rename_to", "imsave",
}  # fmt: skip
OPENS = {"open", "File", "NWBHDF5IO", "FileIO", "fdopen", "memmap", "ZipFile", "open_group", "open_store"}
THROUGH = {  # where the mechanism gets a temporary path, or is itself; a new writer is put here with its reason
    ("synfwp/results/writing.py", "check_writable"): "the trial of a folder",
    ("synfwp/results/writing.py", "text_writer"): "a writer of the mechanism",
    ("synfwp/results/hdf5.py", "guarded"): "opens the temporary path",
    ("synfwp/results/files.py", "_write"): "the writer of save",
    ("synfwp/results/files.py", "dump"): "into a file that is open",
    ("synfwp/spiking/recording.py", "File.__init__"): "a Pending of the mechanism",
    ("synfwp/spiking/recording.py", "File.close"): "a Pending of the mechanism",
    ("synfwp/spiking/state.py", "State.save"): "the writer of write_atomically",
    ("synfwp/data/nwb_writing.py", "write_nwb"): "the writer of write_atomically",
    ("synfwp/data/fetching.py", "_download"): "the writer of write_atomically",
    ("synfwp/plot/page.py", "JournalFigure.savefig"): "into memory; and into buffers that are the caller's own",
    ("synfwp/plot/files.py", "_write"): "into memory; the writer of write_together",
    ("synfwp/sweeps/stores.py", "_fill"): "into a temporary folder, which is renamed as a whole when it is complete",
}


def mode_of(call: ast.Call, name: str) -> str:
    """The mode in which a call opens a file, "?" where it is no constant."""
    method = isinstance(call.func, ast.Attribute) and name == "open"  # of a Path: the mode comes first
    at = 0 if method else 1
    given = [key.value for key in call.keywords if key.arg == "mode"] or call.args[at : at + 1]
    if not given:
        return "r"
    return str(given[0].value) if isinstance(given[0], ast.Constant) else "?"


def writes(call: ast.Call) -> str | None:
    """The name of a call that writes a file."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if ast.unparse(call.func) in ("write_text", "results.write_text"):
        return None  # the mechanism itself
    if name in ALWAYS or (name in ("save", "write") and ast.unparse(call.func) in ("np.save", "numpy.save")):
        return str(name)
    if name in ("replace", "rename", "renames", "link") and ast.unparse(call.func) in (f"os.{name}", f"shutil.{name}"):
        return str(name)
    if name == "File" and not isinstance(call.func, ast.Attribute):
        return None  # a class of that name; those of h5py and h5netcdf are called by their modules
    return name if name in OPENS and set(mode_of(call, name)) & set("wax+?") else None


def writers(source: str) -> dict[str, set[str]]:
    """Functions of a file that write, by their names in the file, and what they call."""
    found: dict[str, set[str]] = {}

    def walk(node: ast.AST, where: str, outermost: bool) -> None:
        for child in ast.iter_child_nodes(node):
            inside, top = where, outermost
            if isinstance(child, ast.ClassDef):
                inside = f"{where}.{child.name}".strip(".")
            elif isinstance(child, ast.FunctionDef) and outermost:
                inside, top = f"{where}.{child.name}".strip("."), False  # functions within it count as its own
            if isinstance(child, ast.Call) and (name := writes(child)):
                found.setdefault(where or "<module>", set()).add(name)
            walk(child, inside, top)

    walk(ast.parse(source), "", True)
    return found


def test_no_file_is_written_round_the_mechanism() -> None:
    found = {(str(path.relative_to(ROOT)), where) for path in SOURCES for where in writers(path.read_text())}
    own = {("synfwp/results/writing.py", name) for name in ("Pending.commit", "_sync")}  # the rename, and what precedes
    assert found - set(THROUGH) - own == set(), "write through synfwp.results.write_atomically, or write_text"
    assert set(THROUGH) - found == set()


@pytest.mark.parametrize(
    "line",
    [
        "open('a', 'w')", "Path('a').open('ab')", "open('a', mode=m)", "path.write_text('x')", "ds.to_netcdf('a')",
        "np.save('a', x)", "np.savez('a', x)", "fig.savefig('a')", "frame.to_csv('a')", "h5py.File('a', 'w')",
        "os.replace('a', 'b')", "shutil.copyfile('a', 'b')", "save_file({}, 'a')", "json.dump(x, file)",
        "pynwb.NWBHDF5IO('a', mode='w')", "ds.to_zarr('a')", "pooch.retrieve(url)",
    ],
)  # fmt: skip
def test_a_writer_that_goes_round_it_would_be_seen(line: str) -> None:
    assert writers(f"class A:\n    def f(self):\n        return lambda: {line}") != {}


def test_a_reader_is_no_writer() -> None:
    for line in ("open('a')", "path.open('rb')", "h5py.File('a', 'r')", "json.dumps(x)", "text.replace('a', 'b')"):
        assert writers(f"def f(): {line}") == {}


def test_nothing_is_pickled_evaluated_or_loaded_as_yaml() -> None:
    bad = re.compile(
        r"\bimport (pickle|dill|cloudpickle|marshal|shelve|yaml)\b|\bpickle\.|allow_pickle=True|(?<![\w.])eval\(|"
        r"(?<![\w.])exec\(|yaml\.(unsafe_|full_)?load\("
    )
    assert [
        f"{path.name}: {line}"
        for path in SOURCES
        if path.name != "workers.py"  # sends functions to processes that it has started, and reads no file
        for line in path.read_text().splitlines()
        if bad.search(line)
    ] == []
    yaml = [path for folder in ("tests", "benchmarks", "docs") for path in (ROOT / folder).rglob("*.py")]
    unsafe = re.compile(r"yaml\.(unsafe_|full_)?load\(|allow_pickle=True")
    assert [path.name for path in yaml if unsafe.search(path.read_text())] == [Path(__file__).name]
    assert bad.search("x = eval(text)")
    assert bad.search("np.load(path, allow_pickle=True)")


# --- each public writer ----------------------------------------------------------------------------------------------

BIG = np.random.default_rng(0).standard_normal(40_000)


def ds(size: int = BIG.size) -> xr.Dataset:
    """A result of 320 kB."""
    return xr.Dataset({"x": ("point", BIG[:size])}, attrs=results.provenance({}, 0))


def circuit() -> fw.Circuit:
    """A state of more than 160 kB."""
    one, other = (fw.PoissonSource(150, 1.0, name=name) for name in "ab")
    return fw.Circuit([fw.Projection(one, other, np.full((150, 150), 0.5))])


def trained() -> fw.Trained:
    """A programmer with many parameters."""
    return fw.Trained(fw.Programmer(d_in=7, d_key=4, d_value=4, d_out=3), {"W": BIG}, xr.Dataset())


def drawn() -> Any:
    """A figure of many points."""
    fig, axes = plot.figure()
    axes["a"].plot(BIG[:4000], BIG[4000:8000], "o")
    return fig


WRITERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "save": ("a.nc", lambda path: fw.save(ds(), path, force=True)),
    "write_text": ("a.txt", lambda path: results.write_text(path, "x" * 300_000, force=True)),
    "Trained.save": ("a.nc", lambda path: trained().save(path, force=True)),
    "Simulation.save": ("a.npz", lambda path: circuit().start().save(path, force=True)),
    "plot.save": ("a.svg", lambda path: plot.save(drawn(), path.with_suffix(""), force=True)),
    "savefig": ("a.svg", lambda path: drawn().savefig(path)),
    "write_nwb": (
        "a.nwb",
        lambda path: fw.write_nwb(
            results.dataset(results.spike_variables({"a": (np.sort(BIG - BIG.min()), np.zeros(BIG.size, int), 1)})),
            path,
            force=True,
        ),
    ),
}
EACH = pytest.mark.parametrize("name", WRITERS)


def writer(name: str) -> tuple[str, Callable[[Path], Any]]:
    """A row of the table."""
    if name == "write_nwb":
        pytest.importorskip("pynwb")
    return WRITERS[name]


def names(folder: Path) -> set[str]:
    """Names of all that lies in a folder, hidden files too."""
    return {path.name for path in folder.iterdir()}


@EACH
def test_a_file_is_replaced_and_never_changed_in_place(name: str, tmp_path: Path) -> None:
    file, write = writer(name)
    path, before = tmp_path / file, b"what was there before"
    path.write_bytes(before)
    os.link(path, tmp_path / "same")
    write(path)
    assert (tmp_path / "same").read_bytes() == before  # a writer in place would have changed it
    assert path.read_bytes() != before
    assert not [one for one in names(tmp_path) if one.startswith(".")]


@contextlib.contextmanager
def no_room(most: int = 60_000) -> Iterator[None]:
    """No file may grow beyond this: the error comes from the system, in the midst of a write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@EACH
def test_a_disk_that_fills_in_the_midst_of_a_write_leaves_the_previous_file(name: str, tmp_path: Path) -> None:
    file, write = writer(name)
    path = tmp_path / file
    path.write_text("precious")
    with no_room(), pytest.raises(OSError, match=r"File too large: .* was not written, and what was there before"):
        write(path)
    assert path.read_text() == "precious"
    assert names(tmp_path) == {file}
    write(path)  # and the process goes on: HDF5 has forgotten the file that failed
    assert path.read_bytes() != b"precious"


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[], None]]:
    """A file system of 128 kB at a folder, and what makes it read-only; skipped where none can be mounted."""
    libc, flags = ctypes.CDLL(None, use_errno=True), 0
    place = str(folder).encode()
    if libc.mount(b"tmpfs", place, b"tmpfs", flags, b"size=128k") != 0:
        pytest.skip("no file system can be mounted here")

    def read_only() -> None:
        assert libc.mount(b"tmpfs", place, b"tmpfs", 32 | 1, b"") == 0  # remount, read-only

    try:
        yield read_only
    finally:
        libc.umount2(place, 2)


@EACH
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts a file system of Linux")
def test_a_small_disk_and_a_read_only_one_leave_the_previous_file(name: str, tmp_path: Path) -> None:
    file, write = writer(name)
    folder = tmp_path / "disk"
    folder.mkdir()
    path = folder / file
    with small_disk(folder) as read_only:
        path.write_text("precious")
        with pytest.raises(OSError, match=r"No space left on device"):
            write(path)
        assert (path.read_text(), names(folder)) == ("precious", {file})
        read_only()
        with pytest.raises(OSError, match="is not writable"):
            write(path)
        assert (path.read_text(), names(folder)) == ("precious", {file})


@EACH
def test_a_folder_that_is_none_or_denied_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, write = writer(name)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="is not a folder"):
        write(tmp_path / "file" / file)
    (tmp_path / file).write_text("precious")
    monkeypatch.setattr(os, "access", lambda *_, **__: False)  # what anyone but root sees in a read-only folder
    with pytest.raises(PermissionError, match="is not writable"):
        write(tmp_path / file)
    assert (tmp_path / file).read_text() == "precious"


def test_a_recording_that_fills_the_disk_ends_with_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    record = fw.Record("out", "v")
    one = fw.Circuit([], [fw.Population(500, fw.LIF(noise=1.0), name="out")])
    with no_room(), pytest.raises(OSError, match=r"File too large: .*run\.nc was not written"):
        one.run(50.0, record=record, to=tmp_path / "run.nc")
    assert names(tmp_path) == set()
    one.run(5.0, record=record, to=tmp_path / "run.nc").close()
    assert fw.load(tmp_path / "run.nc").attrs["complete"] == 1


def test_what_a_killed_process_left_is_removed_later_and_nothing_else(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    mine = results.Pending(tmp_path / "a.txt").temporary
    left = mine.with_name(mine.name.replace(f"-{os.getpid()}-", f"-{ended.stdout.strip()}-"))
    others = [mine, tmp_path / ".synfwp-notes", tmp_path / ".hidden"]
    for path in (left, *others):
        path.write_text("half")
        os.utime(path, (time.time() - 7200,) * 2)
    results.write_text(tmp_path / "b.txt", "whole")
    assert not left.exists()
    assert all(path.exists() for path in others)


# --- hostile files ---------------------------------------------------------------------------------------------------


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file outside the folder of the files that are read."""
    path = tmp_path / "secret"
    path.write_bytes(np.arange(4.0).tobytes())
    return path


def linked(path: Path, kind: str, to: Path) -> None:
    """An HDF5 file that takes numbers from another one."""
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.7.0" if path.suffix == ".nwb" else ""
        if path.suffix != ".nwb":
            del file.attrs["nwb_version"]
        if kind == "external link":
            file["x"] = h5py.ExternalLink(str(to), "/x")
        elif kind == "raw":
            file.create_dataset("x", (4,), "f8", external=[(str(to), 0, 32)])
        else:
            layout = h5py.VirtualLayout((4,), "f8")
            layout[:] = h5py.VirtualSource(str(to), "x", (4,))
            file.create_virtual_dataset("x", layout)


@pytest.mark.parametrize("kind", ["external link", "raw", "virtual"])
@pytest.mark.parametrize("relative", [False, True])
def test_no_path_in_an_hdf5_file_is_followed_outside_its_folder(
    kind: str, relative: bool, secret: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    to = Path("../secret") if relative else secret
    readers: dict[str, Callable[[Path], Any]] = {
        "a.nc": fw.load, "b.nc": contents, "c.h5": lambda path: fw.read_hdf5(path, {"x": "x"}),
    }  # fmt: skip
    for name, read in readers.items():
        linked(folder / name, kind, to)
        with pytest.raises(ValueError, match=r"leads to .*secret.* outside the folder of the file, and is not"):
            read(folder / name)
    linked(folder / "beside.h5", "raw", folder / "numbers")
    (folder / "numbers").write_bytes(secret.read_bytes())
    assert fw.read_hdf5(folder / "beside.h5", {"x": "x"}).x.values.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_a_caption_cannot_lead_the_page_of_figures_outside_its_folder(tmp_path: Path, secret: Path) -> None:
    folder = tmp_path / "made" / "figures"
    folder.mkdir(parents=True)
    for title, data in (("../../secret", "../results/a.nc"), ("a", "../../secret"), ("b", str(secret))):
        name = title.replace("/", "_")
        entry = sheet.Entry(title, "Rates.", "(a) Rates.", "synfwp run a", "0f", data, "89 x 60 mm")
        (folder / f"{name}.txt").write_text(sheet.as_text(entry))
    (tmp_path / "secret.png").write_text("")
    assert 'href="../../secret' not in sheet.as_html(folder).replace('<a href="../../secret.png"><img', "")
    assert str(secret) not in sheet.as_html(folder).replace("&#x27;", "'").split('<p class="links">', 1)[1]


def test_attributes_with_code_are_text_and_nothing_of_them_runs(tmp_path: Path) -> None:
    code = "__import__('pathlib').Path('ran').touch()"
    attrs = dict.fromkeys(("title", "parameters", "settings", "run", "dependencies", "programmer"), code)
    path = fw.save(ds(10).assign_attrs(attrs), tmp_path / "a.nc")
    assert fw.load(path).attrs["title"] == code
    assert contents(path).kind == "trained programmer"
    with pytest.raises(ValueError, match="Expecting value"):
        fw.load_trained(path)
    assert not Path("ran").exists()


def test_pickled_objects_in_npz_files_are_refused(tmp_path: Path) -> None:
    class Touch:
        def __reduce__(self) -> Any:
            return Path(tmp_path / "ran").touch, ()

    path = tmp_path / "a.npz"
    np.savez(path, metadata=np.array([Touch()], object), x=np.array([Touch()], object))
    readers: tuple[Callable[[Path], Any], ...] = (fw.read_npz, circuit().restore, contents, fw.load)
    for read in readers:
        with pytest.raises(ValueError, match=str(path)):
            read(path)
    assert not (tmp_path / "ran").exists()


def test_a_safetensors_file_whose_header_points_elsewhere_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    for offsets in ([0, 10**9], [-8, 8]):
        header = json.dumps({"q_proj.weight": {"dtype": "F64", "shape": [2, 2], "data_offsets": offsets}}).encode()
        path = tmp_path / "a.safetensors"
        path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(32))
        with pytest.raises(ValueError, match="is no safetensors file"):
            fw.load_layer(path, "delta_net", heads=1)


def test_paths_in_names_and_settings_are_not_followed(tmp_path: Path) -> None:
    """A result that names a program by a path, or a folder of cells among its settings."""
    from synfwp import reruns

    run = {"program": "../../evil", "quick": True, "seed": 0, "settings": {}}
    path = fw.save(ds(10).assign_attrs(program="evil", run=json.dumps(run)), tmp_path / "a.nc")
    with pytest.raises(ValueError, match="unknown program"):
        reruns.rerun(path)
    run |= {"program": "hopfield1982", "settings": {"cells": str(tmp_path / "cells")}}
    path = fw.save(ds(10).assign_attrs(program="evil", run=json.dumps(run)), tmp_path / "b.nc")
    with pytest.raises(TypeError, match="has no setting 'cells'"):
        reruns.rerun(path)
    assert figures.stem("a", {"x": "../../b"}).count("/") == 0
