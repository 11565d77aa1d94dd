"""Arrays with one owner: what an object keeps is a copy that nothing changes, what it gives away is its own no more.

Examples
--------
>>> import numpy as np
>>> mine = np.zeros(2)
>>> kept = keep(mine)
>>> mine[0] = 1.0
>>> kept.tolist(), kept.flags.writeable
([0.0, 0.0], False)
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from synfwp import checks, shown

Array = np.ndarray


def keep(x: Any) -> Any:
    """A read-only copy of an array (one that is kept already is kept), also in mappings and tuples; else as it is.

    Parameters
    ----------
    x : array, or mapping or tuple of arrays

    Returns
    -------
    The same kind

    Examples
    --------
    >>> keep({"W": np.ones(1)})["W"].flags.writeable
    False
    """
    if isinstance(x, Array):
        ours = x.flags.owndata and x.flags.c_contiguous and not x.flags.writeable
        return x if ours else freeze(np.array(x, order="C", subok=True))
    if isinstance(x, Mapping):
        return {name: keep(value) for name, value in x.items()}
    if type(x) is tuple:
        return tuple(map(keep, x))
    return x


def freeze(x: Array) -> Array:
    """The array itself, from now on read-only.

    Examples
    --------
    >>> freeze(np.ones(1)).flags.writeable
    False
    """
    x.flags.writeable = False
    return x


def own(x: Any) -> Any:
    """A copy of an array; anything else as it is, such as a tensor, since autograd follows it.

    Examples
    --------
    >>> a = np.zeros(2)
    >>> np.shares_memory(own(a), a)
    False
    """
    return np.array(x, order="C") if isinstance(x, Array) else x


def count(owner: Any, name: str, low: int = 1) -> int:
    """A field of a frozen dataclass as a Python int of at least ``low``, which no sum overflows, or an error by name.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> count(SimpleNamespace(keys=np.uint8(200)), "keys") + 100
    300
    """
    found = checks.count(name, getattr(owner, name), low)
    object.__setattr__(owner, name, found)
    return found


def numbers(x: Any) -> Any:
    """A list or range of numbers (or of rows of them) as an array, to be kept; anything else as it is.

    Examples
    --------
    >>> numbers([1, 2]).tolist(), numbers("v")
    ([1, 2], 'v')
    """
    if not isinstance(x, list | range):
        return x
    try:
        found = np.asarray(x)
    except ValueError:  # ragged: who takes it refuses it by name
        return x
    return found if found.dtype.kind in "fiub" else x


def apart(x: Any, *others: Any) -> Any:
    """``x``, or a copy of it if it shares memory with an array among ``others``, which may be nested in tuples.

    Examples
    --------
    >>> a = np.zeros(3)
    >>> np.shares_memory(apart(a[1:], a), a), apart(a, np.ones(3)) is a
    (False, True)
    """
    if not isinstance(x, Array):
        return x
    return x.copy() if any(np.may_share_memory(x, other) for other in _arrays(others)) else x


def _arrays(x: Any) -> list[Array]:
    """All arrays in tuples."""
    if isinstance(x, Array):
        return [x]
    return [array for one in x for array in _arrays(one)] if isinstance(x, tuple) else []


class Owner(shown.OneLine):
    """An object whose arrays are read-only, also after it was pickled or copied, and that shows their shapes alone."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        """The state with arrays that are read-only again."""
        for value in state.values():
            _freeze_all(value)
        self.__dict__.update(state)


def _freeze_all(x: Any) -> None:
    """Freeze the arrays in mappings and tuples."""
    if isinstance(x, Array):
        freeze(x)
    elif isinstance(x, Mapping | tuple):
        for one in x.values() if isinstance(x, Mapping) else x:
            _freeze_all(one)
