"""Repetition suppression, measured on other presentations than those that chose the neurons."""

from __future__ import annotations

import numpy as np
import xarray as xr

from synfwp import checks, seeds
from synfwp.measures import samples

Array = np.ndarray


def repetition_suppression(
    first: Array,
    repeated: Array,
    stimulus: Array | None = None,
    share: float = 0.1,
    splits: int = 100,
    seed: seeds.Seed = 0,
) -> xr.Dataset:
    """How much weaker the response to a repeated stimulus is, ``(first - repeated) / (first + repeated)``.

    Neurons are chosen, with the stimulus that drives them, by their response to first presentations. What chose them
    was high by chance too, so that the same presentations give suppression where there is none. Here one half of the
    pairs of presentations chooses, and the other half is measured.

    Parameters
    ----------
    first, repeated : (pairs, neurons) arrays
        Responses, at least 0, to a stimulus and to its repetition.
    stimulus : (pairs,) array, optional
        Which it was; None: one for all.
    share : float
        Of all neurons and stimuli, those with the highest response that are chosen.
    splits : int
        Random halves of the pairs of each stimulus; values of one recording, not independent.
    seed : int, SeedSequence or Generator

    Returns
    -------
    xarray.Dataset
        Along ``split``: ``index``, NaN where nothing was chosen that responded; ``biased_index``: the same where the
        same pairs choose and are measured; ``chosen``: number of neurons with their stimuli.

    Raises
    ------
    TypeError, ValueError
        For arrays of different shape, responses below 0, or a stimulus with fewer than two pairs.

    Examples
    --------
    >>> import numpy as np
    >>> first, repeated = np.random.default_rng(0).poisson(4.0, size=(2, 40, 200)).astype(float)
    >>> found = repetition_suppression(first, repeated, np.repeat(np.arange(20), 2))
    >>> abs(found["index"].mean().item()) < 0.01, round(float(found.biased_index), 2)
    (True, 0.26)
    """
    pair = [checks.array(name, x, 0.0, ndim=2) for name, x in (("first", first), ("repeated", repeated))]
    samples.table("first", pair[0])
    if pair[0].shape != pair[1].shape:
        raise ValueError(
            f"repeated has shape {pair[1].shape} and first {pair[0].shape}; pass the same pairs and neurons."
        )
    both = samples.ordinary(np.stack(pair))[0]
    n = len(pair[0])
    codes = np.zeros(n, int) if stimulus is None else samples.coded("stimulus", stimulus, n)[1]
    count = np.bincount(codes)
    if count.min() < 2:
        raise ValueError(f"stimulus number {int(count.argmin())} (in order) has one pair; halves need at least two.")
    share = checks.number("share", share, 0.0, 1.0, above=True)
    rng = samples.parts(seed, "halves")[0]
    most = max(1, round(share * count.size * both.shape[2]))
    index = np.empty(checks.count("splits", splits))
    for i in range(len(index)):
        order = np.lexsort((rng.random(n), codes))
        place = np.empty(n, int)
        place[order] = np.arange(n) - np.repeat(np.cumsum(count) - count, count)
        chooses = place < (count // 2)[codes]
        chosen = _highest(_by_stimulus(both[:, chooses], codes[chooses])[0], most)
        index[i] = _index(_by_stimulus(both[:, ~chooses], codes[~chooses]), chosen)
    every = _by_stimulus(both, codes)
    share_of = {"units": "1"}
    return xr.Dataset(
        {
            "index": ("split", index, share_of | {"long_name": "suppression of held-out presentations"}),
            "biased_index": ((), _index(every, _highest(every[0], most)), share_of | {"long_name": "nothing held out"}),
            "chosen": ((), most, share_of | {"long_name": "number of neurons with their stimulus"}),
        }
    )


def _by_stimulus(both: Array, codes: Array) -> Array:
    """Mean responses (2, stimuli, neurons)."""
    return np.stack([both[:, codes == i].mean(axis=1) for i in range(codes.max() + 1)], axis=1)


def _highest(response: Array, n: int) -> Array:
    """Flat indices of the n highest."""
    return np.argsort(response, axis=None, kind="stable")[-n:]


def _index(means: Array, chosen: Array) -> float:
    """The index over what was chosen."""
    first, repeated = means.reshape(2, -1)[:, chosen].sum(axis=1)
    return float((first - repeated) / (first + repeated)) if first + repeated > 0 else float("nan")
