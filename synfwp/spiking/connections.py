"""Which synapses a projection has: checked weights, random pairs, and the delays to and from each synapse."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from synfwp import checks, units

Array = np.ndarray


def checked_weights(weight: Any, shape: tuple[int, int], label: str, unit: str) -> Array | scipy.sparse.csr_array:
    """A full array, or a CSR array with sorted rows, of finite numbers in a unit; no pair of neurons stands twice."""
    if scipy.sparse.issparse(weight):
        found = _stored(weight, shape, label)
        stored = found.data
    else:
        weight = units.to_float(weight, unit, label, ("pre", "post"))
        if np.ndim(weight) not in (0, 2):
            raise ValueError(f"{label} has shape {np.shape(weight)}; pass a number, {shape}, or a sparse array.")
        found = stored = np.full(shape, float(weight)) if np.ndim(weight) == 0 else np.array(weight, float)
    if found.shape != shape:
        raise ValueError(f"{label} has shape {found.shape}; pass (n_pre, n_post) = {shape}.")
    if not np.isfinite(stored).all():
        raise ValueError(f"{label} is not all finite.")
    return found


def _stored(given: Any, shape: tuple[int, int], label: str) -> scipy.sparse.csr_array:
    """The stored entries of a sparse array of any format, row by row: each pair once, and no doubtful zero."""
    if given.shape != shape:
        raise ValueError(f"{label} has shape {given.shape}; pass (n_pre, n_post) = {shape}.")
    entries = given.tocoo()
    units.to_float(entries.data, "1", label)  # refuses what is no real number
    if given.format in ("bsr", "dia") and (entries.nnz != given.nnz or (entries.data == 0).any()):
        raise ValueError(
            f"{label} is in the format {given.format!r} and stores zeros, which may be synapses or padding; pass "
            "weight.tocsr(), and call its eliminate_zeros() if they are no synapses."
        )
    where = np.asarray(entries.row, np.int64), np.asarray(entries.col, np.int64)
    fresh = scipy.sparse.coo_array((np.array(entries.data, float), where), shape=shape)  # trusts no cached flag
    found = scipy.sparse.csr_array(fresh)  # sorts, and adds up what stands twice
    found.sum_duplicates()
    if found.nnz < fresh.nnz:
        flat = np.sort(where[0] * shape[1] + where[1])
        pre, post = divmod(int(flat[1:][flat[1:] == flat[:-1]][0]), shape[1])
        raise ValueError(
            f"{label} stores {fresh.nnz - found.nnz} entries for pairs (pre, post) that it has already, the first for "
            f"({pre}, {post}); add them up with weight.sum_duplicates(), or pass two projections for two synapses."
        )
    return found


def checked_delays(given: Any, weight: Array | scipy.sparse.csr_array, label: str) -> float | Array | Any:
    """Delays (ms) of at least 0: one number, or those of all synapses in the layout of the weight."""
    if scipy.sparse.issparse(given):
        if isinstance(weight, np.ndarray):
            raise ValueError(f"{label} is sparse but the weight is full; pass a number or a full array.")
        found = _stored(given, weight.shape, label)
        missing = _first_apart(weight, found)
        if missing is not None:
            raise ValueError(
                f"{label} has {found.nnz} entries, the weight has {weight.nnz}; they first differ at (pre, post) = "
                f"{missing}. Pass the stored entries of the weight, those of 0 too: copy a CSR weight and set its data."
            )
        stored = found.data
    else:
        plain = np.array(units.to_float(given, "ms", label, ("pre", "post")), float)
        if plain.ndim == 0:
            return checks.number(label.replace(" of ", " (ms) of ", 1), float(plain), 0)
        if plain.shape != weight.shape:
            raise ValueError(
                f"{label} has shape {plain.shape}; pass a number, (n_pre, n_post) = {weight.shape}, or a sparse array."
            )
        found = stored = plain
        if not isinstance(weight, np.ndarray):
            stored = plain[_rows(weight), weight.indices]
            found = scipy.sparse.csr_array((stored, weight.indices.copy(), weight.indptr.copy()), shape=weight.shape)
    bad = stored[~(np.isfinite(stored) & (stored >= 0))]
    if bad.size:
        raise ValueError(f"{label} (ms) holds {bad.flat[0]:g}; pass finite numbers of at least 0.")
    return found


def _first_apart(a: scipy.sparse.csr_array, b: scipy.sparse.csr_array) -> tuple[int, int] | None:
    """The first pair of neurons that one of two arrays stores and the other does not."""
    first, second = (_rows(one) * one.shape[1] + one.indices for one in (a, b))
    apart = np.setxor1d(first, second, assume_unique=True)
    return divmod(int(apart[0]), a.shape[1]) if apart.size else None


def _rows(a: scipy.sparse.csr_array) -> Array:
    """Row of each stored entry."""
    return np.repeat(np.arange(a.shape[0]), np.diff(a.indptr))


def by_synapse(delay: Any) -> Any:
    """A delay for all synapses as it is, one for each row by row."""
    return delay.data if scipy.sparse.issparse(delay) else np.ravel(delay) if np.ndim(delay) else delay


class Fibres(NamedTuple):
    """What leads to the synapses of a neuron (axons) or from them (dendrites), one for each delay that it has."""

    delays: Array  # (D,) the delays there are, steps
    neuron: Array  # (n,) whose it is
    delay: Array  # (n,) steps
    of_synapse: Array | None  # row by row; None: neuron by neuron, with one delay for all
    at: Array  # (D, n_neurons) fibre of a neuron with a delay, -1 for none

    @property
    def n(self) -> int:
        """Number of fibres."""
        return len(self.neuron)


def fibres(steps: Array, neuron: Any, n_neurons: int) -> Fibres:
    """Fibres to synapses with these delays (one for all, or one each), which belong to these neurons."""
    delays, which = np.unique(steps, return_inverse=True)
    if len(delays) < 2:
        one = int(delays[0]) if len(delays) else 0
        each = np.arange(n_neurons)
        return Fibres(np.array([one]), each, np.full(n_neurons, one), None, each[None])
    found, of_synapse = np.unique(neuron * len(delays) + which.ravel(), return_inverse=True)
    whose, rank = np.divmod(found, len(delays))
    at = np.full((len(delays), n_neurons), -1)
    at[rank, whose] = np.arange(len(found))
    return Fibres(delays, whose, delays[rank], of_synapse.ravel(), at)


class Layout(NamedTuple):
    """How the kernel holds the synapses of a projection."""

    axons: Fibres
    dendrites: Fibres
    order: Array | None  # of the synapses, by axon; None: row by row

    def stored(self, values: Array) -> Array:
        """Values row by row as the kernel holds them."""
        return values if self.order is None else values[self.order]

    def by_row(self, stored: Array) -> Array:
        """Values as the kernel holds them, row by row: a copy."""
        found = stored.copy()
        if self.order is not None:
            found[self.order] = stored
        return found

    @property
    def listed(self) -> bool:
        """Whether synapses are listed although every pair has one."""
        return self.axons.of_synapse is not None or self.dendrites.of_synapse is not None


def layout(axonal: Array, dendritic: Array, rows: Any, columns: Any, shape: tuple[int, int]) -> Layout:
    """The layout of synapses with these delays (steps), from neurons ``rows`` to neurons ``columns``, or None."""
    axons, dendrites = fibres(axonal, rows, shape[0]), fibres(dendritic, columns, shape[1])
    order = None if axons.of_synapse is None else np.argsort(axons.of_synapse, kind="stable")
    return Layout(axons, dendrites, order)
