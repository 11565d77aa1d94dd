"""A cell on its way and on the disk: what a function returned, as bytes with a schema; nothing is pickled."""

import hashlib
import json
import math
import time
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from synfwp import checks, results
from synfwp.sweeps.points import FAILURE, OF_CELL, Axis, given
from synfwp.workers import Sent

MOST = 2**29  # bytes of a cell
LONG = 20_000  # letters of a traceback


class Made(NamedTuple):
    """What became of a cell: schema and bytes, or the traceback; and its seconds."""

    schema: str
    data: bytes
    error: str
    seconds: float


class Variable(NamedTuple):
    """One variable of a schema; an index (the labels of a dim of the cell) is the same in all cells."""

    name: str
    dims: tuple[str, ...]
    dtype: str
    shape: tuple[int, ...]
    kind: str  # data, coordinate or index
    digest: str
    attrs: dict[str, Any]

    @property
    def nbytes(self) -> int:
        """Bytes of its values."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


class Work(NamedTuple):
    """What runs cells: a function with its fixed settings and the values of the dims, or the same as bytes."""

    function: Any
    fixed: Mapping[str, Any]
    axes: Sequence[Axis]

    def __call__(self, cells: Sequence[tuple[tuple[int, ...], int | None]]) -> list[Made]:
        return [self.one(at, seed) for at, seed in cells]

    def one(self, at: tuple[int, ...], seed: int | None) -> Made:
        """One cell; an error of the function is kept."""
        start = time.perf_counter()
        try:
            found = self.function(**self.fixed, **given(self.axes, at, seed))
            schema, data = encode(found, [axis.name for axis in self.axes])
            return Made(schema, data, "", time.perf_counter() - start)
        except (Exception, SystemExit):
            return Made("", b"", traceback.format_exc()[-LONG:], time.perf_counter() - start)


class RemoteWork(NamedTuple):
    """`Work` in another process."""

    sent: Sent

    def __call__(self, cells: Sequence[tuple[tuple[int, ...], int | None]]) -> list[Made]:
        return self.sent.value()(cells)  # type: ignore[no-any-return]


def encode(found: Any, taken: Sequence[str]) -> tuple[str, bytes]:
    """Schema and bytes of what a function returned; names of the sweep get ``_in_cell`` behind them.

    Raises
    ------
    TypeError, ValueError
        If it is no Dataset, mapping, array or number, or too large.

    Examples
    --------
    >>> schema, data = encode(0.5, ["beta"])
    >>> decode(read_schema(schema), data)["result"].tolist()
    0.5
    """
    ds = _as_dataset(found)
    ds = ds.drop_vars([name for name in ds.coords if name in taken and not ds[name].dims])
    clash = [*ds.dims, *ds.variables]
    ds = ds.rename({name: f"{name}_in_cell" for name in clash if name in {*taken, OF_CELL, FAILURE}})
    rows, parts = [], []
    for name in sorted(ds.variables, key=str):
        x = _values(str(name), ds.variables[name])
        data = x.tobytes()
        kind = "index" if name in ds.dims else "coordinate" if name in ds.coords else "data"
        digest = hashlib.sha256(data).hexdigest()[:16] if kind == "index" else ""
        attrs = {str(k): _plain(v) for k, v in ds.variables[name].attrs.items()}
        rows.append([str(name), list(map(str, ds[name].dims)), x.dtype.str, x.shape, kind, digest, attrs])
        parts.append(data)
    size = sum(map(len, parts))
    if size > MOST:
        raise ValueError(
            f"a cell returns {size / 2**20:.0f} MiB; return what is needed of it (at most {MOST // 2**20} MiB), and "
            "let the function save the rest in a file of its own."
        )
    return json.dumps(rows), b"".join(parts)


def decode(schema: Sequence[Variable], data: bytes) -> dict[str, np.ndarray]:
    """Arrays of a cell by name."""
    found, start = {}, 0
    for one in schema:
        x = np.frombuffer(data, one.dtype, math.prod(one.shape), start) if one.nbytes else np.empty(0, one.dtype)
        found[one.name], start = x.reshape(one.shape), start + one.nbytes
    return found


def read_schema(text: str) -> list[Variable]:
    """A schema from its text."""
    return [
        Variable(name, tuple(dims), dtype, tuple(shape), kind, digest, attrs)
        for name, dims, dtype, shape, kind, digest, attrs in json.loads(text)
    ]


def merged(one: Sequence[Variable], other: Sequence[Variable]) -> list[Variable]:
    """A schema that holds the cells of both.

    Raises
    ------
    ValueError
        If names, dims, sizes or labels differ, with what differs.

    Examples
    --------
    >>> schemas = [read_schema(encode(np.zeros(n), ["beta"])[0]) for n in (2, 3)]
    >>> merged(*schemas)
    Traceback (most recent call last):
    ...
    ValueError: result has shape (2,) in one and (3,) in the other
    """
    names = [{x.name for x in side} for side in (one, other)]
    if names[0] != names[1]:
        raise ValueError(f"{sorted(names[0] ^ names[1])[0]} is in one and not in the other")
    found = []
    for a, b in zip(one, other, strict=True):
        for what, x, y in (("dims", a.dims, b.dims), ("shape", a.shape, b.shape), ("labels", a.digest, b.digest)):
            if x != y:
                detail = " that differ" if what == "labels" else f" {x} in one and {y} in the other"
                raise ValueError(f"{a.name} has {what}{detail}")
        if ("U" in a.dtype) != ("U" in b.dtype):
            raise ValueError(f"{a.name} is text in one and a number in the other")
        found.append(a._replace(dtype=np.result_type(np.dtype(a.dtype), np.dtype(b.dtype)).str))
    return found


def _as_dataset(found: Any) -> xr.Dataset:
    if isinstance(found, xr.Dataset):
        return found
    if isinstance(found, xr.DataArray):
        return found.to_dataset(name=found.name or "result")
    if isinstance(found, Mapping):
        single = {name: x for name, x in found.items() if isinstance(x, bool | int | float | str | np.generic)}
        ds = results.dataset({name: x for name, x in found.items() if name not in single})
        return ds.assign({name: ((), x, {"units": "1", "long_name": name}) for name, x in single.items()})
    if isinstance(found, bool | int | float | str | np.ndarray | np.generic):
        x = np.asarray(found)
        return xr.Dataset({"result": (tuple(f"axis_{i}" for i in range(x.ndim)), x)})
    raise TypeError(
        f"a cell returned {checks.short(found)}; return a Dataset, a mapping as results.dataset takes it, an array or "
        "a number."
    )


def _values(name: str, variable: xr.Variable) -> np.ndarray:
    """Numbers, truth values or text."""
    x = np.ascontiguousarray(variable.values).reshape(variable.shape)
    if (x.dtype.kind == "O" and all(isinstance(item, str) for item in x.flat)) or x.dtype.kind == "T":
        x = x.astype(str)
    if x.dtype.kind not in "fiubU":
        raise TypeError(f"{name} has dtype {x.dtype}; return numbers, truth values or text.")
    return x


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value
