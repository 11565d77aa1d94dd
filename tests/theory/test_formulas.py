"""Every closed form has its kind, condition, source and simulation, which refuses plausible changes of it."""

import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from theory.simulations import CASES

from synfwp import theory as forms
from synfwp.cite import entries
from synfwp.theory.formulas import DERIVED, KINDS, Formula

for path in sorted(Path(__file__).parent.glob("cases_*.py")):  # they enter their cases
    import_module(f"theory.{path.stem}")
NAMES = sorted(name for name in forms.__all__ if name not in ("FORMULAS", "Formula") and callable(getattr(forms, name)))


def test_every_public_function_is_in_the_table_and_has_a_simulation() -> None:
    assert sorted(forms.FORMULAS) == NAMES
    assert all(forms.FORMULAS[name].function is getattr(forms, name) for name in NAMES)
    assert {case.name for case in CASES} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_formula_has_kind_condition_and_sources_of_the_bibliography(name: str) -> None:
    one = forms.FORMULAS[name]
    assert one.kind in KINDS
    assert len(one.condition) > 10
    if one.source != DERIVED:
        keys = re.findall(r"\b[a-z]+\d{4}[a-z]*\b", one.source)
        assert keys
        assert set(keys) <= set(entries())
    assert (one.kind == "exact") == (one.band == 0)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_simulation_agrees_with_its_formula_and_with_no_change_of_it(case) -> None:
    sample, one = case.sample(), forms.FORMULAS[case.name]
    assert len(sample) >= 20
    assert not case.differs(sample, case.value()).any(), (sample.mean(axis=0), case.value())
    error = sample.std(axis=0, ddof=1) / np.sqrt(len(sample))
    if one.band:  # it resolves the band
        assert (error <= one.allowed(case.seen(np.asarray(case.value(), float))) / 2).all(), (error, one.band)
    for text, wrong in case.wrong.items():
        assert case.differs(sample, wrong(**case.given)).any(), text


def test_a_formula_of_no_kind_or_with_a_band_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind 'exac'; did you mean 'exact'"):
        Formula(np.sum, "exac", "", "")
    with pytest.raises(ValueError, match=r"band is 0\.1 of a formula that is exact"):
        Formula(np.sum, "exact", "", "", 0.1)
    with pytest.raises(ValueError, match=r"band is 0\.0 of a formula that is approximate"):
        Formula(np.sum, "approximate", "", "")


def test_a_band_that_is_a_share_grows_with_the_value() -> None:
    assert Formula(np.sum, "approximate", "", "", 0.1, relative=True).allowed([1.0, -2.0]).tolist() == [0.1, 0.2]
    assert Formula(np.sum, "approximate", "", "", 0.1).allowed([1.0, -2.0]).tolist() == [0.1, 0.1]
