"""The decorators of every kernel. Their fast-math flags keep NaN and inf meaningful (no ``nnan``, no ``ninf``)."""

from numba import njit
from numba.core.compiler import CompilerBase, DefaultPassBuilder

from synfwp.kernels._cache import cached

FLAGS = {"nsz", "arcp", "contract", "afn", "reassoc"}


class _Restrict(CompilerBase):
    """Numba's own passes, with every array argument marked as C marks it with ``restrict``."""

    def define_pipelines(self):
        """As the default, after the flag is set."""
        self.state.flags.noalias = True
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]


def _decorator(**more):
    """Compile with the flags of all kernels, and keep what was compiled."""
    compiled = njit(nogil=True, error_model="numpy", fastmath=FLAGS, **more)
    return lambda function: cached(compiled(function))


kernel = _decorator()
# For what kernels call: numba links one copy of it when it compiles a kernel and another when it loads one from the
# cache, optimised differently, so that the last bits would change from the first process to the second.
inline_kernel = _decorator(forceinline=True)
# The same for those whose written arguments share no memory with any other: LLVM need not test it before each loop.
restrict_kernel = _decorator(forceinline=True, pipeline_class=_Restrict)
# Both for functions that make no array: those that they get and cut are not counted, which in a loop over spikes costs
# as much as the row of a spike.
uncounted_kernel = _decorator(forceinline=True, _nrt=False)
uncounted_restrict_kernel = _decorator(forceinline=True, pipeline_class=_Restrict, _nrt=False)
