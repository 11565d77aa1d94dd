"""What a programmer sends to a substrate of fast weights, and what a substrate gives back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from synfwp import checks, owned, seeds, shown

if TYPE_CHECKING:
    import xarray as xr

Array = Any  # of NumPy, or a box of autograd around one
_LEADING = ("trial", "head")
_CORE = {"q": ("time", "key"), "k": ("time", "key"), "v": ("time", "value"), "beta": ("time",)}
_CORE |= {"momentum": ("time",), "ridge": ("key",), "scored": ("time",)}
_NAMES = ("q", "k", "v", "beta", "decay", "momentum", "ridge", "scored")


@dataclass(frozen=True)
class Instructions(owned.Owner):
    """A sequence of writes and reads: at each step store ``k -> v`` with strength beta, then read with q.

    Parameters
    ----------
    q, k : (..., T, d_k) array
        Queries and keys. A token that only reads has k and v of zeros and beta 0.
    v : (..., T, d_v) array
        Values. Rules of n writes per token have k and v of shape (..., T, n, .), and beta (..., T, n).
    beta : None, (..., T) or (..., T, d_v) array
        Write strength; None means 1. With as many axes as v it is one number per value channel (`synfwp.scan` alone).
    decay : None, (..., T) or (..., T, d_k) array
        Multiplier of the fast weights, for rules that use one.
    momentum : None or (..., T) array
        For MOMENTUM_DELTA, which `synfwp.scan` runs.
    ridge : None or array that broadcasts to (..., d_k)
        For MESA, which `synfwp.scan` runs.
    scored : None or boolean array that broadcasts to (..., T)
        The tokens whose reads count, such as a batch's mask: a spiking network reads out these. None, or none marked:
        every token with a query.

    Raises
    ------
    TypeError, ValueError
        If a field is not as above or not finite, or is a labelled or a masked array, which would lose its labels or
        mask.

    References
    ----------
    Irie & Gershman 2025, arXiv 2508.08435, section 2.2 (the outputs of the slow network).

    Examples
    --------
    >>> import numpy as np
    >>> sent = Instructions(q=np.ones((5, 2)), k=np.ones((5, 2)), v=np.ones((5, 3)))
    >>> dict(sent.to_dataset().sizes)
    {'time': 5, 'key': 2, 'value': 3}
    """

    q: Array
    k: Array
    v: Array
    beta: Array | None = None
    decay: Array | None = None
    momentum: Array | None = None
    ridge: Array | None = None
    scored: Array | None = None

    def __post_init__(self) -> None:
        """Arrays are plain numbers and copies that nothing changes; boxes of autograd stay as they are."""
        for name in _NAMES:
            value = getattr(self, name)
            if value is not None and not type(value).__module__.startswith("autograd"):
                value = owned.keep(checks.plain(name, value))
                object.__setattr__(self, name, value)
                if value.dtype.kind == "f" and not np.isfinite(value).all():
                    where = tuple(int(i) for i in np.argwhere(~np.isfinite(value))[0])
                    raise ValueError(f"{name} holds {value[where]} at index {where}; pass finite numbers.")
            if name in ("q", "k", "v") and np.ndim(value) < 2:
                raise ValueError(f"{name} has shape {np.shape(value)}; pass (..., time, feature).")
        self._check_shapes()
        if self.scored is None:
            return
        scored, shape = checks.plain("scored", self.scored), np.shape(self.q)[:-1]
        if scored.dtype != bool:
            raise TypeError(f"scored has dtype {scored.dtype}; pass booleans (..., T), such as a batch's mask.")
        if not _broadcasts(scored.shape, shape):
            raise ValueError(f"scored has shape {scored.shape}; it must broadcast to {shape}, the tokens of q.")
        object.__setattr__(self, "scored", owned.keep(scored))

    def _check_shapes(self) -> None:
        """Queries, keys and values of the same steps, and gates that broadcast to them."""
        q, k, v = np.shape(self.q), np.shape(self.k), np.shape(self.v)
        if len(k) not in (len(q), len(q) + 1) or k[-1] != q[-1] or q[-2] not in k[-3:-1]:
            raise ValueError(f"k has shape {k} but q {q}; pass (..., T, d_k) as q, or (..., T, n, d_k) of n writes.")
        if v[:-1] != k[:-1]:
            raise ValueError(f"v has shape {v} but k {k}; pass (..., T, d_v) with the leading axes and steps of k.")
        if 0 in (q[-1], v[-1]):
            raise ValueError(f"q has shape {q} and v {v}; pass at least one feature of each.")
        fits: dict[str, tuple[tuple[int, ...], ...]] = {
            "beta": (k[:-1], v), "decay": (q[:-1], k[:-1], q, k, (*q[:-1], v[-1])),
            "momentum": (q[:-1],), "ridge": ((*q[:-2], q[-1]),),
        }  # fmt: skip
        for name, shapes in fits.items():
            value = getattr(self, name)
            if value is not None and not any(_broadcasts(np.shape(value), shape) for shape in shapes):
                wanted = " or ".join(map(str, shapes))
                raise ValueError(f"{name} has shape {np.shape(value)}; it must broadcast to {wanted}, of q, k and v.")

    @property
    def writes(self) -> np.ndarray:
        """(..., T) booleans, or (..., T, n) of n writes: what writes (beta and key are not zero)."""
        nonzero = (np.asarray(self.k) != 0).any(axis=-1)
        if self.beta is None:
            return nonzero
        positive = np.asarray(self.beta) > 0
        return nonzero & np.broadcast_to(positive.any(axis=-1) if self._by_channel else positive, nonzero.shape)

    @property
    def _by_channel(self) -> bool:
        """Whether beta is one number per value channel."""
        return self.beta is not None and np.ndim(self.beta) == np.ndim(self.v)

    @property
    def _several(self) -> bool:
        """Whether a token writes several times."""
        return np.ndim(self.k) > np.ndim(self.q)

    def _full(self, name: str) -> Array | None:
        """The ridge or the marks with all leading axes; other fields as they are."""
        value, (*lead, T, d_k) = getattr(self, name), np.shape(self.q)
        shape = {"ridge": (*lead, d_k), "scored": (*lead, T)}.get(name)
        if value is None:
            return None
        if shape is not None:
            return np.broadcast_to(np.asarray(value), shape)
        full: dict[str, tuple[tuple[int, ...], ...]] = {
            "beta": (np.shape(self.k)[:-1], np.shape(self.v)),
            "decay": ((*lead, T), (*lead, T, d_k), (*lead, T, np.shape(self.v)[-1])),
        }
        full["momentum"] = ((*lead, T),)
        if name in full and np.shape(value) not in full[name]:
            raise ValueError(
                f"{name} has shape {np.shape(value)}; here it needs all its axes, {full[name][0]} (np.broadcast_to)."
            )
        return value

    def one_axis(self) -> "Instructions":
        """The same with one leading axis, such as `synfwp.simulate` takes, in the place of trials and heads.

        Returns
        -------
        Instructions

        Examples
        --------
        >>> import numpy as np
        >>> Instructions(q=np.ones((2, 3, 5, 4)), k=np.ones((2, 3, 5, 4)), v=np.ones((2, 3, 5, 1))).one_axis().v.shape
        (6, 5, 1)
        """
        n = np.ndim(self.q) - 2
        given = {name: self._full(name) for name in _NAMES}
        size = math.prod(np.shape(self.q)[:n])
        flat = {name: None if x is None else np.reshape(x, (size, *np.shape(x)[n:])) for name, x in given.items()}
        return Instructions(**flat)

    def marked(self, scored: Array) -> "Instructions":
        """The same with these tokens marked as scored, in every head.

        Parameters
        ----------
        scored : (..., T) boolean array
            With the leading axes of q, or all but that of heads.

        Returns
        -------
        Instructions

        Examples
        --------
        >>> import numpy as np
        >>> sent = Instructions(q=np.ones((2, 3, 5, 4)), k=np.ones((2, 3, 5, 4)), v=np.ones((2, 3, 5, 1)))
        >>> sent.marked(np.ones((2, 5), bool)).one_axis().scored.shape
        (6, 5)
        """
        scored = np.asarray(scored)
        if scored.ndim > 1:
            heads = (1,) * (np.ndim(self.q) - 1 - scored.ndim)
            scored = scored.reshape(*scored.shape[:-1], *heads, scored.shape[-1])
        return replace(self, scored=scored)

    def shuffled(self, seed: seeds.Seed) -> "Instructions":
        """The same writes, each with the value of another one: the baseline that has learned nothing.

        The writes of a sequence are put in a random circle and every value moves on by one, so that no write keeps
        its own.

        Parameters
        ----------
        seed : int, SeedSequence or Generator

        Returns
        -------
        Instructions

        Raises
        ------
        ValueError
            If a token writes several times.

        Examples
        --------
        >>> import numpy as np
        >>> sent = Instructions(q=np.ones((3, 1)), k=np.ones((3, 1)), v=np.arange(3.0)[:, None])
        >>> sorted(sent.shuffled(0).v[:, 0].tolist())
        [0.0, 1.0, 2.0]
        """
        if self._several:
            raise ValueError("k holds several writes per token; shuffled moves the value of one.")
        rng = seeds.generator(seed, "shuffle")
        v = np.array(self.v)
        n = math.prod(v.shape[:-2])
        flat, writes = v.reshape(n, *v.shape[-2:]), self.writes.reshape(n, v.shape[-2])
        for values, wrote in zip(flat, writes, strict=True):
            circle = rng.permutation(np.flatnonzero(wrote))
            values[circle] = values[np.roll(circle, 1)]
        return replace(self, v=flat.reshape(v.shape))

    def to_dataset(self) -> "xr.Dataset":
        """The instructions as a labelled Dataset with dims (trial, head,) time, (write,) key, value.

        Returns
        -------
        xarray.Dataset

        Raises
        ------
        ValueError
            If there are more than two leading axes.
        """
        import xarray as xr

        lead = np.ndim(self.q) - 2
        if np.shape(self.k)[:lead] != np.shape(self.q)[:lead]:
            raise ValueError(
                f"k has shape {np.shape(self.k)} but q {np.shape(self.q)}; give both the same leading axes."
            )
        if lead > len(_LEADING):
            raise ValueError(f"k has {lead} leading axes; a Dataset of instructions names at most trial and head.")
        names = _LEADING[:lead]
        long_names = {"q": "query", "k": "key", "v": "value", "beta": "write strength", "decay": "decay"}
        long_names |= {"momentum": "momentum", "ridge": "ridge"}
        variables: dict[str, Any] = {}
        for name, long_name in long_names.items():
            value = self._full(name)
            if value is not None:
                core = _CORE.get(name) or (("time",) if np.ndim(value) == lead + 1 else ("time", "key"))
                core = ("time", "value") if name == "beta" and self._by_channel else core
                if name == "decay" and len(core) == 2 and np.shape(value)[-1] != np.shape(self.k)[-1]:
                    core = ("time", "value")  # of a rule that predicts the key
                core = ("time", "write", *core[1:]) if self._several and name in ("k", "v", "beta") else core
                variables[name] = ((*names, *core), np.array(value), {"long_name": long_name, "units": "1"})
        if self.scored is not None:
            variables["scored"] = ((*names, "time"), np.array(self._full("scored")), {"long_name": "scored token"})
        return xr.Dataset(variables)

    @classmethod
    def from_dataset(cls, ds: "xr.Dataset") -> "Instructions":
        """Instructions from a Dataset with variables q, k, v and, where used, the gates, in any order of dims.

        Parameters
        ----------
        ds : xarray.Dataset

        Returns
        -------
        Instructions

        Raises
        ------
        ValueError
            If q, k or v is missing, or a dim is not one of trial, head, time, key, value.

        Examples
        --------
        >>> import numpy as np
        >>> sent = Instructions(q=np.ones((5, 2)), k=np.ones((5, 2)), v=np.ones((5, 3)))
        >>> Instructions.from_dataset(sent.to_dataset().transpose("value", "key", "time")).v.shape
        (5, 3)
        """
        missing = [name for name in ("q", "k", "v") if name not in ds]
        if missing:
            raise ValueError(f"the Dataset has no {', '.join(missing)}; it needs variables q, k and v.")
        found = {}
        for name in _NAMES:
            if name in ds:
                known = [d for d in (*_LEADING, "time", "write", "value", "key") if d in ds[name].dims]
                if set(ds[name].dims) != set(known):
                    raise ValueError(f"{name} has dims {ds[name].dims}; use trial, head, time, write, key and value.")
                found[name] = ds[name].transpose(*known).values
        return cls(**found)


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether an array of this shape broadcasts to another."""
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


@dataclass(frozen=True)
class Outcome(shown.OneLine):
    """What a run on a substrate leaves.

    Parameters
    ----------
    W : (n, d_v, d_k) array
    y : (n, T, d_v) array
        Reads.
    fraction_at_bound : (n,) array
        Share of the synapses that stand at a bound.
    extras : mapping
        Names of further variables to ``(dims, array, attributes)``.
    states : None or (n, T // states, d_v, d_k) array
        W after every so many tokens, where they were asked for.
    """

    W: np.ndarray
    y: np.ndarray
    fraction_at_bound: np.ndarray
    extras: Mapping[str, tuple[tuple[str, ...], Any, dict[str, str]]] = field(default_factory=dict)
    states: np.ndarray | None = None


@dataclass(frozen=True)
class Description:
    """What a network will really do.

    Parameters
    ----------
    title : str
    values : mapping of names to float
    lines : sequence of str
        The same in sentences, which ``str`` joins.

    Examples
    --------
    >>> print(Description("delta in a rate network", {"write": 1.0}, ["writes 1"]))
    delta in a rate network
      writes 1
    """

    title: str
    values: Mapping[str, float]
    lines: Sequence[str]

    def __str__(self) -> str:
        return "\n  ".join([self.title, *self.lines])
