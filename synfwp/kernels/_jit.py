"""The decorators of every kernel. Their fast-math flags keep NaN and inf meaningful (no ``nnan``, no ``ninf``)."""

from numba import njit
from numba.core.compiler import CompilerBase, DefaultPassBuilder

FLAGS = {"nsz", "arcp", "contract", "afn", "reassoc"}
kernel = njit(cache=True, nogil=True, error_model="numpy", fastmath=FLAGS)


class _Restrict(CompilerBase):
    """Numba's own passes, with every array argument marked as C marks it with ``restrict``."""

    def define_pipelines(self):
        """As the default, after the flag is set."""
        self.state.flags.noalias = True
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]


# For what kernels call: numba links one copy of it when it compiles a kernel and another when it loads one from the
# cache, optimised differently, so that the last bits would change from the first process to the second.
inline_kernel = njit(cache=True, nogil=True, error_model="numpy", fastmath=FLAGS, forceinline=True)
# The same for those whose written arguments share no memory with any other: LLVM need not test it before each loop.
restrict_kernel = njit(
    cache=True, nogil=True, error_model="numpy", fastmath=FLAGS, forceinline=True, pipeline_class=_Restrict
)
