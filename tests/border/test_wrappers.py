"""Nothing that a value carries beside its numbers is lost at a public entry: units, masks, labels, layouts, classes."""

import inspect
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import xarray as xr
from border.examples import GROUPS, ROWS, WITHOUT
from border.wrapping import numeric, outcome, refused, same
from public_names import public

ARGUMENTS = [(name, argument) for name, (_, given) in ROWS.items() for argument in numeric(given)]
UNITS = ("ms", "mV", "Hz", "nS", "pA", "pF", "mm")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def described(name: str, argument: str) -> str | None:
    """The unit of an argument by the docstring of its function or class: the only one that its entry names."""
    thing = PUBLIC.get(name)
    text = inspect.getdoc(thing) or "" if thing is not None else ""
    entry = re.search(rf"^(?:\w+, )*{re.escape(argument)}(?:, \w+)* : .*\n((?:    .*\n|\n(?=    ))*)", text, re.M)
    found = re.findall(rf"(?<!per )\b({'|'.join(UNITS)})\b", entry.group(0)) if entry else []
    return found[0] if len(set(found)) == 1 else None


PUBLIC = public()


@pytest.fixture(scope="module")
def brian2() -> Any:
    """Brian2."""
    return pytest.importorskip("brian2")


def test_every_public_callable_has_a_row() -> None:
    whole = [name for name in PUBLIC if "." not in name or not inspect.isclass(PUBLIC.get(name.rpartition(".")[0]))]
    missing = [name for name in whole if name not in ROWS and name not in WITHOUT and not name.startswith(GROUPS)]
    assert missing == []


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_a_masked_array_is_refused(name: str, argument: str) -> None:
    call, given = ROWS[name]
    shape = np.shape(given[argument])
    mask = np.zeros(shape, bool)
    mask[(0,) * len(shape)] = True
    found = outcome(call, given | {argument: np.ma.array(given[argument], mask=mask)})
    assert refused(found, argument), found


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_a_quantity_is_converted_or_refused_and_never_taken_for_a_number(name: str, argument: str, brian2: Any) -> None:
    call, given = ROWS[name]
    unit = described(name, argument)
    expected = outcome(call, given)
    sizes = {"ms": brian2.ms, "mV": brian2.mV, "Hz": brian2.Hz, "nS": brian2.nS, "pA": brian2.pA, "pF": brian2.pF,
             "mm": brian2.mmetre}  # fmt: skip
    for each, size in sizes.items():
        found = outcome(call, given | {argument: np.asarray(given[argument], float) * size})
        if each == unit:
            assert same(found, expected), (each, found)
        else:
            assert refused(found, argument) or same(found, expected), (each, found)


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_a_labelled_array_is_converted_by_its_labels_or_refused(name: str, argument: str) -> None:
    call, given = ROWS[name]
    value = np.asarray(given[argument])
    unit, expected = described(name, argument), outcome(call, given)
    attrs = {"units": "s" if unit == "ms" else unit} if unit else {}
    size = 1000.0 if unit == "ms" else 1.0
    dims = tuple(f"dim{m}" for m in range(value.ndim))
    for labelled in (
        xr.DataArray(value / size if unit else value, dims=dims, attrs=attrs),
        xr.DataArray(value.T, dims=dims[::-1], attrs={"units": unit} if unit else {}),
    ):
        found = outcome(call, given | {argument: labelled})
        assert refused(found, argument) or same(found, expected), found


def wrappers(value: Any) -> dict[str, Any]:
    """A number or an array as what users have; each is the same numbers."""
    plain = np.asarray(value)
    if not plain.ndim:
        return {"0-d": plain, "float64": plain[()], "big endian": plain.astype(plain.dtype.newbyteorder())}
    wide = np.repeat(plain, 2, axis=-1)
    fixed = plain.copy()
    fixed.flags.writeable = False
    return {
        "list": plain.tolist(),
        "tuple": tuple(plain.tolist()),
        "Fortran": np.asfortranarray(plain),
        "strided": wide[..., ::2],
        "backwards": plain[..., ::-1].copy()[..., ::-1],
        "read-only": fixed,
        "big endian": plain.astype(plain.dtype.newbyteorder()),
    }


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_a_layout_changes_nothing(name: str, argument: str) -> None:
    call, given = ROWS[name]
    expected = outcome(call, given)
    assert not isinstance(expected, Exception), expected
    for kind, wrapped in wrappers(given[argument]).items():
        found = outcome(call, given | {argument: wrapped})
        assert same(found, expected) or refused(found, argument), (kind, found)


@pytest.mark.parametrize(
    "bad", [np.nan, "3", 1j, None.__class__, [[1.0], [1.0, 2.0]], Fraction(1, 3), 10**400], ids=repr
)
@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_what_is_no_number_is_refused_by_name(name: str, argument: str, bad: Any) -> None:
    call, given = ROWS[name]
    if bad == 10**400 and isinstance(given[argument], int):
        pytest.skip("a large count is a count")
    found = outcome(call, given | {argument: bad})
    assert not isinstance(found, Exception) or refused(found, argument), found
    if bad != Fraction(1, 3):
        assert isinstance(found, Exception), found
