"""Settings of programs: types, text, units, and those of every model and analysis."""

from typing import Any, NamedTuple

import pytest

from synfwp import programs
from synfwp.settings import Setting, read_all, settings_of, sized

PROGRAMS = list(programs.list_programs())


class Size(NamedTuple):
    """One field of each kind."""

    cells: int  # cells of a run
    rho0: float = 5.0  # Hz: target rate
    pairs: tuple[int, ...] = (1, 2)
    name: str = "delta"  # note: no unit stands here
    fast: bool = False
    steps: dict[str, int] = {"a": 1, "b": 2}  # noqa: RUF012
    other: object = None


@sized(Size(4), Size(1, steps={"a": 0, "b": 0}))
def main(size: Size, quick: bool = False, seed: int = 0) -> Any:
    """What came."""
    return size, quick, seed


def test_fields_of_a_size_are_settings_with_their_units_and_comments():
    known = settings_of(main)
    assert list(known) == ["cells", "rho0", "pairs", "name", "fast", "steps"]
    assert (known["cells"].default, known["cells"].quick, known["cells"].text) == (4, 1, "cells of a run")
    assert (known["rho0"].unit, known["rho0"].text) == ("Hz", "target rate")
    assert (known["name"].unit, known["name"].text) == ("", "note: no unit stands here")
    assert main() == (Size(4), False, 0)
    assert main(quick=True, seed=3, cells=2)[0] == Size(2, steps={"a": 0, "b": 0})
    assert main(True, steps={"b": 7})[0].steps == {"a": 0, "b": 7}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("cells", " 3 ", 3),
        ("rho0", "8", 8.0),
        ("rho0", "1e-3", 1e-3),
        ("pairs", "2,4", (2, 4)),
        ("pairs", "2", (2,)),
        ("name", "hebb", "hebb"),
        ("fast", "yes", True),
        ("fast", "False", False),
        ("steps", "b:9", {"b": 9}),
    ],
)
def test_text_is_read_by_type_and_shown_as_text_that_reads_the_same(name, text, value):
    setting = settings_of(main)[name]
    assert setting.read(text) == value
    assert type(setting.read(text)) is type(value)
    assert setting.read(setting.shown(value)) == value == setting.read(value)


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("cells", "1.5", ValueError, "^cells is '1.5'; pass an integer"),
        ("cells", -1, ValueError, "^cells is -1; pass an integer of at least 0"),
        ("cells", True, TypeError, "^cells is True; pass an integer"),
        ("rho0", "fast", ValueError, "^rho0 is 'fast'; pass a number"),
        ("rho0", "nan", ValueError, "^rho0 is nan; pass a finite number"),
        ("rho0", True, TypeError, "^rho0 is True; pass a number"),
        ("pairs", "1,x", ValueError, "^pairs is 'x'; pass an integer"),
        ("pairs", (), ValueError, "^pairs is empty; pass at least one int"),
        ("name", 3, TypeError, "^name is 3; pass text"),
        ("fast", "maybe", ValueError, "^unknown value of fast 'maybe'"),
        ("steps", "c:1", ValueError, "^unknown entry of steps 'c'"),
        ("steps", 3, TypeError, r"^steps is 3; pass a dict, or text such as 'a:1'"),
        ("sells", 3, TypeError, "^this program has no setting 'sells'; did you mean 'cells'"),
        ("other", 3, TypeError, "^this program has no setting 'other'"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(name, value, error, message):
    with pytest.raises(error, match=message):
        main(**{name: value})


def test_a_quantity_is_converted_and_one_of_another_dimension_refused():
    brian2 = pytest.importorskip("brian2")
    assert main(rho0=8 * brian2.Hz)[0].rho0 == 8.0
    with pytest.raises(ValueError, match="rho0"):
        main(rho0=8 * brian2.mV)


def test_a_program_without_settings_says_so():
    with pytest.raises(TypeError, match=r"^it has no setting 'a'; it has none"):
        read_all({}, {"a": 1}, "it")


def test_the_name_of_a_run_holds_its_settings_or_digits_that_stand_for_them():
    assert programs.stem("x", {"a": "1,2", "b": "-0.5"}) == "x-a=1,2-b=-0.5"
    for other in ({"a": "1/2"}, {"a": "b:1"}, {"a": "1," * 60 + "1"}):
        name = programs.stem("x", other)
        assert len(name) == len("x-12345678")
        assert name == programs.stem("x", other) != programs.stem("x", other | {"b": "1"})
    known = {"a": Setting("a", dict[str, int], {"x": 1, "y": 2}, {"x": 0, "y": 0})}
    assert programs.changed(known, {"a": {"x": 1, "y": 3}}, False) == {"a": "y:3"}
    assert programs.changed(known, {"a": {"x": 0}}, True) == {}


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_has_settings_with_a_line_each(name):
    known = programs.settings(name)
    assert known
    assert [one.name for one in known.values() if not one.text] == []
    for one in known.values():
        assert one.read(one.shown(one.default)) == one.default
        assert one.read(one.shown(one.quick)) == one.quick
    assert all(setting in programs.settings_table(name) for setting in known)


# a setting, its value and the other sizes that make a quick run shorter still
CHEAP = {
    "vogels2011": ({"rho0": 8.0}, {"cell_seconds": 8, "network_seconds": 4, "excitatory": 400}),
    "song2000": ({"g_max": 0.02}, {"seconds": 4, "every": 1}),
    "ellwood2024": ({"shares": (0.0, 0.25, 0.5, 1.0)}, {"trials": 10, "share_trials": 10}),
}


@pytest.mark.parametrize("name", CHEAP)
def test_a_setting_changes_what_comes_out_and_the_table_names_it(name):
    other, small = CHEAP[name]
    usual, changed = (programs.run(name, quick=True, **small, **more) for more in ({}, other))
    differs = [x for x in usual.data_vars if not usual[x].identical(changed[x])]
    assert differs
    assert next(iter(other)) in changed.attrs["settings"]
    assert f"{next(iter(other))}=" in programs.table(changed).splitlines()[0]
    assert programs.load_program(name).caption(changed)


def test_other_targets_stand_in_the_table_and_the_caption():
    small = {"cell_seconds": 8, "network_seconds": 4, "excitatory": 400}
    ds = programs.run("vogels2011", quick=True, rho0=8, **small)
    assert float(ds.published.sel(quantity="cell: rate (Hz), last quarter, against rho0")) == 8.0
    assert "rho0 = 8 Hz" in programs.load_program("vogels2011").caption(ds)


def test_settings_without_what_a_program_compares_are_refused_with_the_cure():
    with pytest.raises(ValueError, match=r"^program 'song2000' does not run with .*steps=0.2: KeyError: .* keep these"):
        programs.run("song2000", quick=True, seconds=1, every=1, inputs=100, steps=0.2)


def test_the_usual_settings_given_by_name_are_the_usual_run():
    usual = programs.run("song2000", quick=True, seconds=2, every=1, inputs=100)
    same = programs.run("song2000", quick=True, seconds=2, every=1, inputs=100, g_max=0.01, rate=15, steps="0.1,0.2")
    assert usual.drop_attrs().identical(same.drop_attrs())
