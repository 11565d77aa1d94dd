"""Numba kernels: numbers in, numbers out, no checks; each file holds a kernel and everything that it calls."""
