"""Units: one table, and the border where quantities become plain floats.

Parameters are plain floats in ms, mV, nS, pA and pF. These are coherent: nS x mV = pA and pF x mV / ms = pA, so no
equation needs a factor. Rates are in Hz, and `per_ms` is their one conversion. Quantities of Brian2, pint, quantities,
astropy and unyt are accepted by what they can do; none of them is imported. Masks and labels do not pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, overload

import numpy as np

from synfwp import checks
from synfwp.checks import lookup

_BASE = ("m", "kg", "s", "A")
_SPELLED = {
    "second": "s", "seconds": "s", "millisecond": "ms", "milliseconds": "ms", "millivolt": "mV", "millivolts": "mV",
    "volt": "V", "volts": "V", "hertz": "Hz", "nanosiemens": "nS", "picoampere": "pA", "": "1", "dimensionless": "1",
}  # fmt: skip
_BRIAN2_NAMES = ("length", "mass", "time", "current", "temperature", "substance", "luminosity")


class Unit(NamedTuple):
    """A unit.

    Parameters
    ----------
    power, dimension : int, tuple of int
        ``10 ** power`` of the unit of SI; the exponents of (m, kg, s, A).

    Examples
    --------
    >>> UNITS["mV"]
    Unit(power=-3, dimension=(2, 1, -3, -1))
    """

    power: int
    dimension: tuple[int, int, int, int]


_KINDS = {
    (0, 0, 1, 0): {"s": 0, "ms": -3, "us": -6},
    (2, 1, -3, -1): {"V": 0, "mV": -3, "uV": -6},
    (-2, -1, 3, 2): {"S": 0, "mS": -3, "uS": -6, "nS": -9, "pS": -12},
    (0, 0, 0, 1): {"A": 0, "mA": -3, "uA": -6, "nA": -9, "pA": -12},
    (-2, -1, 4, 2): {"F": 0, "uF": -6, "nF": -9, "pF": -12},
    (2, 1, -3, -2): {"Ohm": 0, "kOhm": 3, "MOhm": 6, "GOhm": 9},
    (0, 0, -1, 0): {"Hz": 0, "kHz": 3, "1/s": 0, "1/ms": 3},
    (1, 0, 0, 0): {"m": 0, "mm": -3, "um": -6, "nm": -9},
    (0, 0, 0, 0): {"1": 0},
}
UNITS: Mapping[str, Unit] = MappingProxyType(
    {name: Unit(power, dimension) for dimension, kind in _KINDS.items() for name, power in kind.items()}
)


def coherent(product: Mapping[str, int], result: str) -> bool:
    """Whether a product of powers of units is exactly the unit ``result``, without a factor.

    Parameters
    ----------
    product : mapping of str to int
        Units and their exponents.
    result : str
        A name of `UNITS`.

    Returns
    -------
    bool

    Examples
    --------
    >>> coherent({"nS": 1, "mV": 1}, "pA"), coherent({"Hz": 1, "ms": 1}, "1")
    (True, False)
    """
    factors = [(lookup("unit", name, UNITS), exponent) for name, exponent in product.items()]
    power = sum(unit.power * exponent for unit, exponent in factors)
    dimension = tuple(sum(unit.dimension[i] * exponent for unit, exponent in factors) for i in range(len(_BASE)))
    return (power, dimension) == lookup("unit", result, UNITS)


@overload
def per_ms(hz: float) -> float: ...
@overload
def per_ms(hz: Sequence[Any] | np.ndarray) -> np.ndarray: ...
@overload
def per_ms(hz: object) -> float | np.ndarray: ...
def per_ms(hz: Any) -> Any:
    """Rates in 1/ms from rates in Hz: the one place where Hz meets ms.

    Parameters
    ----------
    hz : float or array (Hz), or a quantity

    Returns
    -------
    float or float64 array

    Raises
    ------
    ValueError
        If it is a quantity of another dimension.

    Examples
    --------
    >>> per_ms(50.0)
    0.05
    """
    rates = to_float(hz, "Hz", "hz")
    if np.isnan(rates).any():
        raise ValueError("hz holds nan; pass numbers.")
    return rates / 1000.0


@overload
def to_float(value: float, unit: str, name: str = "value", dims: tuple[str, ...] = ()) -> float: ...
@overload
def to_float(
    value: Sequence[Any] | np.ndarray, unit: str, name: str = "value", dims: tuple[str, ...] = ()
) -> np.ndarray: ...
@overload
def to_float(value: object, unit: str, name: str = "value", dims: tuple[str, ...] = ()) -> float | np.ndarray: ...
def to_float(value: Any, unit: str, name: str = "value", dims: tuple[str, ...] = ()) -> Any:
    """A plain float, or float64 array, in ``unit``: the border that every number with a unit passes.

    Parameters
    ----------
    value : number, array or quantity, or a list of them
        What has no unit is taken to be in ``unit``. Quantities of Brian2, quantities (and so Neo), pint, astropy and
        unyt are converted, and so is an xarray DataArray, by its attribute ``units``. Of a pandas Series, the values.
    unit : str
        A name of `UNITS`.
    name : str
        The argument, for the message.
    dims : tuple of str
        The dims of a DataArray of several axes, in the order of the result: it is transposed to them. A dim may have a
        longer name that begins with one of these, such as ``"pre_input_to_cells"``.

    Returns
    -------
    float or float64 array

    Raises
    ------
    ValueError
        If the dimension of a quantity is not that of ``unit``, the unit is unknown, or a DataArray has other dims or
        no attribute ``units`` where there is a unit.
    TypeError
        If ``value`` is no number, or carries a mask or labels whose order cannot be known.

    Examples
    --------
    >>> to_float(20, "ms", "tau")
    20.0
    >>> to_float("20 ms", "ms", "tau")
    Traceback (most recent call last):
    ...
    TypeError: tau is '20 ms'; pass numbers in ms, or a quantity.
    """
    row = lookup("unit", unit, UNITS)
    if isinstance(value, list | tuple | range):  # an array made of quantities would forget their units
        items = [to_float(item, unit, name) for item in value]
        if len({np.shape(item) for item in items}) > 1:
            raise ValueError(f"{name} is a ragged list; pass an array.")
        return np.array(items, float)
    if hasattr(value, "dims") and hasattr(value, "coords"):
        return _labelled(value, unit, name, dims)
    if hasattr(value, "iloc") and np.ndim(value) == 1 and isinstance(value.dtype, np.dtype):
        value = value.to_numpy()
    if checks.is_quantity(value):
        si = _si(value, row, unit, name)
        number = _decimal(si * 10.0**-row.power if row.power < 0 else si / 10.0**row.power)
    elif (extra := checks.carried(value)) and extra != "a unit":
        raise TypeError(f"{name} is a {type(value).__name__}, which carries {extra}; {checks.CURES[extra]}.")
    elif extra:
        raise TypeError(f"{name} is a {type(value).__name__}, whose unit cannot be read; pass numbers in {unit}.")
    else:
        whole = isinstance(value, int) and not isinstance(value, bool)
        try:
            plain = np.asarray(float(value) if whole else value)
        except (OverflowError, ValueError):  # an integer beyond all floats, a ragged sequence
            raise TypeError(f"{name} is {checks.short(value)}; pass numbers in {unit}, or a quantity.") from None
        if plain.dtype.kind not in "fiu":
            raise TypeError(f"{name} is {checks.short(value)}; pass numbers in {unit}, or a quantity.")
        number = plain.astype(float)
    return float(number) if np.ndim(number) == 0 else number


def has_unit(value: Any) -> bool:
    """Whether numbers carry a unit: a quantity, a list of them, or a DataArray with the attribute ``units``.

    Parameters
    ----------
    value : object

    Returns
    -------
    bool

    Examples
    --------
    >>> has_unit([1.0, 2.0])
    False
    """
    if isinstance(value, list | tuple):
        return any(map(has_unit, value))
    return checks.has_unit(value) or getattr(value, "attrs", {}).get("units", "1") != "1"


def number(
    value: Any, unit: str, name: str, low: float = -np.inf, high: float = np.inf, *, above: bool = False
) -> float:
    """A finite float in ``unit`` and in a range: `to_float`, then `synfwp.checks.number`.

    Parameters
    ----------
    value : float, quantity or DataArray
    unit : str
        A name in `UNITS`.
    name : str
        The argument, for the message.
    low, high, above : float, float, bool
        The range, in ``unit``, and whether ``low`` itself is outside.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For another dimension, no finite number, or one out of the range.

    Examples
    --------
    >>> number(-20.0, "ms", "tau", 0, above=True)
    Traceback (most recent call last):
    ...
    ValueError: tau (ms) is -20.0; pass a finite number above 0.
    """
    label = name if unit == "1" else f"{name} ({unit})"
    return checks.number(label, to_float(value, unit, name), low, high, above=above)


def array(
    value: Any,
    unit: str,
    name: str,
    low: float = -np.inf,
    high: float = np.inf,
    *,
    above: bool = False,
    ndim: int | None = None,
) -> np.ndarray:
    """A float64 array in ``unit``, finite and in a range: `to_float`, then `synfwp.checks.array`.

    Parameters
    ----------
    value : array_like, quantity or DataArray
    unit : str
        A name in `UNITS`.
    name : str
        The argument, for the message.
    low, high, above : float, float, bool
        The range, in ``unit``, and whether ``low`` itself is outside.
    ndim : int or None
        Number of dims; None: any.

    Returns
    -------
    array
        A copy or the array itself, float64.

    Raises
    ------
    ValueError, TypeError
        For another dimension, numbers that are not finite or out of the range, or another number of dims.

    Examples
    --------
    >>> array([1, 2], "ms", "times", 0).tolist()
    [1.0, 2.0]
    """
    label = name if unit == "1" else f"{name} ({unit})"
    return checks.array(label, np.asarray(to_float(value, unit, name)), low, high, above=above, ndim=ndim)


def named(text: Any, like: str, name: str) -> Unit:
    """The row of the unit that an attribute names, which measures the same as the unit ``like``.

    Parameters
    ----------
    text : str or None
        The attribute ``units``.
    like : str
        A unit of the dimension that is expected.
    name : str
        The variable, for the message.

    Returns
    -------
    Unit

    Raises
    ------
    ValueError
        If it is missing, unknown, or of another dimension.

    Examples
    --------
    >>> named("seconds", "ms", "spike_time")
    Unit(power=0, dimension=(0, 0, 1, 0))
    """
    if text is None:
        raise ValueError(f"{name} has no attribute 'units'; set .attrs['units'] = {like!r}, or what it is in.")
    row = lookup(f"unit of {name}", _SPELLED.get(text, text) if isinstance(text, str) else text, UNITS)
    if row.dimension != UNITS[like].dimension:
        raise ValueError(f"{name} is in {text!r}, which cannot be in {like}; correct its attribute 'units'.")
    return row


def _labelled(value: Any, unit: str, name: str, dims: tuple[str, ...]) -> Any:
    """A DataArray by its attribute ``units`` and its dims."""
    if not hasattr(value, "attrs") or hasattr(value, "data_vars"):
        raise TypeError(f"{name} is a {type(value).__name__}; pass one of its variables.")
    if value.ndim > 1:
        order = [[own for own in value.dims if own == dim or str(own).startswith(f"{dim}_")] for dim in dims]
        if len(dims) != value.ndim or any(len(found) != 1 for found in order):
            wanted = f"dims {dims}" if dims else "its values, in the order of axes that is documented"
            raise ValueError(f"{name} has dims {value.dims}; pass {wanted}.")
        value = value.transpose(*(found[0] for found in order))
    data, text = value.data, value.attrs.get("units")
    if checks.is_quantity(data) or (text is None and unit == "1"):
        return to_float(data, unit, name)
    row, plain = named(text, unit, name), to_float(np.asarray(data), unit, name)
    found = _decimal(np.multiply(plain, 10.0 ** (row.power - UNITS[unit].power)))
    return float(found) if np.ndim(found) == 0 else found


def _decimal(x: Any) -> Any:
    """Numbers to 15 significant digits: 50 us, which are 4.9999999999999996e-05 s, are 0.05 ms."""
    return np.reshape([float(f"{value:.15g}") for value in np.ravel(x)], np.shape(x))


def _si(value: Any, row: Unit, unit: str, name: str) -> Any:
    """The value of a quantity in SI units as a plain array."""
    if hasattr(getattr(value, "dim", None), "get_dimension"):  # Brian2: an array in SI with its dimension
        found = tuple(value.dim.get_dimension(part) for part in _BRIAN2_NAMES)
        if found != (*row.dimension, 0, 0, 0):
            raise _wrong_dimension(value, unit, name)
        return np.array(value, float, subok=False)
    symbols = "*".join(f"{base}**{power}" for base, power in zip(_BASE, row.dimension, strict=True) if power)
    try:
        if hasattr(value, "to_value"):  # astropy and unyt
            return np.asarray(value.to_value(symbols), float)
        convert = value.rescale if hasattr(value, "rescale") else value.to  # quantities and Neo; pint
        return np.asarray(convert(symbols or "dimensionless").magnitude, float)
    except (ValueError, TypeError) as error:  # pint's DimensionalityError is a TypeError
        raise _wrong_dimension(value, unit, name) from error
    except Exception as error:  # astropy's UnitConversionError and unyt's, which belong to neither
        raise _wrong_dimension(value, unit, name) from error


def _wrong_dimension(value: Any, unit: str, name: str) -> ValueError:
    """The refusal of a quantity that cannot be in ``unit``."""
    return ValueError(f"{name} is {value}, which cannot be in {unit}; pass a number in {unit}, or a quantity that can.")


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """A frozen set of parameters: fields with a unit are converted to it and checked to lie in their range.

    ``_units`` names the unit of each field that has one, ``_zero_allowed`` those that may be 0.

    Examples
    --------
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Trace(Parameters):
    ...     tau: float = 20.0
    ...     _units: ClassVar[dict[str, str]] = {"tau": "ms"}
    >>> Trace(tau=5).tau
    5.0
    """

    _units: ClassVar[dict[str, str]] = {}
    _zero_allowed: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Numbers in the unit of their field, above 0 unless the class allows 0; potentials may have any sign."""
        for entry in fields(self):
            unit = self._units.get(entry.name)
            if unit is None or getattr(self, entry.name) is None:
                continue
            low = -np.inf if unit == "mV" and entry.name != "noise" else 0
            above = low == 0 and entry.name not in self._zero_allowed
            value = number(getattr(self, entry.name), unit, entry.name, low, above=above)
            object.__setattr__(self, entry.name, value)
