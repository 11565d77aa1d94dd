"""Projections of a circuit: synapses with delays, their plasticity and their gates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse

from synfwp import checks, derived, owned, seeds, units
from synfwp.plasticity import SpikeResponse, StateRow, SynapticRule, check_row
from synfwp.spiking import rule_checks
from synfwp.spiking.connections import by_synapse, checked_delays, checked_weights
from synfwp.spiking.groups import Group, Population, as_steps, check_name
from synfwp.spiking.neurons import receptors_of
from synfwp.spiking.short_term import ShortTerm
from synfwp.spiking.synapses import Synapses

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Projection(owned.Owner):
    """Synapses from one group to another.

    Parameters
    ----------
    pre : Population, PoissonSource or SpikeSource
    post : Population, or a source
        Synapses onto a source transmit nothing: plasticity follows two recorded spike trains.
    weight : float, (n_pre, n_post) array, or sparse array
        By the receptor in nS or pA. Numbers and arrays make all connections; of a SciPy sparse array the stored entries
        are the synapses, those that store 0 too; a pair that is stored twice is refused.
    receptor : str or None
        Name of the postsynaptic receptor; None if there is one; "none" transmits nothing.
    delay : float, (n_pre, n_post) array, or sparse array
        ms, multiples of dt, from a presynaptic spike to its arrival at the synapse (axonal): one, or one for each
        synapse. Of a full array beside a sparse weight the numbers at the synapses are taken; a sparse array stores
        the same entries as the weight, zeros too.
    plasticity : None, SynapticRule or StateRow
        With amplitudes in the unit of the weight; of a published rule of relative changes take
        ``PairSTDP("bi_poo").row(scale=weight)``, and the ``row(...)`` of rules of calcium, voltage and plateaus.
    short_term : None, ShortTerm or SpikeResponse
    gate : float or Steps
        Multiplies all changes of the weight by spikes and errors: beta(t). Leak, normalisation and latches go on.
    eligibility : float or Steps
        Multiplies the changes that are collected, not applied: see ``latch``.
    latch : sequence of float
        Times (ms) at which, at the start of the step, what was collected is added to the weights (cut at the bounds;
        soft bounds do not scale it), and the collection starts anew. One at the very end of a run happens when the run
        goes on.
    transmission : float or Steps
        Multiplies what is transmitted; 0 cuts it.
    modulator : None, a group, or a sequence of (group, gain)
        Its spikes raise the reward of rules with an eligibility trace, those of several by ``gain`` times as much: of
        rewards and punishments ``[(rewards, 1.0), (punishments, -1.0)]``. None: rewards come from `Simulation.reward`.
        Of rules of plateaus (`BTSP`, `BinaryBTSP`) it is the group whose spikes are plateaus, without delay.
    name : str
        Default ``"pre_to_post"``, by the names of the groups.
    dendritic_delay : float, (n_pre, n_post) array, or sparse array
        ms, multiples of dt, between synapse and soma, in both directions; as ``delay``.

    Raises
    ------
    TypeError, ValueError
        Naming the projection and the argument.

    Notes
    -----
    A presynaptic spike of time t reaches the synapse at ``t + delay``. There u and x of `ShortTerm` are evaluated, it
    transmits with the weight and the ``transmission`` of that moment, changes the weight, and raises the presynaptic
    traces; what it transmits opens the receptor at ``t + delay + dendritic_delay``. A postsynaptic spike of time t
    changes the synapse, and raises its postsynaptic traces, at ``t + dendritic_delay``. So plasticity compares ``t_pre
    + delay`` with ``t_post + dendritic_delay`` (NEST's ``delay`` is dendritic alone; a single ``delay`` here is axonal
    alone). In one step, as in Brian2: first all arrivals, each transmitting before it changes its weight, then
    postsynaptic spikes, which see the traces of these arrivals. ``gate``, ``eligibility`` and ``latch`` hold for what
    happens at the synapse at their time; rewards come without delay. Rules with an ``error`` read the soma now and take
    no dendritic delay. With an array of delays, `Record` and `Simulation.variable` return traces, u and x for each
    synapse, row by row.

    Examples
    --------
    >>> from synfwp.spiking import LIF, PoissonSource
    >>> feed = Projection(PoissonSource(5, 10.0), Population(2, LIF()), weight=0.5)
    >>> feed.name, feed.shape, feed.dense
    ('input_to_cells', (5, 2), True)
    """

    pre: Group
    post: Group
    weight: Any
    receptor: str | None = None
    delay: Any = 0.0
    plasticity: SynapticRule | StateRow | None = None
    short_term: ShortTerm | SpikeResponse | None = None
    gate: Any = 1.0
    eligibility: Any = 0.0
    latch: Any = ()
    transmission: Any = 1.0
    modulator: Any = None
    name: str = ""
    dendritic_delay: Any = 0.0
    modulators: tuple[tuple[Group, float], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Fields of the right kind that fit each other."""
        for side in ("pre", "post"):
            if not isinstance(getattr(self, side), Group):
                raise TypeError(f"{side} is a {type(getattr(self, side)).__name__}; pass a Population or a source.")
        put = object.__setattr__
        if derived.given(self.name) in (None, ""):
            put(self, "name", derived.Text(f"{self.pre.name}_to_{self.post.name}"))
        label = f"projection {self.name!r}"
        check_name(self.name, "name of a projection")
        put(self, "receptor", self._receptor(label))
        put(self, "plasticity", check_row(f"plasticity of {label}", self.plasticity))
        put(self, "weight", _kept(self.checked(self.weight)))
        for name in ("delay", "dendritic_delay"):
            put(self, name, _kept(checked_delays(getattr(self, name), self.weight, f"{name} of {label}")))
        if self.short_term is not None and not isinstance(self.short_term, ShortTerm | SpikeResponse):
            raise TypeError(
                f"short_term of {label} is a {type(self.short_term).__name__}; pass a ShortTerm or a SpikeResponse."
            )
        for name in ("gate", "eligibility", "transmission"):
            put(self, name, as_steps(f"{name} of {label}", getattr(self, name), "1"))
        latch = np.atleast_1d(np.asarray(units.to_float(self.latch, "ms", f"latch of {label}"), float))
        if not (np.isfinite(latch).all() and (np.diff(latch) > 0).all() and (latch >= 0).all()):
            raise ValueError(f"latch of {label} has times that do not increase from 0 ms on.")
        put(self, "latch", owned.keep(latch))
        if isinstance(self.modulator, list | tuple):
            put(self, "modulator", tuple(self.modulator))
        put(self, "modulators", self._modulators(label))
        self._check_rule(label)

    def _modulators(self, label: str) -> tuple[tuple[Group, float], ...]:
        """The groups whose spikes change the reward, each with its gain."""
        if self.modulator is None:
            return ()
        pairs = [(self.modulator, 1.0)] if isinstance(self.modulator, Group) else self.modulator
        if not isinstance(pairs, list | tuple):
            raise TypeError(f"modulator of {label} is a {type(pairs).__name__}; pass a group, or (group, gain) pairs.")
        found = []
        for pair in pairs:
            if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], Group):
                raise TypeError(
                    f"modulator of {label} holds a {type(pair).__name__}; pass pairs of a group and a gain."
                )
            gain = units.to_float(pair[1], "1", f"gain of modulator of {label}")
            found.append((pair[0], checks.number(f"gain of modulator {pair[0].name!r} of {label}", gain)))
        return tuple(found)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of pre- and postsynaptic neurons."""
        return self.pre.n, self.post.n

    @property
    def dense(self) -> bool:
        """Whether every pair of neurons has a synapse."""
        return isinstance(self.weight, np.ndarray)

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return int(self.weight.size if self.dense else self.weight.nnz)

    @property
    def unit(self) -> str:
        """Unit of the weights: "pA", "nS", or "1" where nothing is transmitted."""
        known = receptors_of(self.post.neuron) if isinstance(self.post, Population) else ()
        one = next((one for one in known if one.name == self.receptor), None)
        return "1" if one is None else "pA" if one.reversal is None else "nS"

    @property
    def collects(self) -> bool:
        """Whether changes go to an eligibility, for a time or always."""
        rule = self.plasticity
        return rule is not None and (rule.tau_e is not None or bool(self.eligibility.values.any()))

    @property
    def columns(self) -> Array:
        """The postsynaptic neuron of each synapse, row by row."""
        return np.tile(np.arange(self.shape[1]), self.shape[0]) if self.dense else self.weight.indices

    @property
    def rows(self) -> Array:
        """The presynaptic neuron of each synapse, row by row."""
        return np.repeat(np.arange(self.shape[0]), self.shape[1] if self.dense else np.diff(self.weight.indptr))

    def checked(self, weight: Any) -> Array | scipy.sparse.csr_array:
        """Weights as this projection could have them, in the unit of its receptor.

        Parameters
        ----------
        weight : float, (n_pre, n_post) array, or sparse array

        Returns
        -------
        (n_pre, n_post) array, or scipy.sparse.csr_array
            Of a sparse array, with sorted rows.

        Raises
        ------
        ValueError
            If the shape does not fit, or a weight is not finite or out of bounds.
        """
        label = f"weight of projection {self.name!r}"
        weight = derived.fitting(weight, self.shape)
        found: Any = checked_weights(weight, (self.pre.n, self.post.n), label, self.unit)
        if np.ndim(weight) == 0 or isinstance(weight, derived.Filled):
            found = found.view(derived.Filled)
        stored = found if isinstance(found, np.ndarray) else found.data
        rule = self.plasticity
        bounds = (rule.w_min, rule.w_max) if isinstance(rule, SynapticRule | StateRow) else (-np.inf, np.inf)
        if self.unit == "nS":
            bounds = max(bounds[0], 0.0), bounds[1]  # a conductance is not negative
        if stored.size and not bounds[0] <= stored.min() <= stored.max() <= bounds[1]:
            hint = (
                "a conductance is not negative: inhibition is a receptor with a reversal potential below rest, e.g. "
                "Receptor('inhibitory', reversal=-80.0) of the neuron and receptor='inhibitory' here, weights above 0"
                if self.unit == "nS" and stored.min() < 0
                else "pass weights between them, or change w_min and w_max of the rule"
            )
            raise ValueError(f"{label} runs from {stored.min():g} to {stored.max():g}, outside {list(bounds)}; {hint}.")
        return found

    @property
    def _receptors(self) -> list[str]:
        """Names of the receptors of the postsynaptic neurons; sources have none."""
        return [one.name for one in receptors_of(self.post.neuron)] if isinstance(self.post, Population) else []

    def _receptor(self, label: str) -> str:
        """The name of the receptor that is meant."""
        names, receptor = self._receptors, derived.given(self.receptor)
        if receptor is not None:
            return checks.one_of(f"receptor of {label}", receptor, [*names, "none"])
        if len(names) > 1:
            raise ValueError(f"{label} has no receptor; pass one of {self.post.name!r}: {', '.join(names)}.")
        return derived.Text(names[0] if names else "none")

    def _check_rule(self, label: str) -> None:
        """What a rule needs of its projection."""
        rule, collects = self.plasticity, bool(self.eligibility.values.any())
        if self.latch.size and not collects:
            raise ValueError(f"latch of {label} applies what eligibility collects; pass an eligibility that is not 0.")
        if rule is None:
            if collects or self.modulators or (self.gate.values != 1).any():
                raise ValueError(f"{label} has a gate, eligibility or modulator but no plasticity that it acts on.")
            return
        if collects and (rule.error or rule.tau_e is not None):
            raise ValueError(
                f"rule {rule.name!r} of {label} changes weights between spikes; eligibility and latch collect changes "
                "at spikes only."
            )
        if isinstance(rule, StateRow):
            return rule_checks.check(self, label)
        if self.unit == "nS" and rule.w_min < 0:
            raise ValueError(
                f"rule {rule.name!r} of {label} lets a conductance become negative; pass w_min=0.0 or more."
            )
        if rule.error == "prediction" and not hasattr(getattr(self.post, "neuron", None), "g_dendrite"):
            raise ValueError(
                f"rule {rule.name!r} of {label} reads a dendrite; give {self.post.name!r} TwoCompartment neurons."
            )
        if rule.error and np.any(by_synapse(self.dendritic_delay) != 0):
            raise ValueError(
                f"rule {rule.name!r} of {label} reads {rule.error!r} of the postsynaptic neuron as it is now; pass "
                "dendritic_delay=0.0, and delay for the whole way."
            )
        names = self._receptors
        if rule.error not in ("", "prediction", *names):
            raise ValueError(
                f"rule {rule.name!r} of {label} reads the receptor {rule.error!r}; its neurons have {names}."
            )
        if rule.tau_e is None and self.modulators:
            raise ValueError(
                f"{label} has a modulator but rule {rule.name!r} no eligibility trace that a reward acts on; pass a "
                "rule with tau_e, such as plasticity.reward, or leave modulator out."
            )


MOST, PAIRS = 10**8, 10**11  # neurons, and pairs of them that are drawn in half an hour


def random_synapses(
    n_pre: int, n_post: int, probability: float, weight: float, seed: seeds.Seed, self_connections: bool = True
) -> scipy.sparse.csr_array:
    """Synapses of one weight between pairs of neurons that are each connected with a probability.

    Parameters
    ----------
    n_pre, n_post : int
    probability, weight : float
    seed : int, SeedSequence or Generator
    self_connections : bool
        False leaves out the pairs (i, i).

    Returns
    -------
    (n_pre, n_post) scipy.sparse.csr_array

    Raises
    ------
    ValueError
        If a count is not above 0, there are more than 1e11 pairs, or the probability not from 0 to 1.

    Examples
    --------
    >>> random_synapses(100, 50, 0.1, 2.0, seed=0).shape
    (100, 50)
    """
    for name, n in (("n_pre", n_pre), ("n_post", n_post)):
        checks.count(name, n, 1, MOST)
    if int(n_pre) * int(n_post) > PAIRS:
        raise ValueError(
            f"n_pre is {n_pre} and n_post {n_post}, more than {PAIRS:.0e} pairs; make the synapses in parts, or "
            "pass a sparse array of your own."
        )
    p, value = (
        checks.number("probability", probability, 0, 1),
        checks.number("weight", units.to_float(weight, "1", "weight")),
    )
    rng = seeds.generator(seed, "synapses")
    rows = [np.flatnonzero(rng.random(n_post) < p) for _ in range(n_pre)]
    if not self_connections:
        rows = [found[found != j] for j, found in enumerate(rows)]
    ends = np.concatenate([[0], np.cumsum([len(found) for found in rows])])
    indices = np.concatenate(rows) if rows else np.zeros(0, int)
    return scipy.sparse.csr_array((np.full(len(indices), value), indices, ends), shape=(n_pre, n_post))


def _kept(x: Any) -> Any:
    """A number, an array that nothing changes, or synapses that nothing changes."""
    return Synapses.of(x) if scipy.sparse.issparse(x) else owned.keep(x)
