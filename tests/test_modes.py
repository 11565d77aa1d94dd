"""The four modes of the kernel tests are what they claim to be; all kernels are compiled through one decorator."""

import re
from importlib.metadata import requires, version
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher
from packaging.requirements import Requirement

from synfwp.kernels._jit import FLAGS, kernel

ROOT = Path(__file__).parents[1]


@kernel
def take(x: np.ndarray, i: int) -> float:
    """The canary: reads wherever it is told to."""
    return x[i]


@kernel
def first_of_empty(n: int) -> float:
    """Reads memory that nobody has written."""
    return np.empty(n)[0]


@kernel
def is_nan(x: float) -> bool:
    """Folded to False by the flag ``nnan``."""
    return np.isnan(x)


@pytest.mark.kernels
def test_a_read_past_the_end_raises_where_bounds_are_checked(mode: str) -> None:
    x = np.arange(4.0)
    assert take(x, 3) == 3.0
    if mode in ("bounds", "nojit"):
        with pytest.raises(IndexError):
            take(x, 4)
    else:  # the read would be undefined: the flags must say that nothing checks it
        assert isinstance(take, Dispatcher)
        assert not numba.config.BOUNDSCHECK


@pytest.mark.kernels
def test_the_mode_has_the_flags_and_the_cache_of_its_name(mode: str) -> None:
    assert mode in ("jit", "nojit", "bounds", "oldest")
    assert bool(numba.config.DISABLE_JIT) == (mode == "nojit")
    assert bool(numba.config.BOUNDSCHECK) == (mode == "bounds")
    cache = Path(numba.config.CACHE_DIR)
    if cache.parent == ROOT / ".cache" / "numba" and mode != "nojit":  # without the compiler nothing is kept
        assert cache.name.startswith(f"{mode}-")


@pytest.mark.kernels
def test_memory_that_nobody_wrote_is_nan_without_the_compiler(mode: str) -> None:
    if mode == "nojit":
        assert np.isnan(first_of_empty(3))
        assert np.isnan(np.empty_like(np.zeros(2))).all()
        assert np.empty(1, dtype=np.int64)[0] == np.iinfo(np.int64).min
    else:
        assert isinstance(first_of_empty, Dispatcher)


@pytest.mark.kernels
def test_the_installed_versions_are_those_of_the_mode(mode: str) -> None:
    wanted = [Requirement(line) for line in requires("synfwp") or []]
    core = [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    assert core
    assert [str(r) for r in core if not r.specifier.contains(version(r.name))] == []
    if mode == "oldest":
        pins = dict(re.findall(r"(?m)^([\w.-]+)==(\S+)$", (ROOT / "constraints-oldest.txt").read_text()))
        assert {name: version(name) for name in pins} == pins


@pytest.mark.kernels
def test_fast_math_keeps_nan_and_inf() -> None:
    assert is_nan(np.nan)
    assert not is_nan(np.inf)
    assert not FLAGS & {"nnan", "ninf", "fast"}


def test_no_other_file_compiles() -> None:
    bare = re.compile(r"(?<!np\.)\b(n?jit|vectorize|guvectorize|cfunc|stencil|prange)\b")
    folders = [ROOT / name for name in ("synfwp", "models", "analyses")]
    files = [p for folder in folders for p in folder.rglob("*.py") if p.name != "_jit.py"]
    found = [str(p) for p in files if any(bare.search(line.split("#")[0]) for line in p.read_text().splitlines())]
    assert files
    assert not found
