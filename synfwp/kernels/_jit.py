"""The one decorator of every kernel. Its fast-math flags keep NaN and inf meaningful (no ``nnan``, no ``ninf``)."""

from numba import njit

FLAGS = {"nsz", "arcp", "contract", "afn", "reassoc"}
kernel = njit(cache=True, nogil=True, error_model="numpy", fastmath=FLAGS)
