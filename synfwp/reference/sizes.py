"""Sizes of what a call passes, from the definition of the Euclidean norm."""

import numpy as np


def squares(q, k, v):
    """``|k_t|^2`` of every key (S,) of one sequence, and the sum of the squares of all entries of q, k and v."""
    rows = np.array([np.linalg.norm(key) ** 2 for key in k])
    return rows, rows.sum() + np.linalg.norm(q) ** 2 + np.linalg.norm(v) ** 2
