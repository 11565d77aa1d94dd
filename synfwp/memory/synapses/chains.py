"""Synapses of several variables with their own time constants: a chain of beakers, and heads that fade."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from synfwp import checks, owned
from synfwp.kernels import synapses as kernel
from synfwp.memory.synapses.base import FLOAT_BITS, Synapse
from synfwp.memory.synapses.plain import MOST_BITS, drawn
from synfwp.memory.synapses.running import Form

Array = np.ndarray


@dataclass(frozen=True)
class BennaFusi(Synapse):
    """A chain of variables, as beakers with tubes between them: dW enters the first, which is what is read.

    At every token that writes, with g = ``coupling`` and n = ``ratio``, all from the values before it,
    ``u_1 += dW - g (u_1 - u_2)`` and ``u_i += g n^(3-2i) (u_(i-1) - u_i) - g n^(2-2i) (u_i - u_(i+1))``, with
    ``u_(m+1) = 0``: each beaker n times as large as the one before, each tube n times as narrow, and a leak behind the
    last. A token is the unit of time.

    Parameters
    ----------
    variables : int
        m.
    coupling : float
        g per token, above 0 and below 1/2 for a chain that does not oscillate.
    ratio : float
        n, above 1.
    variable_bits : int or None
        Of each variable, which then takes one of the ``2^bits`` levels from -span to span after each token, by chance
        and on average what the equation gives (stochastic rounding). None: real numbers.
    span : float
        In the units of W, where there are bits.

    Raises
    ------
    TypeError, ValueError
        If a field is not as above.

    References
    ----------
    Benna & Fusi 2016 (benna2016; with g = 1/8, n = 2: rates ``2^(-2i)`` and ``2^(-2i-1)``).

    Examples
    --------
    >>> synapse = BennaFusi(2)
    >>> state = synapse.update(synapse.initial((1, 1), None), np.ones((1, 1)), None)
    >>> synapse.update(state, np.zeros((1, 1)), None).ravel().tolist()
    [0.875, 0.0625]
    """

    variables: int = 10
    coupling: float = 0.125
    ratio: float = 2.0
    variable_bits: int | None = None
    span: float = 12.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "variables", checks.count("variables", self.variables, 1, 64))
        coupling = checks.number("coupling", self.coupling, 0, 0.5, above=True)
        object.__setattr__(self, "coupling", coupling)
        object.__setattr__(self, "ratio", checks.number("ratio", self.ratio, 1, above=True))
        object.__setattr__(self, "span", checks.number("span", self.span, 0, above=True))
        if self.variable_bits is not None:
            object.__setattr__(self, "variable_bits", checks.count("variable_bits", self.variable_bits, 1, MOST_BITS))

    @property
    def bits(self) -> float:
        """Of all variables."""
        return self.variables * (FLOAT_BITS if self.variable_bits is None else float(self.variable_bits))

    @property
    def states(self) -> float:
        """Product of the levels of all variables; infinite of real numbers."""
        return math.inf if self.variable_bits is None else 2.0**self.bits

    @property
    def rates(self) -> Array:
        """(2, variables): towards the next variable and from the one before, whose first one takes dW as it is."""
        i = np.arange(1, self.variables + 1)
        down, up = self.coupling * self.ratio ** (2.0 - 2 * i), self.coupling * self.ratio ** (3.0 - 2 * i)
        up[0] = 1.0
        return np.stack([down, up])

    @property
    def step(self) -> float:
        """From one level to the next; 0 of real numbers."""
        return 0.0 if self.variable_bits is None else 2 * self.span / (2**self.variable_bits - 1)

    def initial(self, shape: tuple[int, int], rng: np.random.Generator) -> Array:
        """(variables, d_v, d_k) zeros, or levels beside them."""
        zeros = np.zeros((self.variables, *shape))
        return zeros if self.variable_bits is None else self._rounded(zeros, rng)

    def update(self, state: Array, dW: Array, rng: np.random.Generator) -> Array:
        """One token."""
        down, up = self.rates[:, :, None, None]
        beyond = np.concatenate([state[1:], np.zeros_like(state[:1])])
        flow = state - beyond
        after: Array = state + up * np.concatenate([dW[None], flow[:-1]]) - down * flow
        return after if self.variable_bits is None else self._rounded(after, rng)

    def read(self, state: Array) -> Array:
        """The first variable."""
        return state[0]

    def kernel_form(self, state: Any) -> Form:
        """Real numbers or levels."""
        kind = kernel.BENNA_FUSI if self.variable_bits is None else kernel.BENNA_FUSI_BITS
        grid = np.resize([self.span, self.step], self.variables + 1)
        rates = np.concatenate([np.pad(self.rates, ((0, 0), (0, 1))), grid[None]])
        return Form(kind, rates, state, draws=self.variable_bits is not None)

    def _rounded(self, u: Array, rng: np.random.Generator) -> Array:
        """Levels by chance, drawn row by row of W."""
        rows = np.swapaxes(u, 0, 1)
        return np.swapaxes(drawn(rows, self.span, self.step, rng.random(rows.shape)), 0, 1)


@dataclass(frozen=True)
class MultiDecay(Synapse):
    """Several numbers that take every dW and fade each at its own rate, as the heads of RetNet; their mean is read.

    At every token that writes, ``u_h = decay_h u_h + dW``. What the rule asks for is computed from what is read.

    Parameters
    ----------
    decays : int or (heads,) array
        Multipliers per token, in [0, 1]; of an int, those of as many heads of RetNet, ``1 - 2^(-5-h)`` from h = 0 on.
    combine : "mean" or "sum"

    Raises
    ------
    TypeError, ValueError
        If a field is not as above.

    References
    ----------
    Sun et al. 2023 (sun2023retnet, equation 8).

    Examples
    --------
    >>> MultiDecay(3).decays
    (0.96875, 0.984375, 0.9921875)
    """

    decays: Any = 8
    combine: str = "mean"

    def __post_init__(self) -> None:
        if isinstance(self.decays, int | np.integer) and not isinstance(self.decays, bool):
            heads = checks.count("decays", self.decays, 1, 1000)
            given = 1 - 2.0 ** (-5.0 - np.arange(heads))
        else:
            given = checks.array("decays", owned.numbers(self.decays), 0, 1, ndim=1)
        if not len(given):
            raise ValueError("decays holds no number; pass at least one.")
        object.__setattr__(self, "decays", tuple(float(x) for x in given))
        checks.one_of("combine", self.combine, ("mean", "sum"))

    @property
    def variables(self) -> int:
        """One for each decay."""
        return len(self.decays)

    @property
    def bits(self) -> float:
        """Of real numbers."""
        return FLOAT_BITS * self.variables

    def initial(self, shape: tuple[int, int], rng: np.random.Generator) -> Array:
        """(heads, d_v, d_k) zeros."""
        return np.zeros((self.variables, *shape))

    def update(self, state: Array, dW: Array, rng: np.random.Generator) -> Array:
        """Each fades and takes dW."""
        return np.array(self.decays)[:, None, None] * state + dW

    def read(self, state: Array) -> Array:
        """The mean or the sum."""
        return state.mean(axis=0) if self.combine == "mean" else state.sum(axis=0)

    def kernel_form(self, state: Any) -> Form:
        """Real numbers."""
        factor = 1 / self.variables if self.combine == "mean" else 1.0
        factors = np.full(self.variables, factor)
        return Form(kernel.MULTI_DECAY, np.stack([np.array(self.decays), factors, factors]), state)
