"""Short-term plasticity as a filter and a nonlinearity."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from synfwp import checks, units

__all__ = ["SPIKE_RESPONSE_PRESETS", "SpikeResponse"]

Array = np.ndarray
# Rossbroich et al. 2021, figures 1 (facilitation, depression, both) and 3 (two concentrations of calcium): the authors'
# scripts (github.com/nauralcodinglab/srplasticity)
SPIKE_RESPONSE_PRESETS: dict[str, dict[str, Any]] = {
    "rossbroich2021_facilitating": {"baseline": -2.0, "amplitudes": (700.0,), "taus": (100.0,)},
    "rossbroich2021_depressing": {"baseline": 2.0, "amplitudes": (-700.0,), "taus": (100.0,)},
    "rossbroich2021_both": {"baseline": -2.0, "amplitudes": (1000.0, -1000.0), "taus": (100.0, 250.0)},
    "rossbroich2021_low_calcium": {"baseline": -5.5, "amplitudes": (600.0,), "taus": (500.0,)},
    "rossbroich2021_high_calcium": {"baseline": -1.5, "amplitudes": (600.0,), "taus": (500.0,)},
}


@dataclass(frozen=True, kw_only=True)
class SpikeResponse:
    r"""Spike-response plasticity of Rossbroich et al. (2021): a kernel of efficacy, and a sigmoid.

    The mean amplitude of the response to spike n is

    .. math::
        \mu_n = \mu_0 \, f\Big(b + \sum_{m < n} k(t_n - t_m)\Big), \qquad
        k(s) = \sum_j \frac{a_j}{\tau_j} e^{-s / \tau_j}, \qquad f(x) = \frac{1}{1 + e^{-x}}

    A change of the baseline b (calcium outside) shifts the sigmoid alone; facilitation, depression and both in turn are
    kernels, not processes of their own as in :class:`synfwp.ShortTerm`. As the ``short_term`` of a projection it
    multiplies the weight, which is :math:`\mu_0`, by the sigmoid at each spike that arrives.

    Parameters
    ----------
    baseline : float
        b.
    amplitudes : tuple of float
        :math:`a_j`, areas of the kernel's parts, ms; negative ones depress.
    taus : tuple of float
        :math:`\tau_j`, ms, one for each amplitude.

    Raises
    ------
    ValueError, TypeError
        If amplitudes and time constants differ in number, or a time constant is not above 0.

    References
    ----------
    Rossbroich, Trotter, Beninger, Toth & Naud 2021, PLoS Computational Biology 17:e1008013.

    Examples
    --------
    >>> synapse = SpikeResponse.preset("rossbroich2021_depressing")
    >>> synapse.responses([0.0, 50.0, 100.0, 150.0]).round(3).tolist()
    [1.0, 0.109, 0.009, 0.002]
    """

    baseline: Any
    amplitudes: Any
    taus: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "baseline", units.number(self.baseline, "1", "baseline"))
        for name, low in (("amplitudes", -np.inf), ("taus", 0.0)):
            given = np.atleast_1d(units.to_float(getattr(self, name), "ms", name))
            found = units.array(given, "ms", name, low, above=low == 0, ndim=1)
            object.__setattr__(self, name, tuple(found.ravel().tolist()))
        if len(self.amplitudes) != len(self.taus):
            raise ValueError(
                f"amplitudes has {len(self.amplitudes)} entries but taus {len(self.taus)}; pass one of each per part."
            )

    @classmethod
    def preset(cls, name: str) -> "SpikeResponse":
        """A published set of parameters.

        Parameters
        ----------
        name : str
            ``"rossbroich2021_facilitating"``, ``"rossbroich2021_depressing"`` or ``"rossbroich2021_both"`` (fig. 1),
            ``"rossbroich2021_low_calcium"`` or ``"rossbroich2021_high_calcium"`` (fig. 3).

        Returns
        -------
        SpikeResponse

        Raises
        ------
        ValueError
            If no set has this name.

        Examples
        --------
        >>> SpikeResponse.preset("rossbroich2021_both").taus
        (100.0, 250.0)
        """
        return cls(**checks.lookup("preset of SpikeResponse", name, SPIKE_RESPONSE_PRESETS))

    @property
    def rested(self) -> float:
        """Sigmoid of the baseline, at which a spike after a long rest releases."""
        return float(0.5 * (1 + np.tanh(self.baseline / 2)))

    def responses(self, times: Any, A: Any = None) -> Array:
        """Mean amplitudes of the responses to spikes at given times.

        Parameters
        ----------
        times : (n,) array_like
            Spike times, ms, increasing.
        A : float or None
            Amplitude where the sigmoid is 1. None: such that the first response is 1.

        Returns
        -------
        (n,) array

        Raises
        ------
        ValueError, TypeError
            For times that do not increase, or that are no finite numbers in ms.

        Examples
        --------
        >>> SpikeResponse.preset("rossbroich2021_low_calcium").responses([0.0, 20.0], A=1.0).round(4).tolist()
        [0.0041, 0.0128]
        """
        at = units.array(times, "ms", "times", ndim=1)
        if bad := np.flatnonzero(np.diff(at) < 0).tolist():
            first, then = at[bad[0]], at[bad[0] + 1]
            raise ValueError(f"times falls from {first:g} to {then:g} ms; pass them in increasing order.")
        size = None if A is None else units.number(A, "1", "A")
        found = sigmoids(at, self.baseline, self.amplitudes, self.taus)
        return found * (size if size is not None else 1 / self.rested)


def sigmoids(times: Array, baseline: float, amplitudes: tuple[float, ...], taus: tuple[float, ...]) -> Array:
    """The sigmoid of baseline and filtered train at each spike; nothing is checked: see `SpikeResponse.responses`."""
    drive = np.full(len(times), float(baseline))
    for a, tau in zip(amplitudes, taus, strict=True):
        keep, trace = np.exp(-np.diff(times) / tau).tolist(), 0.0
        for n, factor in enumerate(keep, start=1):
            trace = (trace + a / tau) * factor
            drive[n] += trace
    return np.asarray(0.5 * (1 + np.tanh(drive / 2)))
