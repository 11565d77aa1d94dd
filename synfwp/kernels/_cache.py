"""The cache of compiled kernels: a help that no run needs.

It is Numba's own cache, but for three things. It is keyed by the text of all kernels: a change in a file that a kernel
inlines is seen, and a new version that changes no kernel compiles nothing. A file that cannot be read is replaced, one
that cannot be written is left out with one warning. The first compilation of a process is announced on stderr.
"""

import hashlib
import sys
import warnings
from functools import cache
from pathlib import Path

from numba import config
from numba.core.caching import FunctionCache, NullCache

NOT_KEPT = (
    "compiled kernels cannot be kept ({why}), so every process compiles them again; set the environment variable "
    "NUMBA_CACHE_DIR to a folder that can be written to."
)
COMPILING = "synfwp: compiling kernels, once (5 to 60 s); `synfwp warm` compiles all of them beforehand"


class KernelCache(FunctionCache):
    """The cache of one kernel."""

    def __init__(self, py_func):
        super().__init__(py_func)
        self._cache_file._source_stamp = text_of_kernels()

    def load_overload(self, sig, target_context):
        """What was compiled before, or None: a cut-off or foreign file counts as nothing, whatever it raises."""
        try:
            found = super().load_overload(sig, target_context)
        except Exception:
            found = None
        if found is None:
            announce()
        return found

    def save_overload(self, sig, data):
        """Keep what was compiled; an index that cannot be read is begun anew."""
        for index in ("kept", "new"):
            try:
                if index == "new":
                    self.flush()
                return super().save_overload(sig, data)
            except OSError as error:  # a full disk, a folder that is gone
                return warn(str(error))
            except Exception as error:
                why = str(error)
        warn(why)


class NoCache(NullCache):
    """Where nothing can be kept."""

    def load_overload(self, sig, target_context):
        """Nothing was compiled before."""
        announce()


def cached(dispatcher):
    """A compiled function that keeps its machine code, where there is a place for it."""
    if config.DISABLE_JIT:
        return dispatcher
    try:
        dispatcher._cache = KernelCache(dispatcher.py_func)
    except (RuntimeError, OSError):  # Numba finds no folder that it can write to
        dispatcher._cache = NoCache()
        warn("no folder for them can be written to")
    return dispatcher


@cache
def text_of_kernels() -> str:
    """A number for the text of all kernels."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


_SAID: set[str] = set()


def warn(why: str) -> None:
    """Warn once in a process that nothing is kept."""
    if "warning" not in _SAID:
        _SAID.add("warning")
        warnings.warn(NOT_KEPT.format(why=why), RuntimeWarning, stacklevel=2)


def announce() -> None:
    """One line on stderr before the first compilation of a process."""
    if "line" not in _SAID:
        _SAID.add("line")
        print(COMPILING, file=sys.stderr, flush=True)
