"""Recall of keys that are not alike: some meet more interference than others, and each is read by itself."""

from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from synfwp import checks
from synfwp.theory.formulas import formula, plain

Array = np.ndarray


@overload
def unequal_cosine(keys: ArrayLike, pairs: float, centred: bool = False, centred_query: bool = True) -> float: ...
@overload
def unequal_cosine(keys: ArrayLike, pairs: ArrayLike, centred: bool = False, centred_query: bool = True) -> Array: ...
@formula(
    kind="approximate",
    condition="Hebb (centred: with a mean that is known), keys drawn independently from one distribution, of which "
    "these are a sample; values of mean 0 with at least 32 features; at least 8 pairs",
    source="kohonen1972; zhong2025",
    band=0.02,
)
def unequal_cosine(keys: Any, pairs: Any, centred: bool = False, centred_query: bool = True) -> Any:
    """Mean recall cosine of P keys of a kind, ``E_i 1 / sqrt(1 + (P - 1) I_i)``, each with its own interference.

    ``I_i = E_j (k_j . k_i)^2 / |k_i|^4`` over other keys; with features of keys, that of a kernel. The cosine at the
    mean interference, `snr_cosine`, lies below it: a few keys that meet much of it weigh too much there. What is
    neglected: that the P - 1 keys of one memory are a sample.

    Parameters
    ----------
    keys : (n, d_k) array
        At least two keys, or features of keys.
    pairs : int or array
        P, at least 2.
    centred : bool
        Whether the rule writes ``k - m``, with m the mean of these keys.
    centred_query : bool
        Whether a centred rule is read with ``k - m`` too.

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> import numpy as np
    >>> keys = np.random.default_rng(0).standard_normal((1000, 64))
    >>> round(unequal_cosine(keys / np.linalg.norm(keys, axis=1, keepdims=True), 64), 2)  # all alike: as `hebb_cosine`
    0.71
    """
    k: Array = checks.array("keys", keys, ndim=2)
    P = checks.array("pairs", pairs, 2)
    if len(k) < 2 or not k.any():
        raise ValueError(f"keys has shape {k.shape}; pass at least two keys, (n, d_k), not all of them 0.")
    k = k / np.abs(k).max()
    written = k - k.mean(axis=0) if centred else k
    product = (written if centred_query else k) @ written.T
    signal = np.diag(product)
    noise = (np.square(product).sum(axis=1) - signal**2) / (len(k) - 1)
    size = np.sqrt(signal**2 + (np.reshape(P, (-1, 1)) - 1) * noise)
    cosine = np.divide(signal, size, out=np.zeros_like(size), where=size > 0)  # a key of zeros recalls nothing
    return plain(cosine.mean(axis=1).reshape(P.shape))
