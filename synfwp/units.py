"""Units: one table, and the border where quantities become plain floats.

Parameters are plain floats in ms, mV, nS, pA and pF. These are coherent: nS x mV = pA and pF x mV / ms = pA, so no
equation needs a factor. Rates are in Hz, and `per_ms` is their one conversion. Quantities of Brian2, pint and
quantities are accepted by what they can do; none of the three is imported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, overload

import numpy as np

from synfwp import checks
from synfwp.checks import lookup

_BASE = ("m", "kg", "s", "A")
_BRIAN2_NAMES = ("length", "mass", "time", "current", "temperature", "substance", "luminosity")


class Unit(NamedTuple):
    """A unit: ``10 ** power`` of SI, and the exponents of (m, kg, s, A)."""

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
    return to_float(hz, "Hz", "hz") / 1000.0


@overload
def to_float(value: float, unit: str, name: str = "value") -> float: ...
@overload
def to_float(value: Sequence[Any] | np.ndarray, unit: str, name: str = "value") -> np.ndarray: ...
@overload
def to_float(value: object, unit: str, name: str = "value") -> float | np.ndarray: ...
def to_float(value: Any, unit: str, name: str = "value") -> Any:
    """A plain float, or float64 array, in ``unit``.

    Parameters
    ----------
    value : number, array or quantity, or a list of them
        What has no unit is taken to be in ``unit``. Quantities of Brian2, quantities (and so Neo) and pint are
        converted.
    unit : str
        A name of `UNITS`.
    name : str
        The argument, for the message.

    Returns
    -------
    float or float64 array

    Raises
    ------
    ValueError
        If the dimension of a quantity is not that of ``unit``, or the unit is unknown.
    TypeError
        If ``value`` is no number.

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
    if isinstance(value, list | tuple):  # an array made of quantities would forget their units
        return np.array([to_float(item, unit, name) for item in value], float)
    si = _si(value, row, unit, name)
    if si is None:
        plain = np.asarray(value)
        if plain.dtype.kind not in "fiu":
            raise TypeError(f"{name} is {value!r}; pass numbers in {unit}, or a quantity.")
        number = plain.astype(float)
    else:
        number = _decimal(si * 10.0**-row.power if row.power < 0 else si / 10.0**row.power)
    return float(number) if np.ndim(number) == 0 else number


def _decimal(x: Any) -> Any:
    """Numbers to 15 significant digits: 50 us, which are 4.9999999999999996e-05 s, are 0.05 ms."""
    return np.reshape([float(f"{value:.15g}") for value in np.ravel(x)], np.shape(x))


def _si(value: Any, row: Unit, unit: str, name: str) -> Any:
    """The value of a quantity in SI units as a plain array, or None if it is not a quantity."""
    if hasattr(getattr(value, "dim", None), "get_dimension"):  # Brian2: an array in SI with its dimension
        found = tuple(value.dim.get_dimension(part) for part in _BRIAN2_NAMES)
        if found != (*row.dimension, 0, 0, 0):
            raise _wrong_dimension(value, unit, name)
        return np.array(value, float, subok=False)
    if not (hasattr(value, "dimensionality") and hasattr(value, "magnitude")):
        return None
    convert = value.rescale if hasattr(value, "rescale") else value.to  # quantities and Neo; pint
    symbols = "*".join(f"{base}**{power}" for base, power in zip(_BASE, row.dimension, strict=True) if power)
    try:
        return np.asarray(convert(symbols or "dimensionless").magnitude, float)
    except (ValueError, TypeError) as error:  # pint's DimensionalityError is a TypeError
        raise _wrong_dimension(value, unit, name) from error


def _wrong_dimension(value: Any, unit: str, name: str) -> ValueError:
    """The refusal of a quantity that cannot be in ``unit``."""
    return ValueError(f"{name} is {value}, which cannot be in {unit}; pass a number in {unit}, or a quantity that can.")


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """A frozen set of parameters: fields with a unit are converted to it and checked to lie in their range.

    ``_units`` names the unit of each field that has one, ``_zero_allowed`` those that may be 0.
    """

    _units: ClassVar[dict[str, str]] = {}
    _zero_allowed: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Numbers in the unit of their field, above 0 unless the class allows 0; potentials may have any sign."""
        for entry in fields(self):
            unit = self._units.get(entry.name)
            if unit is None or getattr(self, entry.name) is None:
                continue
            value = to_float(getattr(self, entry.name), unit, entry.name)
            if unit != "mV" or entry.name == "noise":
                zero = entry.name in self._zero_allowed
                checks.number(f"{entry.name} ({unit})", value, 0, above=not zero)
            else:
                checks.number(f"{entry.name} ({unit})", value)
            object.__setattr__(self, entry.name, value)
