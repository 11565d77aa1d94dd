"""Settings of programs: types, text, units, and those of every model and analysis."""

from typing import Any, NamedTuple

import pytest

from synfwp import figures, programs, results
from synfwp.results.rows import NUMBERS, TEXTS
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
    assert figures.stem("x", {"a": "1,2", "b": "-0.5"}) == "x-a=1,2-b=-0.5"
    for other in ({"a": "1/2"}, {"a": "b:1"}, {"a": "1," * 60 + "1"}):
        name = figures.stem("x", other)
        assert len(name) == len("x-12345678")
        assert name == figures.stem("x", other) != figures.stem("x", other | {"b": "1"})
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
    "vogels2011": ({"rho0": 8.0}, {"cell_seconds": 4, "network_seconds": 4, "excitatory": 400}),
    "song2000": ({"g_max": 0.02}, {"seconds": 4, "every": 1}),
    "ellwood2024": (
        {"efficacy": 4.5},
        {"seeds": 1, "trials": 5, "share_trials": 5, "windows": (500,), "shares": (1.0,)},
    ),
    "mongillo2008": ({"U": 0.3}, {"neurons": 200, "networks": 1, "shown": 5}),
    "limbacher2020": ({"gamma_minus": 0.1}, {"pairs": (3,), "networks": 1, "others": 2}),
    "miconi2018": ({"input_gain": 10.0}, {"d": 8, "steps": 25, "static": 25, "batch": 1, "sequences": 5, "seeds": 1}),
    "hebbff2022": (
        {"eta": {"hebb": 3.0}},
        {"widths": (8,), "length": 12, "steps": 25, "tokens": 80, "seeds": 1},
    ),
    "mpn2023": (
        {"eta": {"hebb": 2.0}},
        {"d": 6, "hidden": 5, "steps": 20, "static": 20, "batch": 2, "sequences": 10, "seeds": 1},
    ),
    "ba2016": ({"lam": 0.5}, {"hidden": 6, "steps": 60, "batch": 2, "sequences": 10, "seeds": 1}),
    "engines": (
        {"tau": 40.0},
        {"d_key": 4, "d_value": 2, "items": 3, "seeds": 2, "peaks": (25.0, 100.0), "gaps": (0.0, 40.0), "neurons": 20},
    ),
    "first_look": ({"peak": 50.0}, {"steps": 3, "sequences": 4, "lif_sequences": 2}),
    "spike_budget": ({"tau": 40.0}, {"d": 8, "seeds": 2}),
}
# physical constants of each program; those that are not listed have none: networks of units, exact rules
PHYSICAL = {
    "ba2016": "eta lam",
    "btsp": "f_input f_plateau",
    "capacity": "peak window gap neurons power overlap",
    "dynamics": "kick tau peak window gap weight lam",
    "drift": "noise drift reversion peak",
    "ellwood2024": "axons rate dead lead gap reaction rise fall delay memory low_pass potentiation tau_m efficacy",
    "engines": "peak gap window tau rho0",
    "equivalence": "beta window gap",
    "first_look": "peak neurons_per_feature window gap",
    "hebbff2022": "eta lam",
    "forgetting": "peak strength",
    "heo2026": "beta",
    "limbacher2020": "gamma_plus gamma_minus w_max tau show gap tau_m t_ref tau_syn threshold noise",
    "miconi2018": "eta input_gain show gap",
    "programmed_spikes": "window gap",
    "mongillo2008": "U tau_F tau_D mean item_drive pulse_drive noise J potentiated tau_E tau_I pulse_start w_item tau",
    "mpn2023": "eta lam",
    "recordings": "base driven selective kept key step",
    "song2000": "rate rate_in tau_m v_rest v_threshold v_reset tau_syn g_max g_in A_plus depression tau",
    "spike_budget": "peak window gap tau neurons items",
    "synapse_anchors": "depressing facilitating",
    "vogels2011": "rho0 rate tau w_max g_excitatory g_inhibitory dead drive w_excitatory w_inhibitory",
    "which_rule": "eta decay noises window taylor_noise",
}
TRAINED = {
    "arora2024", "bits", "complexity", "decoders", "expressivity", "gershman2025", "grazzi2025", "hopfield1982",
    "identities", "kernels", "memory_rules", "schlag2021", "stdp_fits", "stp_fits",
}  # fmt: skip


def test_every_program_has_its_physical_constants_among_its_settings():
    assert set(PHYSICAL) | TRAINED == set(PROGRAMS)
    for name, constants in PHYSICAL.items():
        assert set(constants.split()) <= set(programs.settings(name)), name


@pytest.mark.parametrize("name", CHEAP)
def test_a_setting_changes_what_comes_out_and_the_table_names_it(name):
    other, small = CHEAP[name]
    usual, changed = (programs.run(name, quick=True, **small, **more) for more in ({}, other))
    compared = {"quantity", *NUMBERS, *TEXTS, "n"}
    differs = [x for x in set(usual.data_vars) - compared if not usual[x].identical(changed[x])]
    assert differs
    assert next(iter(other)) in changed.attrs["settings"]
    assert f"{next(iter(other))}=" in programs.table(changed).splitlines()[0]
    assert programs.load_program(name).caption(changed)


def test_other_targets_stand_in_the_table_and_the_caption():
    small = {"cell_seconds": 4, "network_seconds": 4, "excitatory": 400}
    ds = programs.run("vogels2011", quick=True, rho0=8, **small)
    assert float(ds.expected.sel(quantity="cell, signals: rate (Hz), last quarter, against rho0")) == 8.0
    assert "rho0 = 8 Hz" in programs.load_program("vogels2011").caption(ds)


def test_settings_with_which_a_program_does_not_run_are_refused_with_the_cure():
    with pytest.raises(ValueError, match=r"^program 'ellwood2024' does not run with rise=0: ZeroDivisionError: .*"):
        programs.run("ellwood2024", quick=True, rise=0)
    with pytest.raises(ValueError, match=r"^rate is 30 Hz with dead=50 ms; pass rates above 0 and below 1000 / dead"):
        programs.run("ellwood2024", quick=True, rate=30)
    with pytest.raises(ValueError, match=r"^show is 0.5 ms; pass whole ms, at least 1"):
        programs.run("limbacher2020", quick=True, show=0.5)
    with pytest.raises(ValueError, match=r"^delay is looked at from 1500 to 1400 ms of a trial of 2700 ms; pass times"):
        programs.run("mongillo2008", quick=True, pulse_start=1400)


WITHOUT = {  # settings without entries that the table selects, and the start of rows that it then leaves out or has
    "song2000": (
        {"steps": (0.2, 0.05, 0.4), "seconds": 100, "every": 25, "inputs": 20},
        "Brian2's example: weights below 0.2 gmax after",
    ),
    "ellwood2024": (
        {"seeds": 1, "shares": 0.25, "windows": 700, "trials": 5, "share_trials": 5},
        "spikes that control, threshold, 50 % matched",
    ),
    "engines": (
        {"peaks": 50, "gaps": 20, "d_key": 4, "d_value": 2, "items": 3, "seeds": 2, "neurons": 20},
        "agreement, two phases",
    ),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_a_run_without_entries_of_its_table_ends_and_leaves_those_rows_out(name):
    given, row = WITHOUT[name]
    ds, module = programs.run(name, quick=True, **given), programs.load_program(name)
    rows = ds["quantity"].values.tolist()
    assert rows
    assert not [quantity for quantity in rows if quantity.startswith(row)]
    assert "not_compared" not in ds.attrs
    assert module.caption(ds)
    assert module.figure(ds)


def test_a_table_that_misses_an_entry_does_not_lose_the_run(monkeypatch, tmp_path):
    module = programs.load_program("song2000")
    monkeypatch.setattr(module, "rows", lambda ds: ds.sel(dt=7.0))
    with pytest.warns(
        RuntimeWarning, match=r"^the run is complete, but not its table, which needs an entry .*KeyError"
    ):
        ds = programs.run("song2000", quick=True, seconds=1, every=1, inputs=20)
    assert ds.rate.notnull().all()
    assert programs.table(ds).startswith("no table, which needs an entry that this run does not have (KeyError: ")
    results.save(ds, tmp_path / "song.nc")
    assert programs.table(results.load(tmp_path / "song.nc")) == programs.table(ds)


def test_the_usual_settings_given_by_name_are_the_usual_run():
    usual = programs.run("song2000", quick=True, seconds=2, every=1, inputs=100)
    given = {"g_max": "0.015,0.01", "rate": 15, "steps": "0.1,0.2"}
    same = programs.run("song2000", quick=True, seconds=2, every=1, inputs=100, **given)
    assert usual.drop_attrs().identical(same.drop_attrs())
