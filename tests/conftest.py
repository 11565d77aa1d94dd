"""What every test shares: a seeded generator, hypothesis without chance, and the four modes of the kernel tests.

``SYNFWP_MODE`` (jit, nojit, bounds, oldest) names the mode that the Makefile started; without it numba's flags tell.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.pop("MPLBACKEND", None)  # kernels of notebooks inherit it, and would show no figures with Agg
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(Path(__file__).parents[1] / ".cache" / "hypothesis"))

import matplotlib
import numba
import numpy as np
import pytest
from hypothesis import settings

matplotlib.use("Agg")

JIT = not numba.config.DISABLE_JIT

settings.register_profile("compiled", derandomize=True, deadline=None)
settings.register_profile("interpreted", derandomize=True, deadline=None, max_examples=10)
settings.load_profile("compiled" if JIT else "interpreted")


@pytest.fixture
def rng() -> np.random.Generator:
    """The generator of a test: the same draws in every run."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def small() -> bool:
    """Whether kernels run as plain Python, far slower: choose small sizes."""
    return not JIT


@pytest.fixture(scope="session")
def mode() -> str:
    """The mode that this run claims to be in: jit, nojit, bounds or oldest."""
    inferred = "nojit" if not JIT else "bounds" if numba.config.BOUNDSCHECK else "jit"
    return os.environ.get("SYNFWP_MODE", inferred)


def poisoned(values: np.ndarray) -> np.ndarray:
    """Fill with NaN (integers: with the value farthest from 0), so that a read before a write is seen."""
    if values.dtype.kind in "fc":
        values.fill(np.nan)
    elif values.dtype.kind in "iu":
        limits = np.iinfo(values.dtype)
        values.fill(limits.min or limits.max)
    return values


@pytest.fixture(scope="session", autouse=True)
def _poison_empty() -> Iterator[None]:
    """Without the compiler (numba compiles its own ``numpy.empty``) no test can live on what empty memory holds."""
    with pytest.MonkeyPatch.context() as patch:
        if not JIT:
            for name in ("empty", "empty_like"):
                patch.setattr(np, name, _wrap(getattr(np, name)))
        yield


def _wrap(make: Any) -> Any:
    """``make``, its result filled by ``poisoned``."""

    def filled(*args: Any, **kwargs: Any) -> np.ndarray:
        return poisoned(make(*args, **kwargs))

    return filled
