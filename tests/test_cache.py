"""The cache of compiled kernels helps and is not needed: no home, bad files, a full disk, changes elsewhere."""

import importlib
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

from synfwp import cli, kernels
from synfwp.kernels._cache import COMPILING
from synfwp.warm import jobs

RUN = """
import warnings, sys
warnings.simplefilter("always")
{before}
import numpy as np
from synfwp.kernels import rate
from synfwp.kernels._jit import kernel

@kernel
def twice(x):
    return 2 * x

print(twice(21))
"""


def run(tmp_path: Path, before: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """A process that compiles one small kernel."""
    script = tmp_path / "script.py"
    script.write_text(RUN.format(before=textwrap.dedent(before)))
    there = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"}
    environment = there | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), **env}
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr
    return done


def files(tmp_path: Path, ending: str) -> list[Path]:
    """What the cache holds of the kernel."""
    return sorted((tmp_path / "cache").rglob(f"*twice*{ending}"))


def test_a_first_compilation_is_announced_once_and_a_second_process_compiles_nothing(tmp_path):
    first, second = run(tmp_path), run(tmp_path)
    assert first.stderr.count("synfwp: compiling kernels") == 1
    assert second.stderr == ""
    assert len(files(tmp_path, ".nbi")) == len(files(tmp_path, ".nbc")) == 1


def test_several_kernels_are_announced_in_one_line(tmp_path):
    """F25."""
    another = """
    from synfwp.kernels._jit import kernel
    @kernel
    def thrice(x):
        return 3 * x
    thrice(14)
    """
    done = run(tmp_path, another)
    assert done.stderr.count("synfwp: compiling kernels") == 1
    assert len(list((tmp_path / "cache").rglob("*.nbi"))) == 2  # both were compiled


@pytest.mark.parametrize(
    ("ending", "content"), [(".nbi", b""), (".nbi", b"text"), (".nbc", b"\x80"), (".nbc", b"\x80\x04}.")]
)
def test_a_file_that_cannot_be_read_is_replaced(tmp_path, ending, content):
    run(tmp_path)
    (bad,) = files(tmp_path, ending)
    bad.write_bytes(content)
    assert "Warning" not in run(tmp_path).stderr
    assert run(tmp_path).stderr == ""


def test_a_file_cut_in_the_middle_is_replaced(tmp_path):
    run(tmp_path)
    for bad in (*files(tmp_path, ".nbi"), *files(tmp_path, ".nbc")):
        bad.write_bytes(bad.read_bytes()[: bad.stat().st_size // 2])
        run(tmp_path)
        assert run(tmp_path).stderr == ""


def test_without_a_folder_that_can_be_written_to_all_runs_with_one_warning(tmp_path):
    nowhere = "from numba.core.caching import CacheImpl; CacheImpl._locator_classes = []"
    done = run(tmp_path, nowhere)
    assert done.stderr.count("NUMBA_CACHE_DIR") == 1
    assert "RuntimeWarning: compiled kernels cannot be kept" in done.stderr
    assert not (tmp_path / "cache").exists()


def test_a_file_in_the_place_of_the_folder_does_not_stop_a_run(tmp_path):
    (tmp_path / "cache").write_text("in the way")
    run(tmp_path)
    assert run(tmp_path).stderr == ""  # kept beside the source instead
    assert (tmp_path / "cache").read_text() == "in the way"


def test_a_full_disk_does_not_stop_a_run(tmp_path):
    full = """
    import errno, numba.core.caching as caching
    def no_space(self, name, data):
        raise OSError(errno.ENOSPC, "No space left on device")
    caching.IndexDataCacheFile._save_data = no_space
    """
    done = run(tmp_path, full)
    assert "No space left on device" in done.stderr
    assert done.stderr.count("NUMBA_CACHE_DIR") == 1
    assert run(tmp_path).stderr.count("compiling") == 1  # what the index names and is not there is compiled again


def test_a_change_in_any_kernel_compiles_again(tmp_path):
    run(tmp_path)
    other = "import synfwp.kernels._cache as c; c.text_of_kernels = lambda: 'another text'"
    assert run(tmp_path, other).stderr.count("compiling") == 1
    assert run(tmp_path, other).stderr == ""


def test_the_command_that_the_announcement_names_compiles_every_kernel():
    assert re.search("`synfwp (.*?)`", COMPILING)[1] in {
        command.callback.__name__ for command in cli.app.registered_commands
    }
    for job in jobs().values():
        job()
    found = {}
    for module in pkgutil.iter_modules(kernels.__path__):
        if not module.name.startswith("_"):
            members = vars(importlib.import_module(f"synfwp.kernels.{module.name}")).items()
            found |= {f"{module.name}.{name}": one for name, one in members if isinstance(one, Dispatcher)}
    public = {name: one for name, one in found.items() if not one.targetoptions.get("forceinline")}
    assert len(public) > 12
    assert [name for name, one in public.items() if not one.signatures and name != "circuit.settle"] == []


# --- another user: no home, an install that cannot be written to ----------------------------------------------------

SETPRIV = ["setpriv", "--bounding-set", "-dac_override"]  # root without its privilege


@pytest.fixture
def installed(tmp_path):
    """How to run a copy of the package that nobody can write to, without a home."""
    root, site = Path(__file__).parents[1], tmp_path / "site"
    shutil.copytree(root / "synfwp", site / "synfwp", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("models", "analyses"):
        for path in (root / folder).glob("*.py"):
            shutil.copy(path, site / "synfwp" / folder / path.name)
    folders = [path for path in (tmp_path, *site.rglob("*"), site) if path.is_dir() and path != tmp_path]
    work = tmp_path / "work"
    work.mkdir()
    for folder in folders:
        folder.chmod(0o555)
    prefix = SETPRIV if os.geteuid() == 0 else []
    probe = [*prefix, sys.executable, "-c", "import sys; open(sys.argv[1], 'w')", str(site / "written")]
    if (prefix and not shutil.which("setpriv")) or subprocess.run(probe, capture_output=True).returncode == 0:
        pytest.skip("this user writes everywhere")

    def run(*args, cwd=work):
        env = {"HOME": str(site / "home"), "PATH": os.defpath, "PYTHONPATH": str(site), "TMPDIR": str(work)}
        return subprocess.run([*prefix, sys.executable, *args], cwd=cwd, env=env, capture_output=True, text=True)

    yield run
    for folder in folders:
        folder.chmod(0o755)


@pytest.mark.slow
def test_a_read_only_install_without_a_home_runs_and_warns_once_of_each_cache(installed, tmp_path):
    """F20."""
    small = ["--set", "seconds=1", "--set", "every=1", "--set", "inputs=200"]
    done = installed("-m", "synfwp", "run", "song2000", "--quick", *small)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("NUMBA_CACHE_DIR") == 1
    assert done.stderr.count("MPLCONFIGDIR") <= 1
    assert "Traceback" not in done.stderr
    assert len(list((tmp_path / "work" / "results").glob("song2000-*.nc"))) == 1


def test_a_folder_that_cannot_be_written_to_is_refused_before_the_run(installed, tmp_path):
    """F20, F23."""
    done = installed("-m", "synfwp", "demo", "--quick", cwd=tmp_path / "site")
    assert (done.returncode, "compiling" in done.stderr) == (2, False)
    assert "is not writable, so results/first_look.nc cannot be written; choose another folder" in done.stderr


@pytest.mark.slow
def test_the_demo_runs_to_its_end_in_a_read_only_install_without_a_home(installed, tmp_path):
    """F20."""
    done = installed("-m", "synfwp", "demo", "--quick")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "work" / "figures" / "first_look.pdf").exists()


def test_the_export_to_brian2_needs_no_home(installed):
    """F20: Brian2 keeps preferences and compiled code in a home."""
    pytest.importorskip("brian2")
    code = (
        "import numpy as np, synfwp as fw\n"
        "from brian2 import prefs\nprefs.codegen.target = 'numpy'\n"
        "cells = fw.Population(1, fw.LIF(noise=0.0), name='cells')\n"
        "source = fw.PoissonSource(2, 50.0, name='source')\n"
        "from synfwp.spiking.brian2 import to_brian2\n"
        "to_brian2(fw.Circuit([fw.Projection(source, cells, np.ones((2, 1)))])).run(1.0)\n"
    )
    done = installed("-c", code)
    assert done.returncode == 0, done.stderr
