"""The ideal synapse, which every other one is a change of: a number that takes every dW and forgets nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from synfwp import seeds, shown
from synfwp.instructions import Outcome
from synfwp.kernels import synapses as kernel
from synfwp.memory.synapses import running
from synfwp.memory.synapses.running import Form, State
from synfwp.rules import Rule

Array = np.ndarray
FLOAT_BITS = 64.0  # of a variable that is a real number: runs keep a float64


@dataclass(frozen=True)
class Synapse(shown.OneLine):
    """What stands between the change dW that a rule asks for and the weight that is read: here nothing.

    A synapse is a substrate: ``synfwp.simulate("delta", instructions, on=Synapse())``. One of your own is a frozen
    dataclass that inherits from this class and says what differs, in NumPy: ``initial``, ``update`` and ``read``, and
    for costs ``variables``, ``bits`` and ``states``. It runs on top of any rule, without registration.

    References
    ----------
    The exact rules, Irie & Gershman 2025, section 2.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import synfwp as fw
    >>> @dataclass(frozen=True)
    ... class Rough(Synapse):
    ...     step: float = 0.5
    ...
    ...     def read(self, state):
    ...         return np.round(state / self.step) * self.step
    >>> one = np.eye(2)
    >>> fw.memory.scan_through(Rough(), "hebb", one, one, 0.6 * one).y.tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """

    @property
    def variables(self) -> int:
        """Variables of one synapse that are kept between tokens."""
        return 1

    @property
    def bits(self) -> float:
        """Bits of one synapse; a variable that is a real number counts as 64, a float64."""
        return FLOAT_BITS * self.variables

    @property
    def states(self) -> float:
        """States of one synapse; infinite of real numbers."""
        return math.inf

    def initial(self, shape: tuple[int, int], rng: np.random.Generator) -> State:
        """The state of so many synapses before anything is written.

        Parameters
        ----------
        shape : (d_v, d_k)
        rng : numpy.random.Generator
            Of the sequence.

        Returns
        -------
        array, or whatever ``update`` and ``read`` take
        """
        return np.zeros(shape)

    def update(self, state: Any, dW: Array, rng: np.random.Generator) -> State:
        """The next state; it need not be a new object.

        Parameters
        ----------
        state : as ``initial`` gives it
        dW : (d_v, d_k) array
            What the rule asks for, from the weights that are read.
        rng : numpy.random.Generator
            Of the sequence.

        Returns
        -------
        State
        """
        return np.asarray(state + dW)

    def read(self, state: Any) -> Array:
        """The weights (d_v, d_k) of a state."""
        return np.asarray(state)

    def kernel_form(self, state: Any) -> Form:
        """A state for the compiled kernel; asked only of the class that defines it."""
        return Form(kernel.BOUNDS, np.array([[-np.inf, np.inf, 0.0]] * 3), state[None])

    def effective(self, rule: Rule, k: Array, beta: Array, decay: Array | None) -> None:
        """Exactly the target rule: what a synapse makes of it is what a run shows."""

    def run(
        self,
        rule: Rule,
        q: Array,
        k: Array,
        v: Array,
        beta: Array,
        decay: Array | None,
        seed: seeds.Seed,
        states: int = 0,
        W0: Array | None = None,
    ) -> Outcome:
        """Run instructions (n, T, .).

        ``states`` keeps W after every so many items; ``W0 (n, d_v, d_k)`` is written into new synapses first.

        Returns
        -------
        Outcome
        """
        given: dict[str, Any] = {"beta": beta if rule.uses_beta else None, "decay": decay, "seed": seed, "W0": W0}
        out = running.scan_through(self, rule, q, k, v, states=states, **given)
        return Outcome(out.W, out.y, self.fraction_at_bound(out.W), states=out.states if states else None)

    def fraction_at_bound(self, W: Array) -> Array:
        """Share (n,) of the weights (n, d_v, d_k) at a bound, where there is one."""
        return np.zeros(len(W))
