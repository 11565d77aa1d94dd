"""Synapses of a projection as a sparse array that nothing changes."""

from typing import Any

import scipy.sparse

from synfwp import owned

_NOTES = ("has_sorted_indices", "has_canonical_format")  # what SciPy finds out and notes in the array


class Synapses(scipy.sparse.csr_array):
    """A sparse array in rows, of which neither entries nor structure can be set; ``copy()`` gives one that can be.

    Examples
    --------
    >>> held = Synapses.of(scipy.sparse.csr_array([[1.0, 0.0], [0.0, 2.0]]))
    >>> held.resize(1, 1)
    Traceback (most recent call last):
    ...
    ValueError: these synapses belong to a projection, so ... is not set; change a copy: weight.copy().
    >>> changed = held.copy()
    >>> changed.resize(1, 1)
    >>> held.nnz, changed.nnz
    (2, 1)
    """

    _closed = False

    @classmethod
    def of(cls, found: scipy.sparse.csr_array) -> "Synapses":
        """A copy of a sparse array, closed."""
        made = cls(found, copy=True)
        made.__setstate__(made.__dict__ | {"_closed": True})
        return made

    def copy(self) -> scipy.sparse.csr_array:
        """A plain sparse array that can be changed."""
        return scipy.sparse.csr_array((self.data, self.indices, self.indptr), shape=self.shape, copy=True)

    def __setattr__(self, name: str, value: Any) -> None:
        """Only what SciPy notes is set."""
        if self._closed and name.removeprefix("_") not in _NOTES:
            raise ValueError(
                f"these synapses belong to a projection, so {name.removeprefix('_')} is not set; change a copy: "
                "weight.copy()."
            )
        super().__setattr__(name, value)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Closed again after it was pickled or copied."""
        self.__dict__.update(state)
        for part in (self.data, self.indices, self.indptr):
            owned.freeze(part)
