"""Identities and theory: all hold in a quick run, and a rule that is not what it is called is seen."""

import model_checks
import numpy as np
import pytest

from analyses import identities as program
from synfwp import rules

NAME = "identities"


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return model_checks.run_quick(NAME, tmp_path_factory)


def test_the_run_prints_its_table_and_is_labelled(quick):
    model_checks.check_output(*quick, ("residual", "squared norm", "(a)", "(b)", "(c)"))
    model_checks.check_labels(quick[1])
    model_checks.check_figure(NAME, quick[1], "abc", (183, 70))


def test_every_identity_holds_to_rounding_and_every_form_of_every_rule_is_one(quick):
    ds = quick[1]
    assert float(ds.residual.max()) < program.ROUNDING
    for rule in rules.RULES.values():
        for form in set(rule.forms) - {"recurrent"} if "recurrent" in rule.forms else ():
            assert f"{rule.name}: {form} is recurrent" in ds.identity


def test_averages_are_those_of_theory_within_three_standard_errors(quick):
    ds = quick[1]
    table = ds.sel(quantity=ds.quantity[(ds.kind == "theory").values & (ds.sd > 1e-12).values])
    off = np.abs(table.difference) / table.error
    assert len(off) >= 10
    assert float(off.max()) < 6  # of four seeds: t with three degrees of freedom


@pytest.mark.parametrize(("identity", "other"), [
    ("eigenvalues of delta", {"erase": 1.1}), ("longhorn is the minimum of its objective", {"write": "beta"}),
    ("delta is a step down the gradient of its loss", {"erase": None}),
    ("oja is delta with key and value exchanged, transposed", {"error": "value"}),
    ("mesa is ridge regression on all writes so far", None),
])  # fmt: skip
def test_an_identity_fails_for_another_rule(identity, other, monkeypatch):
    """Each residual sees a rule that differs from the one it is named after."""
    scan = program.fw.scan

    def wrong(name, *args, **given):
        if name in ("delta", "longhorn", "oja") and name in identity and (name == "oja" or "oja" not in identity):
            from dataclasses import replace

            row = rules.RULES[name]
            name = replace(row, name="other", **other) if name != "oja" else "hebb"
        if name == "mesa":
            given["ridge"] = given["ridge"] * 1.01
        return scan(name, *args, **given)

    monkeypatch.setattr(program.fw, "scan", wrong)
    check = program.checks()[identity]
    assert check(program.QUICK, np.random.default_rng(0)) > 1e-4
