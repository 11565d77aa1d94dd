"""The Dataset of a sweep in Zarr: written block by block from the kept cells, whole or not there."""

import itertools
import math
import secrets
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from synfwp.sweeps import encoding
from synfwp.sweeps.encoding import Variable
from synfwp.sweeps.journal import Journal, Kept
from synfwp.sweeps.points import FAILURE, OF_CELL, Cell, Points, coordinates

BLOCK = 2**23  # bytes of a block of cells, which are the chunks of all variables
LOADED = 2**28  # bytes of a result that is read into memory


def check_store(store: Path, journal: Path) -> None:
    """A store is new, or one that a sweep made.

    Raises
    ------
    FileExistsError
    """
    if store.exists() and not journal.exists():
        raise FileExistsError(
            f"{store} exists, without the cells of a sweep ({journal.name}); choose another store, or move it away."
        )


def write(journal: Journal, points: Points, store: Path | None, attrs: Mapping[str, Any]) -> xr.Dataset:
    """All cells as one Dataset; in memory without a store."""
    if store is None:
        import zarr

        memory = zarr.storage.MemoryStore()
        _fill(memory, journal, points, attrs)
        return _open(memory)
    mark = f".{store.name}-"
    for left in store.parent.glob(f"{mark}*"):  # by a process that was killed while it wrote
        shutil.rmtree(left, ignore_errors=True)
    new, old = (store.with_name(f"{mark}{secrets.token_hex(6)}") for _ in range(2))
    try:
        _fill(str(new), journal, points, attrs)
        if store.exists():
            store.rename(old)
        new.rename(store)
    finally:
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)
    return _open(str(store))


def _open(store: Any) -> xr.Dataset:
    """A result, read into memory unless it is large."""
    ds = xr.open_zarr(store, consolidated=False, chunks=None, decode_times=False, decode_timedelta=False)
    ds = ds[sorted(ds.data_vars, key=lambda name: (name == FAILURE, str(name)))]
    if ds.nbytes > LOADED:
        return ds
    ds = ds.load().drop_encoding()
    texts = {name: x for name, x in ds.variables.items() if x.dtype.kind in "TO"}
    plain = {n: (x.dims, np.array(x.values.tolist(), str).reshape(x.shape), x.attrs) for n, x in texts.items()}
    labels = {name: x for name, x in plain.items() if name in ds.coords}
    return ds.assign({name: x for name, x in plain.items() if name not in labels}).assign_coords(labels)


def schema_of(journal: Journal, cells: Sequence[Kept]) -> list[Variable]:
    """The schema of all cells that did not fail.

    Raises
    ------
    ValueError
        If two differ in more than their dtype.
    """
    texts = {at: text for text, at in journal.schemas.items()}
    found: list[Variable] = []
    for at in sorted({cell.schema for cell in cells if cell.schema is not None}):
        one = encoding.read_schema(texts[at])
        found = encoding.merged(found, one) if found else one
    return found


def _fill(store: Any, journal: Journal, points: Points, attrs: Mapping[str, Any]) -> None:
    """Create the arrays, then write blocks of cells; the metadata are gathered, so that opening takes one read."""
    import zarr

    _fill_group(zarr.open_group(store, mode="w", zarr_format=3), journal, points, attrs)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Consolidated metadata")  # is no part of format 3 yet; xarray reads it
        zarr.consolidate_metadata(store)


def _fill_group(root: Any, journal: Journal, points: Points, attrs: Mapping[str, Any]) -> None:
    """Arrays and blocks."""
    used = _survey(journal, points)
    schema = schema_of(journal, used)
    failed = any(cell.schema is None for cell in used)
    step = _step(points.sizes, sum(one.nbytes for one in schema) + 64)
    root.attrs.update(dict(attrs) | {"coordinates": " ".join([OF_CELL] * (points.replicates is not None) + [
        one.name for one in schema if one.kind == "coordinate"])})  # fmt: skip
    arrays = {}
    for one in schema:
        dtype = _holding(np.dtype(one.dtype), failed and one.kind != "index")
        shape = one.shape if one.kind == "index" else (*points.sizes, *one.shape)
        dims = one.dims if one.kind == "index" else (*points.dims, *one.dims)
        chunks = one.shape if one.kind == "index" else (*step, *one.shape)
        arrays[one.name] = _array(root, one.name, dtype, shape, chunks, dims, one.attrs)
    for name, labels in coordinates(points).items():
        _array(root, name, labels.dtype, labels.shape, labels.shape, [name], {})[...] = _text(labels)
    failures = _array(root, FAILURE, np.dtype("U1"), points.sizes, step, points.dims, {"long_name": "error of a cell"})
    seeded = points.replicates is not None
    if seeded:
        text = {"long_name": "seed that the function got", "units": "1"}
        of_cell = _array(root, OF_CELL, np.dtype("i8"), points.sizes, step, points.dims, text)
    for region, cells in _blocks(points, step):
        kept = journal.read([cell.key for cell in cells])
        size = [one.stop - one.start for one in region]
        failures[region] = np.array([_last_line(one.error) for one in kept], str).astype("T").reshape(size)
        if seeded:
            of_cell[region] = np.array([cell.seed for cell in cells]).reshape(size)
        for one, values in zip(schema, _columns(schema, kept, failed, journal), strict=True):
            where = region + tuple(slice(0, n) for n in one.shape)
            if one.kind != "index":
                arrays[one.name][where] = _text(values.reshape(*size, *one.shape))
            elif values is not None:
                arrays[one.name][...] = _text(values)


def _survey(journal: Journal, points: Points) -> list[Kept]:
    """Which schemas the cells of this grid have, without their numbers."""
    schemas = journal.known()
    return [Kept(schema, b"", "") for schema in dict.fromkeys(schemas[cell.key] for cell in points.all())]


def _columns(schema: Sequence[Variable], kept: Sequence[Kept], failed: bool, journal: Journal) -> Iterator[Any]:
    """The values of each variable in a block of cells; for an index those of the first that did not fail."""
    texts = {at: text for text, at in journal.schemas.items()}
    read = {at: encoding.read_schema(texts[at]) for at in {one.schema for one in kept} if at is not None}
    rows = [None if one.schema is None else encoding.decode(read[one.schema], one.data) for one in kept]
    for one in schema:
        if one.kind == "index":
            yield next((row[one.name] for row in rows if row is not None), None)
            continue
        dtype = _holding(np.dtype(one.dtype), failed)
        absent = np.full(one.shape, "" if dtype.kind == "U" else np.nan if dtype.kind == "f" else 0, dtype)
        yield np.array([absent if row is None else row[one.name] for row in rows], dtype)


def _holding(dtype: np.dtype, failed: bool) -> np.dtype:
    """A dtype that can hold NaN where cells failed."""
    return np.dtype(float) if failed and dtype.kind in "iub" else dtype


def _array(root: Any, name: str, dtype: np.dtype, shape: Any, chunks: Any, dims: Any, attrs: Any) -> Any:
    """One array of Zarr; NaN is a number there, not a mask."""
    chunks = tuple(max(n, 1) for n in chunks)
    kind: Any = str if dtype.kind == "U" else dtype
    return root.create_array(name, shape=shape, chunks=chunks, dtype=kind, dimension_names=list(dims), attributes=attrs)


def _text(values: np.ndarray) -> np.ndarray:
    """Text of any length, as Zarr takes it."""
    return values.astype("T") if values.dtype.kind == "U" else values


def _last_line(error: str) -> str:
    lines = error.strip().splitlines()
    return lines[-1] if lines else ""


def _step(sizes: Sequence[int], nbytes: int) -> tuple[int, ...]:
    """How far a block reaches along each dim: whole dims from the last on, a part of one, single entries before it."""
    room, found = max(BLOCK // nbytes, 1), []
    for size in reversed(sizes):
        found.append(min(size, room))
        room = room // size if room >= size else 1
    return tuple(reversed(found))


def _blocks(points: Points, step: Sequence[int]) -> Iterator[tuple[tuple[slice, ...], list[Cell]]]:
    """Regions of the grid, each a run of cells in their order."""
    cells = points.all()
    for at in itertools.product(*(range(0, n, k) for n, k in zip(points.sizes, step, strict=True))):
        region = tuple(slice(i, min(i + k, n)) for i, n, k in zip(at, points.sizes, step, strict=True))
        n = math.prod(one.stop - one.start for one in region)
        yield region, list(itertools.islice(cells, n))
