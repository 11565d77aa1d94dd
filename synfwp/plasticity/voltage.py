"""Plasticity by presynaptic spikes and the postsynaptic voltage."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from synfwp import checks, units
from synfwp.kernels import voltage as kernels
from synfwp.plasticity.btsp import fill
from synfwp.plasticity.state_rows import StateRow
from synfwp.plasticity.trains import spike_train

__all__ = ["VOLTAGE_PRESETS", "VoltagePlasticity"]

# Clopath et al. 2010, table 1b (second hand: the programs of the replication by Larisch, network.py and Fig1_clamp.py
# of ReScience/ReScience-submission). Of the hippocampus they have a voltage clamp alone, in which time constants do not
# matter. Homeostasis: network.py, u_ref^2 = 60 mV^2
_TIMES = {"tau_x": 15.0, "tau_minus": 10.0, "tau_plus": 7.0}
VOLTAGE_PRESETS: dict[str, dict[str, float]] = {
    "visual_cortex": _TIMES | {"theta_minus": -70.6, "theta_plus": -45.3, "A_LTD": 14e-5, "A_LTP": 8e-5},
    "hippocampus": _TIMES | {"theta_minus": -41.0, "theta_plus": -38.0, "A_LTD": 38e-5, "A_LTP": 2e-5},
}
UNITS = {"tau_x": "ms", "tau_minus": "ms", "tau_plus": "ms", "theta_minus": "mV", "theta_plus": "mV"}
HOMEOSTASIS = {"u_ref": ("mV", 0.0), "v_rest": ("mV", -np.inf), "tau_mean": ("ms", 0.0)}


@dataclass(frozen=True)
class VoltagePlasticity:
    r"""Voltage-based plasticity of Clopath et al. (2010), along a recorded or simulated voltage of a point neuron.

    .. math::
        \frac{dw}{dt} = -A_{LTD} \, \frac{\bar{\bar u}(t)}{u_{ref}^2} \, X(t) \, [\bar u_-(t) - \theta_-]_+
            + A_{LTP} \, \bar x(t) \, [u(t) - \theta_+]_+ \, [\bar u_+(t) - \theta_-]_+

    X is the presynaptic train, :math:`\bar x` its trace, which a spike raises by :math:`1 / \tau_x`, and
    :math:`\bar u_\pm` are means of the voltage u with time constants :math:`\tau_\pm`. The factor of
    :math:`A_{LTD}` is 1 without ``u_ref``, as in the experiments with pairs of the paper. With it neurons that are
    often depolarised depress more: :math:`\bar{\bar u}` is the mean of :math:`[u - v_{rest}]_+^2` with
    ``tau_mean``, from :math:`u_{ref}^2` on; the programs that follow the paper have ``u_ref=60**0.5, v_rest=-70.6,
    tau_mean=1200.0``.

    Parameters
    ----------
    preset : str, optional
        ``"visual_cortex"``, ``"hippocampus"``: table 1b of the paper; the second, of a voltage clamp, in which they do
        not matter, has the time constants of the first. Without one, every parameter down to ``tau_plus`` has to be
        given. It reads None when one of these differs from the set.
    A_LTD : float
        Amplitude of depression, in the unit of the weight per mV.
    A_LTP : float
        Amplitude of potentiation, in the unit of the weight per mV^2.
    theta_minus, theta_plus : float
        Thresholds of the means and of the voltage itself, mV.
    tau_x, tau_minus, tau_plus : float
        Time constants of the presynaptic trace and of the two means, ms.
    u_ref, v_rest, tau_mean : float or None
        Of the homeostasis: mV, mV and ms; all or none.

    Raises
    ------
    ValueError
        If the preset is unknown, a parameter is missing or out of its range.

    References
    ----------
    Clopath, Buesing, Vasilaki & Gerstner 2010, Nature Neuroscience 13:344.

    Examples
    --------
    Clamped between the thresholds a neuron depresses what fires, clamped above both it potentiates:

    >>> rule, spikes = VoltagePlasticity("visual_cortex"), np.arange(0.0, 400.0, 40.0)
    >>> [round(rule.dw(spikes, np.full(500, v), dt=1.0), 4) for v in (-80.0, -60.0, -20.0)]
    [0.0, -0.0148, 0.9533]
    """

    preset: str | None = None
    _: KW_ONLY
    A_LTD: Any = None
    A_LTP: Any = None
    theta_minus: Any = None
    theta_plus: Any = None
    tau_x: Any = None
    tau_minus: Any = None
    tau_plus: Any = None
    u_ref: Any = None
    v_rest: Any = None
    tau_mean: Any = None

    def __post_init__(self) -> None:
        known = (
            {} if self.preset is None else checks.lookup("preset of VoltagePlasticity", self.preset, VOLTAGE_PRESETS)
        )
        fill(self, "VoltagePlasticity", known, VOLTAGE_PRESETS, UNITS, _check, optional=tuple(HOMEOSTASIS))
        given = [name for name in HOMEOSTASIS if getattr(self, name) is not None]
        if given and len(given) < len(HOMEOSTASIS):
            raise ValueError(
                f"VoltagePlasticity has {', '.join(given)} of its homeostasis; pass u_ref, v_rest and tau_mean, or "
                "none of them."
            )
        for name in given:
            unit, low = HOMEOSTASIS[name]
            object.__setattr__(self, name, units.number(getattr(self, name), unit, name, low, above=low == 0))

    @property
    def homeostasis(self) -> tuple[float, float, float]:
        """Square of the reference (0: none), rest, and time constant of the mean square."""
        return (0.0, 0.0, 1.0) if self.u_ref is None else (self.u_ref**2, self.v_rest, self.tau_mean)

    def row(self, w_min: Any = 0.0, w_max: Any = np.inf, spike_level: Any = None, spike_width: Any = None) -> StateRow:
        """This rule for the synapses of a projection onto neurons, whose potential it reads in every step.

        A step is read as it is before a reset. Neurons without a course of the spike (`LIF`) potentiate nothing but by
        ``spike_level``: what is read for ``spike_width`` from the step of a spike on.

        Parameters
        ----------
        w_min, w_max : float
            Bounds of the weight, in its unit.
        spike_level : float or None
            mV. None: the potential.
        spike_width : float or None
            ms.

        Returns
        -------
        StateRow

        Raises
        ------
        ValueError
            If bounds are in the wrong order, or only one of ``spike_level`` and ``spike_width`` is given.

        Examples
        --------
        >>> row = VoltagePlasticity("visual_cortex").row(w_max=3.0, spike_level=33.0, spike_width=2.0)
        >>> row.name, row.spike_width
        ('voltage', 2.0)
        """
        return StateRow(rule=self, w_min=w_min, w_max=w_max, spike_level=spike_level, spike_width=spike_width)

    def dw(self, pre: Any, v: Any, *, dt: Any, start: Any = 0.0) -> float:
        """Change of a weight by a presynaptic train and a voltage, in the unit of the amplitudes.

        Parameters
        ----------
        pre : (n,) array_like
            Presynaptic spike times, ms, increasing, within the record.
        v : (T,) array_like
            Postsynaptic voltage, mV, spikes included: without their course nothing is potentiated. The means of the
            voltage begin at its first value.
        dt : float
            Sampling interval, ms; spikes count in the sample that they fall into.
        start : float
            Time of the first sample, ms.

        Returns
        -------
        float

        Raises
        ------
        ValueError, TypeError
            For spikes outside of the record, or arrays that are no finite numbers.

        Examples
        --------
        >>> VoltagePlasticity("visual_cortex").dw([], np.full(100, -40.0), dt=0.1)
        0.0
        """
        ltd, ltp = self.parts(pre, v, dt=dt, start=start)
        return ltp - ltd

    def parts(self, pre: Any, v: Any, *, dt: Any, start: Any = 0.0) -> tuple[float, float]:
        """Depression and potentiation apart, both at least 0.

        Parameters
        ----------
        pre : (n,) array_like
            Presynaptic spikes, ms.
        v : (T,) array_like
            Voltage of each step, mV.
        dt : float
            Step, ms.
        start : float
            Begin of the record, ms.

        Returns
        -------
        (float, float)

        Raises
        ------
        ValueError, TypeError
            For spikes outside of the record, or arrays that are no finite numbers.

        Examples
        --------
        >>> ltd, ltp = VoltagePlasticity("visual_cortex").parts([5.0], np.full(100, -60.0), dt=1.0)
        >>> round(ltd, 6), ltp
        (0.001484, 0.0)
        """
        train, trace = spike_train("pre", pre), units.array(v, "mV", "v", ndim=1)
        step, first = units.number(dt, "ms", "dt", 0, above=True), units.number(start, "ms", "start")
        if not len(trace):
            raise ValueError("v has no samples; pass the voltage of the postsynaptic neuron, mV.")
        at = np.floor((train - first) / step + 1e-9)
        if len(train) and (at[0] < 0 or at[-1] >= len(trace)):
            raise ValueError(
                f"pre has spikes from {train[0]:g} to {train[-1]:g} ms, but v lasts from {first:g} to "
                f"{first + step * len(trace):g} ms; pass spikes within the record, or another start or dt."
            )
        counts = np.bincount(at.astype(int), minlength=len(trace)).astype(float)
        taus = self.tau_x, self.tau_minus, self.tau_plus
        sizes, thetas = (self.A_LTD, self.A_LTP), (self.theta_minus, self.theta_plus)
        found = kernels.voltage(counts, trace, step, taus, sizes, thetas, self.homeostasis)
        return float(found[0]), float(found[1])


def _check(name: str, value: Any, unit: str) -> float:
    """A parameter within its range."""
    low = -np.inf if name.startswith("theta") else 0.0
    return units.number(value, unit, name, low, above=name.startswith("tau"))
