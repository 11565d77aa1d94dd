"""Short-term plasticity of a presynaptic neuron."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from synfwp import checks, derived, units

Array = np.ndarray
AT_ONCE = 1e-3  # ms; tau_facil of a synapse without facilitation

# Published sets, all with u raised before release; "second hand" where the paper itself was not at hand.
SHORT_TERM_PRESETS: dict[str, dict[str, Any]] = {
    # Tsodyks, Pawelzik & Markram 1998, fig. 1A and 1B, C (second hand: the examples of Brian2 2.5 and NEST)
    "tsodyks1998_depressing": {"U": 0.5, "tau_rec": 800.0, "tau_facil": AT_ONCE},
    "tsodyks1998_facilitating": {"U": 0.03, "tau_rec": 130.0, "tau_facil": 530.0},
    # Tsodyks, Uziel & Markram 2000, means of the network: onto excitatory, onto inhibitory neurons (second hand: ditto)
    "tsodyks2000_to_excitatory": {"U": 0.5, "tau_rec": 800.0, "tau_facil": AT_ONCE},
    "tsodyks2000_to_inhibitory": {"U": 0.04, "tau_rec": 100.0, "tau_facil": 1000.0},
    # Maass, Natschlaeger & Markram 2002, means of the network, pre to post (second hand: the example of Brian2 2.5)
    "maass2002_e_to_e": {"U": 0.5, "tau_rec": 1100.0, "tau_facil": 50.0},
    "maass2002_e_to_i": {"U": 0.05, "tau_rec": 125.0, "tau_facil": 1200.0},
    "maass2002_i_to_e": {"U": 0.25, "tau_rec": 700.0, "tau_facil": 20.0},
    "maass2002_i_to_i": {"U": 0.32, "tau_rec": 144.0, "tau_facil": 60.0},
    # Mongillo, Barak & Tsodyks 2008, supplement: excitatory synapses of the memory
    "mongillo2008": {"U": 0.19, "tau_rec": 200.0, "tau_facil": 1500.0, "release": "before"},
}


@dataclass(frozen=True, kw_only=True)
class ShortTerm:
    """Short-term plasticity [1]_ [2]_.

    A spike raises u, ``u += U (1 - u)``, releases ``u x`` and takes it off x; between spikes x recovers to 1 with
    ``tau_rec`` and u relaxes to ``u_rest`` with ``tau_facil``. The weight is multiplied by ``u x``. It is a gain of the
    presynaptic neuron alone: it cannot bind a key to a value.

    Papers write it in two ways. With ``release="after"`` a spike releases what u is after it was raised, from
    ``u_rest=0`` in [1]_; with ``release="before"`` what u was before, from ``u_rest=U`` in [2]_. These two are the
    same. Where the step f of facilitation differs from the share u0 that a rested synapse releases (mossy fibres:
    u0 = 0.0052, f = 0.0152), pass ``ShortTerm(U=f, u_rest=u0, release="before", ...)``, which is
    ``ShortTerm(U=f, u_rest=(u0 - f) / (1 - f), ...)``: that u rests below 0 where f is above u0.

    Parameters
    ----------
    U : float
        Share of what u lacks of 1 that a spike adds, above 0 and at most 1.
    tau_rec, tau_facil : float
        Of recovery and facilitation, ms.
    u_rest : float or None
        What u relaxes to, at most 1. What is released lies in [0, 1] for ``u_rest`` from 0 (``"before"``) or from
        ``-U / (1 - U)`` (``"after"``), and less is refused. None: 0 for ``"after"``, U for ``"before"``.
    release : "after" or "before"
        Whether a spike releases by u as it is after the spike has raised it, or as it was before.

    Raises
    ------
    ValueError
        If a share is not within its bounds or a time constant not above 0.

    References
    ----------
    .. [1] Tsodyks & Markram 1997, PNAS 94:719.
    .. [2] Mongillo, Barak & Tsodyks 2008, Science 319:1543.

    Examples
    --------
    >>> ShortTerm(U=0.5, tau_rec=800.0, tau_facil=1e-3).released([100.0] * 100)[-1].round(4)
    np.float64(0.1051)
    >>> mossy = ShortTerm(U=0.0152, u_rest=0.0052, tau_rec=156.0, tau_facil=224.0, release="before")
    >>> mossy.released([20.0] * 3).round(4).tolist()
    [0.0052, 0.0189, 0.0308]
    """

    U: float
    tau_rec: Any
    tau_facil: Any
    u_rest: Any = None
    release: str = "after"

    def __post_init__(self) -> None:
        """Shares between 0 and 1, times above 0."""
        checks.one_of("release", self.release, ("after", "before"))
        put, rest = object.__setattr__, derived.given(self.u_rest)
        put(self, "U", checks.number("U", units.to_float(self.U, "1", "U"), 0, 1, above=True))
        if rest is None:
            put(self, "u_rest", derived.Number(0.0 if self.raised_first else self.U))
        else:
            put(self, "u_rest", checks.number("u_rest", units.to_float(rest, "1", "u_rest"), -np.inf, 1))
        least = self.u_rest + self.U * (1 - self.u_rest) * self.raised_first
        if least < -1e-12:
            low = -self.U / (1 - self.U) if self.raised_first else 0.0
            raise ValueError(
                f"u_rest is {self.u_rest:g}, so that a rested synapse would release {least:.3g}; pass at least "
                f"{low:.6g} (release={self.release!r}, U = {self.U:g})."
            )
        for name in ("tau_rec", "tau_facil"):
            value = units.to_float(getattr(self, name), "ms", name)
            object.__setattr__(self, name, checks.number(f"{name} (ms)", value, 0, above=True))

    @classmethod
    def preset(cls, name: str) -> "ShortTerm":
        """A published set of parameters.

        Parameters
        ----------
        name : str
            ``"tsodyks1998_depressing"``, ``"tsodyks1998_facilitating"`` (Tsodyks, Pawelzik & Markram 1998, fig. 1),
            ``"tsodyks2000_to_excitatory"``, ``"tsodyks2000_to_inhibitory"`` (Tsodyks, Uziel & Markram 2000),
            ``"maass2002_e_to_e"``, ``"maass2002_e_to_i"``, ``"maass2002_i_to_e"``, ``"maass2002_i_to_i"`` (Maass,
            Natschlaeger & Markram 2002) or ``"mongillo2008"``. A synapse without facilitation has a ``tau_facil`` of
            1 us.

        Returns
        -------
        ShortTerm

        Raises
        ------
        ValueError
            If no set has this name.

        References
        ----------
        Tsodyks, Pawelzik & Markram 1998, Neural Computation 10:821; Tsodyks, Uziel & Markram 2000, J Neurosci 20:RC50;
        Maass, Natschlaeger & Markram 2002, Neural Computation 14:2531; Mongillo, Barak & Tsodyks 2008, Science
        319:1543.

        Examples
        --------
        >>> ShortTerm.preset("tsodyks1998_facilitating")
        ShortTerm(U=0.03, tau_rec=130.0, tau_facil=530.0, u_rest=0.0, release='after')
        """
        return cls(**checks.lookup("preset of ShortTerm", name, SHORT_TERM_PRESETS))

    @property
    def raised_first(self) -> bool:
        """Whether a spike raises u before it releases."""
        return self.release == "after"

    @property
    def rested(self) -> float:
        """What u is without spikes."""
        return float(self.u_rest)

    def released(self, intervals: Any) -> Array:
        """Share released at each spike of a train that starts at rest.

        Parameters
        ----------
        intervals : (n,) array_like
            Time since the spike before, ms; the first entry is not used.

        Returns
        -------
        (n,) array

        Raises
        ------
        TypeError, ValueError
            If an interval that is used is no finite number of at least 0.
        """
        waits = np.asarray(units.to_float(intervals, "ms", "intervals"))
        if waits.ndim != 1:
            raise ValueError(f"intervals has shape {waits.shape}; pass one train, (n,).")
        units.array(waits[1:], "ms", "intervals", 0)
        return shares(waits, self.U, self.tau_rec, self.tau_facil, float(self.u_rest), self.raised_first)

    def amplitudes(self, times: Any, A: Any = 1.0) -> Array:
        """Amplitudes of the responses to spikes at given times, of a synapse that is at rest before the first.

        Parameters
        ----------
        times : (n,) array_like
            Spike times, ms, increasing.
        A : float
            Amplitude if everything is released (absolute synaptic efficacy); its unit is that of the amplitudes.

        Returns
        -------
        (n,) array
            ``A u x`` of each spike.

        Raises
        ------
        TypeError, ValueError
            For times that do not increase, or that are no finite numbers in ms.

        Examples
        --------
        Five pulses at 20 Hz and one after half a second more:

        >>> train = [0.0, 50.0, 100.0, 150.0, 200.0, 700.0]
        >>> ShortTerm.preset("tsodyks1998_depressing").amplitudes(train, A=2.0).round(3).tolist()
        [1.0, 0.53, 0.31, 0.206, 0.157, 0.507]
        """
        at = units.array(times, "ms", "times", ndim=1)
        if bad := np.flatnonzero(np.diff(at) < 0).tolist():
            raise ValueError(
                f"times falls from {at[bad[0]]:g} to {at[bad[0] + 1]:g} ms; pass them in increasing order."
            )
        return float(units.number(A, "1", "A")) * self.released(np.diff(at, prepend=at[:1]))

    def steady(self, rate: Any) -> Array:
        r"""Share released at each spike of a regular train, once every spike releases the same.

        With :math:`f = e^{-\Delta / \tau_{facil}}`, :math:`r = e^{-\Delta / \tau_{rec}}` and
        :math:`\Delta = 1 / rate`, u is just before a spike, and s what the spike releases of x:

        .. math::
            u = \frac{u_{rest} (1 - f) + U f}{1 - (1 - U) f}, \qquad x = \frac{1 - r}{1 - (1 - s) r}

        At high rates the share falls as :math:`1 / (rate \, \tau_{rec})`, from the limiting frequency
        :math:`1 / (U \tau_{rec})` on without facilitation [1]_.

        Parameters
        ----------
        rate : float or array_like
            Spikes per second, Hz, above 0.

        Returns
        -------
        array
            ``s x``, of the shape of ``rate``.

        Raises
        ------
        TypeError, ValueError
            If a rate is not a finite number above 0.

        References
        ----------
        .. [1] Tsodyks & Markram 1997, PNAS 94:719.

        Examples
        --------
        >>> ShortTerm.preset("tsodyks1998_depressing").steady([1, 5, 10, 20, 40]).round(4).tolist()
        [0.4164, 0.1811, 0.1051, 0.0571, 0.0298]
        """
        wait = 1000 / units.array(rate, "Hz", "rate", 0, above=True)
        with np.errstate(over="ignore"):  # an interval of more time constants than a float can hold
            f, r = np.exp(-wait / self.tau_facil), np.exp(-wait / self.tau_rec)
            u = (-self.u_rest * np.expm1(-wait / self.tau_facil) + self.U * f) / (1 - (1 - self.U) * f)
            s = u + self.U * (1 - u) if self.raised_first else u
            return np.asarray(-s * np.expm1(-wait / self.tau_rec) / (1 - (1 - s) * r))


def shares(
    waits: Array, U: float, tau_rec: float, tau_facil: float, u_rest: float = 0.0, raised_first: bool = True
) -> Array:
    """Share released at each spike of a train that starts at rest; nothing is checked: see `ShortTerm.released`."""
    with np.errstate(over="ignore"):  # a wait of more time constants than a float can hold is a wait for ever
        facilitation, recovery = np.exp(-waits / tau_facil).tolist(), np.exp(-waits / tau_rec).tolist()
    u, x, found = u_rest, 1.0, []
    for m in range(len(waits)):
        if m:
            u = u_rest + (u - u_rest) * facilitation[m]
            x = 1 + (x - 1) * recovery[m]
        before, u = u, u + U * (1 - u)
        share = (u if raised_first else before) * x
        found.append(share)
        x -= share
    return np.array(found)
