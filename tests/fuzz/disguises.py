"""What a value can look like: wrappers, dtypes, strides, units, masks, labels, and numbers that are no good.

A disguise is a row: the kinds of argument that it fits, and a function of a generator and an argument that gives the
disguised value and what it still means. ``NOTHING``: no call may accept it. ``must``: every call has to accept it,
since it is only another way to hold the same numbers.
"""

import os
import tempfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from fuzz.cases import Arg, Rng, pick
from synfwp import units

NOTHING = object()
SCALES = {"ms": "second", "mV": "volt", "nS": "siemens", "pA": "amp", "pF": "farad", "Hz": "hertz", "s": "second"}
POWERS = {"ms": 3, "mV": 3, "nS": 9, "pA": 12, "pF": 12, "Hz": 0, "s": 0}
HUGE, TINY = 1e300, 5e-324
ODD_TEXTS = ("", " ", "a/b", "a b", "W_end", "ä ö", "x\n", "time", "spike", "0", "a" * 300, "p_end", "\0", "..", "-1")
JUNK = ("abc", b"abc", {}, set(), object(), len, Ellipsis, slice(2), NotImplemented, type)


@dataclass(frozen=True)
class Disguise:
    """A row of the table."""

    name: str
    kinds: tuple[str, ...]
    wear: Callable[[Rng, Arg], tuple[Any, Any]]
    must: bool = False  # whether a refusal is wrong


DISGUISES: dict[str, Disguise] = {}


def disguise(*kinds: str, must: bool = False) -> Callable[[Any], Any]:
    """Put a function into the table, under its name."""

    def put(wear: Any) -> Any:
        name = wear.__name__.strip("_").replace("_", " ")
        DISGUISES[name] = Disguise(name, kinds, wear, must)
        return wear

    return put


def of(kind: str) -> list[Disguise]:
    """All that a kind of argument can look like."""
    return [row for row in DISGUISES.values() if kind in row.kinds]


class Subclass(np.ndarray):
    """An array of somebody else."""


@cache
def brian2_quietly() -> Any:
    """Brian2, imported once and only where it is drawn; it logs errors alone, and into no file."""
    import brian2

    brian2.prefs.logging.file_log = False
    brian2.BrianLogger.log_level_error()
    return brian2


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for arrays on disk, gone with the process."""
    return tempfile.TemporaryDirectory(prefix="fuzz-")


def _changed(rng: Rng, x: Any, value: Any) -> Any:
    """A copy with another number at one place, as float64; a number alone is replaced."""
    x = np.array(x, float)
    if x.size:
        x[tuple(int(rng.integers(n)) for n in x.shape)] = value
    return x if x.ndim else float(x)


# arrays: another way to hold the same numbers -------------------------------------------------------------------------


@disguise("array", "index", "level", must=True)
def _read_only(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    x = np.array(arg.plain)
    x.flags.writeable = False
    return x, arg.plain


@disguise("array", "index", must=True)
def _fortran_order(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.asfortranarray(arg.plain) if np.ndim(arg.plain) else np.array(arg.plain), arg.plain


@disguise("array", "index", must=True)
def _negative_strides(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.flip(np.flip(arg.plain).copy()), arg.plain


@disguise("array", "index", must=True)
def _slice_of_a_larger_array(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.repeat(arg.plain, 2, axis=-1)[..., ::2] if np.ndim(arg.plain) else np.array(arg.plain), arg.plain


@disguise("array", "index")
def _nested_list(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.asarray(arg.plain).tolist(), arg.plain


@disguise("array", "index")
def _nested_tuple(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    def nest(x: Any) -> Any:
        return tuple(map(nest, x)) if isinstance(x, list) else x

    return nest(np.asarray(arg.plain).tolist()), arg.plain


@disguise("array", "index")
def _list_of_arrays(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return (list(np.array(arg.plain)), arg.plain) if np.ndim(arg.plain) else ([arg.plain], np.array([arg.plain]))


@disguise("array", "index", "level")
def _subclass_of_ndarray(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.array(arg.plain).view(Subclass), arg.plain


@disguise("array", "index")
def _np_matrix(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    x = np.array(arg.plain)
    return (x.view(np.matrix) if x.ndim == 2 else x), arg.plain


@disguise("array", "index")
def _memory_map(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    x = np.array(arg.plain)
    path = os.path.join(_folder().name, "map")
    if not x.size:
        return x, arg.plain
    found = np.memmap(path, x.dtype, "w+", shape=x.shape)
    found[...] = x
    os.unlink(path)
    return found, arg.plain


@disguise("array", "index", "level")
def _big_endian(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    x = np.array(arg.plain)
    return x.astype(x.dtype.newbyteorder(">")), arg.plain


@disguise("array", "level", "number")
def _long_double(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.array(arg.plain, np.longdouble)[()], arg.plain


@disguise("array", "index", "level")
def _object_array(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.array(arg.plain, object), arg.plain


@disguise("array", "index", "level")
def _strings_of_numbers(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.array(np.vectorize(repr, otypes=["U32"])(np.asarray(arg.plain, float))), arg.plain


@disguise("array", "level", "number")
def _complex_without_imaginary_part(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.array(arg.plain, complex)[()], arg.plain


@disguise("array", "level", "number")
def _decimals(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    x = np.asarray(arg.plain, float)
    return np.vectorize(Decimal, otypes=[object])(x).tolist() if x.ndim else Decimal(float(x)), arg.plain


@disguise("array", "level", "number")
def _fractions(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    x = np.asarray(arg.plain, float)
    return np.vectorize(Fraction, otypes=[object])(x).tolist() if x.ndim else Fraction(float(x)), arg.plain


# arrays: other numbers, which the dtype makes of them -----------------------------------------------------------------


def _cast(x: Any, dtype: Any) -> tuple[Any, Any]:
    found = np.asarray(x).astype(dtype)
    meant = found.astype(np.asarray(x).dtype)
    return found[()], (meant if meant.ndim else meant.item())


@disguise("array", "level", "number")
def _float16(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return _cast(np.clip(arg.plain, -6e4, 6e4), np.float16)


@disguise("array", "level", "number")
def _float32(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    found, meant = _cast(arg.plain, np.float32)
    if arg.dims == ("spike",) and arg.unit == "ms":  # times of spikes mean their decimals, 5.2 for 5.199999809
        meant = found.astype("U32").astype(float)
    return found, meant


@disguise("array", "index", "level", "number")
def _int8(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return _cast(np.clip(arg.plain, -128, 127), np.int8)


@disguise("array", "level", "number")
def _unsigned(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return _cast(np.abs(np.clip(arg.plain, -100, 100)), np.uint64)


@disguise("array", "level", "number", "count")
def _bool(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return _cast(arg.plain, bool)


# labels, masks, quantities --------------------------------------------------------------------------------------------


@disguise("array", "index", "level")
def _masked_array_without_a_mask(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.ma.array(arg.plain), arg.plain


@disguise("array", "index", "level")
def _masked_entries(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    x = np.ma.array(arg.plain, mask=rng.random(np.shape(arg.plain)) < 0.3)
    return x, (NOTHING if np.ma.getmaskarray(x).any() else arg.plain)


@disguise("number", "count", "level", "seed")
def _masked_number(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.ma.masked if rng.random() < 0.5 else np.ma.array(arg.plain, mask=True), NOTHING


@disguise("array")
def _list_with_a_masked_entry(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    x = np.array(arg.plain, float)
    if x.ndim != 1 or not x.size:
        return x, arg.plain
    return [*x[:-1].tolist(), np.ma.masked], NOTHING


@disguise("array", "index")
def _pandas(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    import pandas as pd

    x = np.array(arg.plain)
    return (pd.Series(x) if x.ndim == 1 else pd.DataFrame(x) if x.ndim == 2 else x), arg.plain


def _labelled(arg: Arg) -> Any:
    import xarray as xr

    x = np.array(arg.plain)
    dims = arg.dims if len(arg.dims) == x.ndim else tuple(f"axis{i}" for i in range(x.ndim))
    return xr.DataArray(x, dims=dims)


@disguise("array", "index", "level", "number")
def _DataArray(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return _labelled(arg), arg.plain


@disguise("array")
def _DataArray_with_its_dims_in_another_order(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    x = _labelled(arg)
    return (x.transpose(*x.dims[::-1]) if len(arg.dims) == x.ndim else x), arg.plain


@disguise("array", "level", "number")
def _DataArray_in_other_units(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    if arg.unit not in POWERS or arg.unit in ("Hz", "s"):
        return _labelled(arg), arg.plain
    return (_labelled(arg) * 10.0 ** -POWERS[arg.unit]).assign_attrs(units=arg.unit[1:]), arg.plain


@disguise("array", "level", "number")
def _quantity(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    if arg.unit not in SCALES:
        return np.array(arg.plain)[()], arg.plain
    unit = getattr(brian2_quietly(), SCALES[arg.unit])
    return np.asarray(arg.plain, float) * 10.0 ** -POWERS[arg.unit] * unit, arg.plain


@disguise("array")
def _list_of_quantities(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    x, meant = _quantity(rng, arg)
    return list(x) if np.ndim(x) == 1 else x, meant


@disguise("array", "index", "level", "number", "count", "seed")
def _quantity_of_another_dimension(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    unit = "amp" if arg.unit in ("1", "ms", "mV", "nS", "s") else "second"
    return np.asarray(arg.plain, float) * getattr(brian2_quietly(), unit), NOTHING


@disguise("array", "level", "number")
def _number_with_its_unit_in_a_text(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return f"{np.ravel(arg.plain)[0] if np.size(arg.plain) else 0} {arg.unit}", NOTHING


# numbers that are no good, or at the edge -----------------------------------------------------------------------------


@disguise("array", "level", "number")
def _NaN(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return (_changed(rng, arg.plain, np.nan),) * 2


@disguise("array", "level", "number")
def _infinity(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return (_changed(rng, arg.plain, pick(rng, (np.inf, -np.inf))),) * 2


@disguise("array", "level", "number")
def _minus_zero(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return (_changed(rng, arg.plain, -0.0),) * 2


@disguise("array", "level", "number")
def _denormal(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return (_changed(rng, arg.plain, TINY),) * 2


@disguise("array", "level", "number")
def _huge(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return (_changed(rng, arg.plain, pick(rng, (HUGE, -HUGE))),) * 2


@disguise("array", "level", "number")
def _negative(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return (_changed(rng, arg.plain, -1.5),) * 2


@disguise("array", "level", "number")
def _integer_beyond_int64(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    if np.ndim(arg.plain) == 0:
        return 2**70, float(2**70)
    x = np.array(arg.plain, object)
    if not x.size:
        return arg.plain, arg.plain
    x[(0,) * x.ndim] = 2**70
    return x.tolist(), x.astype(float)


@disguise("array", "level", "number")
def _complex(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.asarray(arg.plain) + 1j, (NOTHING if np.size(arg.plain) else arg.plain)


@disguise("index")
def _fractional_index(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.asarray(arg.plain) + 0.5, (NOTHING if np.size(arg.plain) else arg.plain)


@disguise("index")
def _index_out_of_range(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    x = np.array(arg.plain)
    if not x.size:
        return x, x
    x.flat[0] = pick(rng, (-1, 10**6, np.iinfo(np.int64).min))
    return x, x


@disguise("index")
def _floats_of_integers(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.asarray(arg.plain, float), arg.plain


# shapes ---------------------------------------------------------------------------------------------------------------


@disguise("array", "index")
def _empty(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    x = np.array(arg.plain)
    return (x[:0],) * 2 if x.ndim else (x[None][:0],) * 2


@disguise("array", "index")
def _one_axis_more(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return (np.array(arg.plain)[None],) * 2


@disguise("array", "index")
def _one_entry_less(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    x = np.array(arg.plain)
    return (np.delete(x, -1, axis=int(rng.integers(x.ndim))),) * 2 if x.size and x.ndim else (x, x)


@disguise("array")
def _transposed(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return (np.swapaxes(arg.plain, -1, -2).copy(),) * 2 if np.ndim(arg.plain) > 1 else (arg.plain,) * 2


@disguise("array")
def _a_number_alone(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return (0.5,) * 2


@disguise("array", "index")
def _ragged_list(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return [[1.0, 2.0], [3.0]], NOTHING


@disguise("array", "index")
def _generator(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return (x for x in np.array(arg.plain).tolist() or [0]) if np.ndim(arg.plain) else iter([1]), arg.plain


# numbers --------------------------------------------------------------------------------------------------------------


@disguise("number", "level", must=True)
def _np_float64(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.asarray(arg.plain, float)[()], arg.plain


@disguise("number", "count", "seed")
def _array_without_axes(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.array(arg.plain), arg.plain


@disguise("number", "count")
def _array_of_one(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return pick(rng, (np.array([arg.plain]), [arg.plain], np.array([[arg.plain]]))), arg.plain


@disguise("number", "count", "seed")
def _two_numbers(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    found = pick(rng, ([arg.plain] * 2, np.array([arg.plain] * 2)))
    # where several seeds are several runs, and equal numbers for two neurons are one
    return found, ((found if arg.kind == "seed" else arg.plain) if arg.dims else NOTHING)


@disguise("number", "count", "seed")
def _text_of_a_number(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return pick(rng, (str, np.str_, lambda x: str(x).encode()))(arg.plain), arg.plain


@disguise("number")
def _nought(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return (pick(rng, (0, 0.0)),) * 2


@disguise("number", "level", "count", "choice", "text", "array", "index", "seed")
def _junk(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    found = pick(rng, JUNK)
    return (found, found) if arg.kind == "text" and found == "abc" else (found, NOTHING)


# counts, seeds, names -------------------------------------------------------------------------------------------------


@disguise("count", "seed", must=True)
def _np_int64(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.int64(arg.plain % 2**63), arg.plain % 2**63


@disguise("count", "seed")
def _np_uint8(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.uint8(arg.plain % 256), arg.plain % 256


@disguise("count", "seed")
def _float_of_an_integer(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return float(arg.plain), (NOTHING if arg.kind == "seed" else arg.plain)


@disguise("count", "seed")
def _half(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return arg.plain + 0.5, NOTHING


@disguise("count", "seed")
def _minus_one(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return -1, (NOTHING if arg.kind == "seed" else -1)


@disguise("count")
def _zero(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return 0, 0


@disguise("count")
def _more_than_any_memory(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return 2**70, 2**70


@disguise("seed", must=True)
def _seed_beyond_64_bits(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return (pick(rng, (2**63, 2**64, 2**64 - 1, 2**128 + 1)),) * 2


@disguise("seed", must=True)
def _SeedSequence(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.random.SeedSequence(arg.plain), np.random.SeedSequence(arg.plain)


@disguise("seed", must=True)
def _Generator(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    found = np.random.default_rng(arg.plain)
    return found, deepcopy(found)


@disguise("seed")
def _None(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return None, NOTHING


@disguise("seed")
def _RandomState(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.random.RandomState(arg.plain % 1000), NOTHING


@disguise("choice")
def _misspelt(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return str(arg.plain)[:-1] + "#", NOTHING


@disguise("choice")
def _odd_choice(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    number = 0 if rng.random() < 0.5 else 1.5
    found = pick(rng, ("", "\n", "é", "a" * 3000, number, b"delta", np.array(["a"]), ("a", "b"), True))
    free = found is number and arg.plain in ("beta", "-beta", "proximal", "pair")  # a coefficient may be a number
    return (found, found) if free else (found, NOTHING)


@disguise("choice", "text", must=True)
def _np_str(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return np.str_(arg.plain), arg.plain


@disguise("text")
def _odd_text(rng: Rng, arg: Arg) -> tuple[Any, Any]:
    return (pick(rng, ODD_TEXTS),) * 2


def known_units() -> bool:
    """Whether every unit of the table above is one of the package's."""
    return set(SCALES) <= set(units.UNITS)
