"""Conditions of a table: parameters that they share and that each has for itself; and threads."""

import numpy as np
import pytest

import synfwp as fw
from synfwp.plasticity import protocols

LAGS = [-40.0, -20.0, -10.0, -5.0, 5.0, 10.0, 20.0, 40.0]
DRUGS = {"control": fw.PairSTDP(A_plus=0.01, A_minus=0.006, tau_plus=15.0, tau_minus=30.0),
         "drug": fw.PairSTDP(A_plus=0.004, A_minus=0.006, tau_plus=15.0, tau_minus=30.0)}  # fmt: skip


def table(sem=0.02, seed=0, rules=DRUGS):
    """The same lags under two conditions."""
    rng = np.random.default_rng(seed)
    lag, label = np.tile(LAGS, len(rules)), np.repeat(list(rules), len(LAGS))
    runs = [protocols.pairs(dt=dt) for dt in LAGS]
    dw = np.concatenate([[rule.dw(run.pre, run.post) for run in runs] for rule in rules.values()])
    columns = {
        "dt_ms": lag,
        "dw": dw + sem * rng.standard_normal(dw.size),
        "sem": np.full(dw.size, 0.02),
        "what": label,
    }
    return fw.read_table(columns, dw="dw", sem="sem", percent=False, condition="what")


def test_one_amplitude_differs_between_conditions_and_the_rest_is_shared():
    found = fw.fit(fw.PairSTDP, table(), condition="condition", per=["A_plus"], starts=6)
    lines = found.table()
    assert lines.index.tolist() == ["A_plus[control]", "A_plus[drug]", "A_minus", "tau_plus", "tau_minus"]
    for label, rule in DRUGS.items():
        low, high = lines.low[f"A_plus[{label}]"], lines.high[f"A_plus[{label}]"]
        assert abs(rule.A_plus - (low + high) / 2) < 2.04 * (high - low) / 2  # four standard errors
        assert found.rules[label].A_plus == found.estimate.values[f"A_plus[{label}]"]
        assert found.rules[label].tau_plus == found.estimate.values["tau_plus"]
    assert lines.high["A_plus[drug]"] < lines.low["A_plus[control]"]
    assert found.tested() == pytest.approx(found.error)
    with pytest.raises(ValueError, match=r"A_plus differ between conditions; take one of rules"):
        _ = found.rule
    with pytest.raises(ValueError, match="condition"):
        found.predict([protocols.pairs(dt=10.0)])
    at = found.predict([protocols.pairs(dt=10.0)] * 2, ["drug", "control"])
    assert at.dw_high[0] < at.dw_low[1]


def test_parameters_that_all_differ_are_those_of_two_fits():
    data, names = table(), ["A_plus", "A_minus", "tau_plus", "tau_minus"]
    both = fw.fit(fw.PairSTDP, data, condition="condition", per=names, starts=8)
    for label in DRUGS:
        alone = fw.fit(fw.PairSTDP, data, where=(data.condition == label).values, starts=8).table()
        for name in names:
            one = both.table().loc[f"{name}[{label}]"]
            # ends of intervals are searched for to a thousandth of the root of their quantile
            np.testing.assert_allclose(one[["value", "low", "high"]].astype(float),
                                       alone.loc[name, ["value", "low", "high"]].astype(float), rtol=5e-3)  # fmt: skip


def test_conditions_are_left_out_as_a_whole_and_one_that_differs_is_predicted_badly():
    shared = fw.fit(fw.PairSTDP, table(), condition="condition", starts=6)
    alike = fw.fit(fw.PairSTDP, table(rules={"a": DRUGS["drug"], "b": DRUGS["drug"]}), condition="condition", starts=6)
    assert shared.left_out > 5 > alike.left_out
    assert shared.rule == shared.rules["drug"] == shared.rules["control"]
    own = fw.fit(fw.PairSTDP, table(), condition="condition", per=["A_plus"], starts=6)
    comparison = fw.compare({"shared": shared, "own": own})
    assert comparison.delta_aicc["own"] == 0.0 < comparison.delta_aicc["shared"]


def test_cells_are_averaged_within_a_condition():
    columns = {
        "dt_ms": [10] * 6,
        "dw_percent": [40, 60, 50, 10, 30, 20],
        "cell": list("abcabc"),
        "what": list("xxxyyy"),
    }
    data = fw.read_table(columns, cell="cell", condition="what")
    assert data.condition.values.tolist() == ["x", "y"]
    np.testing.assert_allclose(data.dw_mean, [0.5, 0.2])


@pytest.mark.kernels
def test_numbers_do_not_depend_on_threads():
    how = {"fixed": {"tau_minus": 30.0}, "starts": 4, "intervals": "bootstrap", "draws": 3, "seed": 3}
    first, second = (fw.fit(fw.PairSTDP, "nevian_sakmann2006_bursts", threads=n, **how) for n in (1, 3))
    assert first.estimate.minima == second.estimate.minima
    assert first.table().equals(second.table())


@pytest.mark.parametrize(
    ("error", "message", "how"),
    [
        (ValueError, "per is ['A_plus'] but condition is None", {"per": ["A_plus"]}),
        (TypeError, "per is 'A_plus'; pass a list", {"per": "A_plus", "condition": "condition"}),
        (ValueError, "unknown variable of the table in condition 'drug'", {"condition": "drug"}),
        (ValueError, "condition has shape (2,); pass one label for each of 16 points", {"condition": ["a", "b"]}),
        (ValueError, "unknown free parameter in per 'A'", {"condition": "condition", "per": ["A"]}),
        (
            ValueError,
            "unknown free parameter in per 'A_plus'",
            {"condition": "condition", "per": ["A_plus"], "fixed": {"A_plus": 0.01}},
        ),
    ],
)
def test_conditions_that_cannot_be_are_refused(error, message, how):
    with pytest.raises(error) as raised:
        fw.fit(fw.PairSTDP, table(), **how)
    assert message in str(raised.value)
