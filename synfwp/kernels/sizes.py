"""Sums of squares of what a call passes: whether it is finite, and how long its keys are."""

from synfwp.kernels._jit import inline_kernel, kernel


@inline_kernel
def total(x):
    """The sum of all squares of an array (T, d)."""
    flat = x.reshape(x.size)
    found = x.dtype.type(0)
    for i in range(flat.size):
        found += flat[i] * flat[i]
    return found


@inline_kernel
def rows_of(k, rows):
    """``|k_t|^2`` of one sequence (S, d) into rows (S,); their sum."""
    found = k.dtype.type(0)
    for t in range(k.shape[0]):
        row = k.dtype.type(0)
        for j in range(k.shape[1]):
            row += k[t, j] * k[t, j]
        rows[t] = row
        found += row
    return found


@kernel
def squares(q, k, v, rows, sums, lo, hi):
    """Sequences lo..hi-1: ``|k_t|^2`` into rows (n, S), the sum of all squares of q, k and v into sums (n,)."""
    for n in range(lo, hi):
        sums[n] = total(q[n]) + total(v[n]) + rows_of(k[n], rows[n])
