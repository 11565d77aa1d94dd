"""The delta rule alone, written by hand with the blocking of the family's kernels: it shows what generality costs."""
