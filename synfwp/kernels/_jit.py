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


# For kernels whose written arguments share no memory with any other argument: LLVM need not test it before each loop.
restrict_kernel = njit(cache=True, nogil=True, error_model="numpy", fastmath=FLAGS, pipeline_class=_Restrict)
