"""The table of units agrees with Brian2's, and quantities of three packages pass the border or are refused."""

import re
import warnings
from typing import Any

import numpy as np
import pytest

from synfwp.units import UNITS, coherent, per_ms, to_float

LONG = {"s": "second", "V": "volt", "S": "siemens", "A": "amp", "F": "farad", "Ohm": "ohm", "Hz": "hertz", "m": "metre"}


@pytest.fixture(scope="module")
def brian2() -> Any:
    """Brian2, without a log file."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # 2.9 uses old names of pyparsing
        import brian2

    brian2.prefs.logging.file_log = False
    return brian2


def brian2_unit(brian2: Any, name: str) -> Any:
    """Brian2's unit of the same name: it spells units out."""
    base = next(base for base in sorted(LONG, key=len, reverse=True) if name.endswith(base))
    return getattr(brian2.units.allunits, name.removesuffix(base) + LONG[base])


class PintLike:
    """A quantity with pint's interface: ``magnitude``, ``dimensionality`` and ``to`` with a product of SI units."""

    def __init__(self, si: Any, dimension: tuple[int, ...]) -> None:
        self.si, self.dimension = si, dimension

    magnitude = property(lambda self: self.si)
    dimensionality = property(lambda self: self.dimension)

    def to(self, unit: str) -> "PintLike":
        """The quantity in ``unit``; pint's error for another dimension is a TypeError."""
        if self.dimension != parsed(unit):
            raise TypeError("cannot convert")
        return self

    def __str__(self) -> str:
        return f"{self.si} SI"


class QuantitiesLike(PintLike):
    """A quantity with the interface of `quantities`: ``rescale``, whose error is a ValueError."""

    to = property()

    def rescale(self, unit: str) -> "QuantitiesLike":
        """The quantity in ``unit``."""
        if self.dimension != parsed(unit):
            raise ValueError("Unable to convert")
        return self


def parsed(unit: str) -> tuple[int, ...]:
    """Exponents of m, kg, s and A in a text such as ``m**2*kg**1``."""
    if unit == "dimensionless":
        return (0, 0, 0, 0)
    powers = dict(re.findall(r"(\w+)\*\*(-?\d+)", unit))
    return tuple(int(powers.get(base, 0)) for base in ("m", "kg", "s", "A"))


@pytest.mark.parametrize("name", [name for name in UNITS if name not in ("1", "1/s", "1/ms")])
def test_a_unit_has_brian2s_size_and_dimension(name: str, brian2: Any) -> None:
    unit = brian2_unit(brian2, name)
    parts = ("length", "mass", "time", "current", "temperature", "substance", "luminosity")
    assert tuple(unit.dim.get_dimension(part) for part in parts) == (*UNITS[name].dimension, 0, 0, 0)
    assert float(unit) == float(f"1e{UNITS[name].power}")


@pytest.mark.parametrize("name", [name for name in UNITS if name not in ("1", "1/s", "1/ms")])
def test_a_quantity_of_brian2_comes_back_as_the_number_in_that_unit(name: str, brian2: Any) -> None:
    unit = brian2_unit(brian2, name)
    # Brian2 multiplied by its factor and this package divides by it: each rounds once, by at most 2**-53
    np.testing.assert_allclose(to_float(np.array([20.0, -0.3]) * unit, name), [20.0, -0.3], rtol=2.3e-16)
    assert type(to_float(20.0 * unit, name)) is float


def test_the_units_of_parameters_are_coherent_and_hertz_is_not() -> None:
    assert coherent({"nS": 1, "mV": 1}, "pA")
    assert coherent({"pF": 1, "mV": 1, "ms": -1}, "pA")
    assert coherent({"pF": 1, "nS": -1}, "ms")
    assert coherent({"MOhm": 1, "nA": 1}, "mV")
    assert coherent({"GOhm": 1, "pA": 1}, "mV")
    assert coherent({"1/ms": 1, "ms": 1}, "1")
    assert not coherent({"Hz": 1, "ms": 1}, "1")
    assert not coherent({"MOhm": 1, "pA": 1}, "mV")
    assert not coherent({"nS": 1, "ms": 1}, "pA")


def test_hertz_is_converted_once(brian2: Any) -> None:
    assert per_ms(50) == 0.05
    assert per_ms(np.array([1.0, 250.0])).tolist() == [0.001, 0.25]
    assert per_ms(50 * brian2.Hz) == 0.05
    with pytest.raises(ValueError, match="cannot be in Hz"):
        per_ms(50 * brian2.ms)


@pytest.mark.parametrize("kind", [PintLike, QuantitiesLike])
@pytest.mark.parametrize("name", list(UNITS))
def test_quantities_of_pint_and_quantities_are_converted(kind: type[PintLike], name: str) -> None:
    unit = UNITS[name]
    assert to_float(kind(20.0 * 10.0**unit.power, unit.dimension), name) == pytest.approx(20.0, rel=2.3e-16 * 2)
    many = to_float(kind(np.array([1.0, 2.0]), unit.dimension), name)
    np.testing.assert_allclose(many, np.array([1.0, 2.0]) * 10.0**-unit.power, rtol=2.3e-16)


@pytest.mark.parametrize("kind", [PintLike, QuantitiesLike])
def test_a_wrong_dimension_of_pint_and_quantities_is_refused(kind: type[PintLike]) -> None:
    with pytest.raises(ValueError, match=r"tau_m is 0\.02 SI, which cannot be in ms; pass a number in ms"):
        to_float(kind(0.02, UNITS["V"].dimension), "ms", "tau_m")
    with pytest.raises(ValueError, match="gain is 3 SI, which cannot be in 1;"):
        to_float(kind(3, UNITS["ms"].dimension), "1", "gain")


def test_a_wrong_dimension_of_brian2_is_refused_in_a_list_too(brian2: Any) -> None:
    with pytest.raises(ValueError, match=r"tau_m is .*V, which cannot be in ms"):
        to_float(20 * brian2.mV, "ms", "tau_m")
    with pytest.raises(ValueError, match=r"tau_m is .*V, which cannot be in ms"):
        to_float([20 * brian2.ms, 20 * brian2.mV], "ms", "tau_m")


def test_a_list_of_quantities_keeps_their_units(brian2: Any) -> None:
    assert to_float([20 * brian2.ms, 1 * brian2.second], "ms").tolist() == [20.0, 1000.0]


@pytest.mark.parametrize("value", [20, 20.0, np.float32(20), np.int64(20), np.array(20.0)])
def test_a_plain_number_is_taken_in_the_unit_as_a_python_float(value: Any) -> None:
    assert to_float(value, "ms") == 20.0
    assert type(to_float(value, "ms")) is float


def test_a_plain_array_is_copied_as_float64() -> None:
    given = np.array([1, 2])
    assert to_float(given, "mV").dtype == np.float64
    assert not np.shares_memory(given, to_float(given, "mV"))


@pytest.mark.parametrize("value", ["20 ms", None, True, [1.0, None], np.array(["a"]), 1j])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=r"tau is .*; pass numbers in ms, or a quantity"):
        to_float(value, "ms", "tau")


def test_an_unknown_unit_is_answered_with_the_closest() -> None:
    with pytest.raises(ValueError, match="unknown unit 'mOhm'; did you mean"):
        to_float(1.0, "mOhm")


@pytest.mark.parametrize("unit", ["ms", "us", "mV", "uV", "pA", "nA", "nS", "pF", "Hz"])
def test_a_quantity_becomes_the_nearest_decimal(brian2: Any, unit: str) -> None:
    symbol = {"us": "usecond", "ms": "msecond", "mV": "mvolt", "uV": "uvolt", "pA": "pamp", "nA": "namp"} | {
        "nS": "nsiemens", "pF": "pfarad", "Hz": "hertz"
    }  # fmt: skip
    target = {"us": "ms", "uV": "mV", "nA": "pA"}.get(unit, unit)
    factor = {"us": 1e-3, "uV": 1e-3, "nA": 1e3}.get(unit, 1)
    quantity = getattr(brian2, symbol[unit])
    for n in (0.05, 0.1, 0.3, 7, 50, 70, 123.4, 1e6):
        assert to_float(n * quantity, target) == float(f"{n * factor:.15g}")
    many = np.array([0.05, 50.0, 1.7]) * quantity
    assert to_float(many, target).tolist() == [float(f"{n * factor:.15g}") for n in (0.05, 50.0, 1.7)]


def test_a_time_step_given_in_microseconds_is_the_same_circuit(brian2: Any) -> None:
    assert to_float(50 * brian2.usecond, "ms") == 0.05
    assert to_float(np.array([]) * brian2.ms, "ms").shape == (0,)
    assert np.isinf(to_float(np.inf * brian2.ms, "ms"))
