"""Noise of spikes in training: what Poisson counts do to instructions and reads, as normal noise of their variance."""

import warnings
import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from autograd.tracer import getval

from synfwp import checks, rules
from synfwp.instructions import Instructions
from synfwp.programmer.slow import exactly

Array = Any


@dataclass(frozen=True)
class SpikeNoise:
    """Reads of the exact rule with the noise of Poisson spike counts, to train a programmer with.

    A number x whose neurons fire for it in proportion, with n spikes at the largest number of its kind in the batch,
    is counted as ``x + sqrt(|x| max|x| / n) N``, N standard normal: as keys, as values, as queries and as reads. Of
    rules that erase, what is predicted is counted too, which is as large as the value where the key is known; so the
    value has that noise twice. Gradients pass by the numbers, not by the sizes of their noise.

    The noise is drawn from the instructions themselves: the same batch and parameters have the same noise.

    Parameters
    ----------
    spikes : float
        n, spikes of all neurons of a feature at the peak rate in one window: peak times window times neurons.
    seed : int
    read : None or callable
        ``read(rule, instructions) -> y`` that is given the noisy instructions; None: the exact rule.

    Raises
    ------
    TypeError, ValueError
        If spikes is no number above 0, or seed no integer of at least 0.

    References
    ----------
    Bishop 1995, Neural Computation 7:108 (training with noise).

    Examples
    --------
    >>> import numpy as np
    >>> sent = Instructions(np.ones((4, 2)), np.ones((4, 2)), np.ones((4, 3)))
    >>> SpikeNoise(spikes=1e12)("hebb", sent).round(3)[0].tolist()
    [2.0, 2.0, 2.0]
    """

    spikes: float = 20.0
    seed: int = 0
    read: Any = None

    def __post_init__(self) -> None:
        checks.number("spikes", self.spikes, 0, above=True)
        checks.count("seed", self.seed, 0)
        if self.read is not None and not callable(self.read):
            raise TypeError(f"read is {checks.short(self.read)}; pass a function (rule, instructions) -> y.")

    def __call__(self, rule: Any, sent: Instructions) -> np.ndarray:
        """Reads (..., T, d_value); can be traced."""
        numbers = [np.asarray(getval(x), float) for x in (sent.q, sent.k, sent.v)]
        rng = np.random.default_rng([self.seed, *(zlib.crc32(x.tobytes()) for x in numbers)])
        times = 2.0 if rules.get_rule(rule).erase is not None else 1.0
        q, k, v = self._counted(sent.q, rng), self._counted(sent.k, rng), self._counted(sent.v, rng, times)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "unstable step", RuntimeWarning)  # counts overshoot now and then
            reads = (self.read or exactly)(rule, replace(sent, q=q, k=k, v=v))
        return self._counted(reads, rng)

    def _counted(self, x: Array, rng: np.random.Generator, times: float = 1.0) -> Array:
        """Numbers as counts of spikes have them."""
        value = np.asarray(getval(x))
        size = np.abs(value)
        spread = np.sqrt(times * size * size.max(initial=0.0) / self.spikes) * rng.standard_normal(size.shape)
        return x + spread.astype(value.dtype)
