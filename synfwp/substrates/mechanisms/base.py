"""What a mechanism is: a set of parameters that the network, its engines, its gains and its description read."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from synfwp import units
from synfwp.coefficients import Coefficients
from synfwp.plasticity import SynapticRule
from synfwp.rules import Rule
from synfwp.substrates.mechanisms.common import is_delta, saturated, with_gains, with_self_erasure
from synfwp.units import Parameters

if TYPE_CHECKING:
    from synfwp.substrates.soma import Soma

Array = np.ndarray


class Gains(NamedTuple):
    """Mean gains of a mechanism in a network, relative to the target rule.

    ``write`` and ``erase`` multiply beta; ``self_erasure`` is the erasure of a synapse by its own spikes, for a key at
    peak; ``carry_over`` is the weight with which spikes of the neighbouring phase enter a phase. ``online``: W changes
    while it is read.
    """

    write: float
    erase: float
    self_erasure: float
    carry_over: float
    online: bool = False


@dataclass(frozen=True, kw_only=True)
class Mechanism(Parameters):
    """A way in which spikes write an item into synapses. Subclasses are frozen dataclasses that set what differs.

    Parameters
    ----------
    tau : float
        Time constant of the traces, ms. Pairs of spikes count ``exp(-|dt| / tau)``.

    Attributes
    ----------
    name, cite : str
        The keys of the bibliography are separated by commas.
    closed_form : str
        LaTeX of W after an item, on average.
    retrieves : bool
        Before the value is encoded, the key retrieves what W predicts, and what fires then is depressed.
    causal : bool
        Only pairs with the presynaptic spike first count, in all phases.
    into_soma : bool
        While the value is encoded, what W predicts inhibits the neurons that the value drives, so that they fire for
        the error.
    into_dendrite : bool
        While the value is encoded, what W predicts reaches a dendrite alone and is taken off what the soma fires.
        Without these two, the value clamps the postsynaptic neurons.
    online : bool
        Changes act at once, not when the phase ends. A subclass may have it as a field.
    baseline : None or float
        Rate (Hz) of the neurons that fire for an error while there is none. `SpikingNetwork` refuses a baseline without
        ``into_soma``, more than one of ``retrieves``, ``into_soma`` and ``into_dendrite``, ``online`` without any of
        them, and ``into_dendrite`` without ``causal``.

    Examples
    --------
    >>> from synfwp import TwoPhase
    >>> TwoPhase.retrieves, TwoPhase.causal, TwoPhase().online
    (True, False, False)
    """

    tau: Any = 20.0
    name: ClassVar[str] = ""
    cite: ClassVar[str] = ""
    closed_form: ClassVar[str] = ""
    kind: ClassVar[str] = "spiking"
    retrieves: ClassVar[bool] = False
    causal: ClassVar[bool] = False
    into_soma: ClassVar[bool] = False
    into_dendrite: ClassVar[bool] = False
    _units: ClassVar[dict[str, str]] = {"tau": "ms"}

    @property
    def online(self) -> bool:
        """Whether W changes while it is read."""
        return False

    @property
    def baseline(self) -> float | None:
        """Rate (Hz) of the neurons of either side without an error; None: that of their working point."""
        return None

    @property
    def predicts(self) -> bool:
        """Whether what W predicts meets the value in one phase."""
        return self.into_soma or self.into_dendrite

    @classmethod
    def runs(cls, rule: Rule) -> bool:
        """Whether the mechanism carries out the rule."""
        return is_delta(rule)

    def effective(self, rule: Rule, k: Array, beta: Array, decay: Array | None, gains: Gains) -> Coefficients:
        """Mean coefficients of the rule that runs, for keys and values at most 1; here those of one phase.

        The error ``v - W k`` changes the synapses. The prediction rises with the synapses and erases a little less than
        is written; a presynaptic spike meets its own part of the prediction in its trace (``self_erasure``). If W
        changes while it is read, what is still to be written and erased falls exponentially: with e the gain of
        erasure, ``x = beta e |k|^2``, the two are ``(1 - exp(-x)) / (e |k|^2)`` and e times that, and the rise, which
        comes first, is counted as if spread over the phase. What leaks in from the item before,
        ``carry_over beta_t (v_t - W k_t) k_{t-1}^T``, is no coefficient of one item and is left out.

        Parameters
        ----------
        rule : Rule
        k : (..., T, d_k) array
        beta : (..., T) array
        decay : None, (..., T) or (..., T, d_k) array
        gains : Gains

        Returns
        -------
        Coefficients
        """
        erase, write, own = beta * gains.erase, beta * gains.write, beta * gains.self_erasure
        if gains.online:
            erase = saturated(erase, k)
            write, own = erase * gains.write / gains.erase, -np.expm1(-own)
        return with_self_erasure(with_gains(rule, k, write, erase, decay), own, k)

    def teach(self, value: Array, soma: "Soma") -> Array:
        """What drives push and pull neurons while a value (n_post,) is encoded: (2, n_post) in the unit of the engine.

        It clamps them, or is as large as the prediction that cancels it.
        """
        return soma.against(value, self.baseline) if self.into_soma else soma.clamp(value)

    def synapse(self, eta: float, **more: Any) -> SynapticRule:
        """The row of spikes that a `Circuit` and Brian2 run; ``eta`` is the change of weight for a coincidence.

        Where the error is no spike but a receptor (`PES`), eta is a change per ms, for an error of 1 and a trace of 1.
        Further arguments are those of `SynapticRule`. Phases, signs and latches are schedules of the projection.
        """
        eta = units.number(eta, "1", "eta")
        numbers: dict[str, Any] = {
            "name": self.name, "cite": self.cite, "post_x": eta, "pre_y": 0.0 if self.causal else eta,
            "tau_x1": self.tau, "tau_y1": self.tau, "w_min": -np.inf,
        }  # fmt: skip
        if self.into_dendrite:
            numbers |= {"rate": -eta, "error": "prediction"}
        return SynapticRule(**(numbers | more))


def check_kernel(mechanism: Mechanism) -> None:
    """A ValueError if flags contradict each other, or engines do not have the updates of a row; a Circuit may."""
    _check_flags(mechanism)
    row = mechanism.synapse(1.0)
    foreign = [name for name in ("pre_x", "pre_y2", "pre_yx", "post_0", "post_x2", "post_xy", "soft", "x2_share")
               if getattr(row, name)]  # fmt: skip
    foreign += [name for name in ("tau_e", "total") if getattr(row, name) is not None]
    foreign += ["tau_w"] * bool(np.isfinite(row.tau_w)) + ["interaction"] * (row.interaction != "all")
    foreign += ["coincident"] * (row.coincident != "in order")
    if row.pre_y and row.pre_y != row.post_x:
        foreign.append("pre_y (other than post_x)")
    foreign += _other_numbers(mechanism, row)
    if foreign:
        raise ValueError(
            f"mechanism {mechanism.name!r} changes synapses by {', '.join(foreign)}, which the engines of a "
            "SpikingNetwork do not have for its flags (numbers are those of synapse(1.0)); it runs as a Circuit only: "
            "pass its synapse(eta) as the plasticity of a Projection."
        )
    if mechanism.causal == bool(row.pre_y):
        raise ValueError(
            f"causal of mechanism {mechanism.name!r} is {mechanism.causal}, but pre_y of its synapse is "
            f"{row.pre_y:g} for eta = 1; a causal mechanism has pre_y = 0, another one pre_y = post_x."
        )


def _check_flags(mechanism: Mechanism) -> None:
    """Refuse flags of which engines, gains and the description would each read another mechanism."""
    removals = [name for name in ("retrieves", "into_soma", "into_dendrite") if getattr(mechanism, name)]
    why = ""
    if len(removals) > 1:
        why = f"{' and '.join(removals)}, each of which takes off what W predicts; set one of them"
    elif mechanism.online and not removals:
        why = "online, but no W is read while it is written; set retrieves, into_soma or into_dendrite, or leave it out"
    elif mechanism.into_dendrite and not mechanism.causal:
        why = "into_dendrite, whose prediction meets presynaptic traces alone, but not causal; set both"
    elif mechanism.baseline is not None and not mechanism.into_soma:
        why = "a baseline, which only neurons that fire for an error have; set into_soma, or leave it out"
    if why:
        raise ValueError(f"mechanism {mechanism.name!r} has {why}.")


def _other_numbers(mechanism: Mechanism, row: SynapticRule) -> list[str]:
    """The numbers of a row for eta = 1 that are not those that the engines run for the flags of the mechanism."""
    receptor = mechanism.into_soma and row.error not in ("", "prediction")  # the error reaches synapses as in PES
    rate, words = (1.0, "eta") if receptor else (-1.0, "-eta") if mechanism.into_dendrite else (0.0, "0")
    wanted = {"post_x": (0.0, "0") if receptor else (1.0, "eta"), "rate": (rate, words), "w_max": (np.inf, "inf")}
    wanted |= {name: (float(mechanism.tau), "tau") for name in ("tau_x1", "tau_y1")[: 2 if row.pre_y else 1]}
    # push and pull synapses share what a presynaptic spike does alone, and a bound at 0: neither is in W, which is
    # their difference (until a synapse meets its bound, as in every network with dale)
    wanted |= {"pre_0": (0.0, "0"), "w_min": (-np.inf, "-inf")}
    if mechanism.baseline is not None and row.pre_0:
        wanted["pre_0"] = (-2 * units.per_ms(mechanism.baseline) * float(mechanism.tau), "-2 eta baseline tau")
    if mechanism.baseline is not None and np.isfinite(row.w_min):
        wanted["w_min"] = (0.0, "0 or -inf")
    found = [
        f"{name} = {getattr(row, name):g} (not {words})"
        for name, (value, words) in wanted.items()
        if not np.isclose(getattr(row, name), value, rtol=1e-9, atol=0)
    ]
    error = "prediction" if mechanism.into_dendrite else ""
    return found if receptor or row.error == error else [*found, f"error = {row.error!r} (not {error!r})"]
