"""Sizes of what a call passes, from the definition of the Euclidean norm."""

import numpy as np

from synfwp.reference.documents import explained


@explained(
    returns="sizes : (S,) array\ntotal : float",
    q="(T, d_k) array: queries.",
    k="(S, d_k) array: keys.",
    v="(S, d_v) array: values.",
)
def squares(q, k, v):
    """``|k_t|^2`` of every key (S,) of one sequence, and the sum of the squares of all entries of q, k and v.

    Examples
    --------
    >>> [np.round(x, 6).tolist() for x in squares(np.ones((1, 2)), np.array([[3.0, 4.0]]), np.zeros((1, 1)))]
    [[25.0], 27.0]
    """
    rows = np.array([np.linalg.norm(key) ** 2 for key in k])
    return rows, rows.sum() + np.linalg.norm(q) ** 2 + np.linalg.norm(v) ** 2
