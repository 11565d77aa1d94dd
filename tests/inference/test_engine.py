"""Least squares with standard errors: optima, what is not constrained, and intervals against iminuit's."""

import numpy as np
import pytest
from scipy.stats import t as student

from synfwp.inference.engine import Parameter, Problem, deviance, minimise
from synfwp.inference.intervals import bootstrap, profile, threshold
from synfwp.inference.leave_out import left_out

TIME = np.arange(1.0, 13.0)


def decay(p):
    return p["a"] * np.exp(-TIME / p["tau"]) + p["c"]


def problem(seed=0, sem=0.05, free=("a", "tau"), **more):
    known = {"a": Parameter("a", -5.0, 5.0), "tau": Parameter("tau", 0.2, 100.0, "ms", True)}
    known["c"] = Parameter("c", -2.0, 2.0)
    truth = {"a": 1.5, "tau": 4.0, "c": 0.2}
    data = decay(truth) + 0.05 * np.random.default_rng(seed).standard_normal(TIME.size)
    given = {"fixed": {n: v for n, v in truth.items() if n not in free}, "linear": ("a", "c")} | more
    return Problem(decay, data, tuple(known[n] for n in free), sem=None if sem is None else np.full(12, sem), **given)


def released(p):
    """Depression of a train, linear in A alone."""
    n = np.arange(10)
    return p["A"] * p["U"] * (p["s"] + (1 - p["s"]) * np.exp(-n * p["U"]))


def optima():
    """Five problems whose optimum lies inside the bounds, with known and different standard errors."""

    def saturating(p):
        return p["m"] * TIME / (p["k"] + TIME)

    def peak(p):
        return p["h"] * np.exp(-((TIME - p["at"]) ** 2) / 2 / p["w"] ** 2)

    yield "decay", decay, {"a": 1.5, "tau": 4.0}, {"a": (-5, 5, False), "tau": (0.2, 99, True)}, ("a", "c"), {"c": 0.2}
    yield "offset", decay, {"a": 1.5, "tau": 4.0, "c": 0.2}, {
        "a": (-5, 5, False), "tau": (0.2, 99, True), "c": (-2, 2, False)
    }, ("a", "c"), {}  # fmt: skip
    yield "saturation", saturating, {"m": 1.0, "k": 3.0}, {"m": (0, 9, False), "k": (0.1, 90, True)}, ("m",), {}
    yield "peak", peak, {"h": 1.0, "at": 6.0, "w": 2.0}, {
        "h": (0, 9, False), "at": (1, 12, False), "w": (0.3, 9, True)
    }, ("h",), {}  # fmt: skip
    yield "release", released, {"A": 3.0, "U": 0.4, "s": 0.3}, {
        "A": (0, 20, False), "U": (0.05, 1, True), "s": (0, 1, False)
    }, ("A",), {}  # fmt: skip


@pytest.mark.parametrize("case", list(optima()), ids=lambda case: case[0])
def test_profile_intervals_are_those_of_minos(case):
    iminuit = pytest.importorskip("iminuit")
    _, model, truth, bounds, linear, fixed = case
    size = model(truth | fixed).size
    sem = np.where(np.arange(size) % 2, 0.02, 0.04)
    data = model(truth | fixed) + sem * np.random.default_rng(5).standard_normal(size)
    free = tuple(Parameter(name, low, high, "1", log) for name, (low, high, log) in bounds.items())
    best, found = profile(minimise(Problem(model, data, free, fixed, sem, linear=linear)), 0.95)

    def chi2(*values):
        at = fixed | dict(zip(truth, values, strict=True))
        return float((((data - model(at)) / sem) ** 2).sum())

    minuit = iminuit.Minuit(chi2, *truth.values(), name=list(truth))
    minuit.errordef, minuit.strategy, minuit.tol = 1.0, 2, 1e-4
    minuit.migrad()
    minuit.minos(cl=0.95)
    assert minuit.valid
    assert best.deviance == pytest.approx(minuit.fval, rel=1e-6)
    for name in truth:
        errors, value = minuit.merrors[name], best.values[name]
        assert value == pytest.approx(minuit.values[name], abs=1e-3 * errors.upper)
        assert found[name].constrained
        assert value - found[name].low == pytest.approx(-errors.lower, rel=0.02)
        assert found[name].high - value == pytest.approx(errors.upper, rel=0.02)


def test_starts_end_at_one_minimum_and_the_estimate_does_not_depend_on_the_seed():
    first, second = (minimise(problem(free=("a", "tau", "c")), seed=seed) for seed in (0, 1))
    assert first.deviance == pytest.approx(second.deviance, rel=1e-8)
    assert first.minima[0] == pytest.approx(first.deviance, rel=1e-6)
    assert list(first.minima) == sorted(first.minima)
    assert len(first.minima) == 20
    # the slope of the deviance vanishes there
    for name, step in (("a", 1e-4), ("tau", 1e-3), ("c", 1e-4)):
        sides = [deviance(first.problem, first.values | {name: first.values[name] + s}) for s in (-step, step)]
        assert min(sides) > first.deviance


def test_columns_that_are_found_by_calls_are_those_that_are_given():
    def columns(p):
        return np.stack([np.exp(-TIME / p["tau"]), np.ones(12)], axis=1)

    plain = minimise(problem(free=("a", "tau", "c")))
    given = minimise(problem(free=("a", "tau", "c"), columns=columns))
    for name, value in plain.values.items():
        assert given.values[name] == pytest.approx(value, rel=1e-6)


def test_a_linear_parameter_stays_within_its_bounds():
    data = decay({"a": 1.5, "tau": 4.0, "c": 0.2})
    bounded = (Parameter("a", 0.0, 1.0), Parameter("tau", 0.2, 100.0, "ms", True), Parameter("c", 0.25, 2.0))
    found = minimise(Problem(decay, data, bounded, sem=np.full(12, 0.1), linear=("a", "c")))
    assert found.values["a"] == 1.0
    assert found.values["c"] >= 0.25
    _, intervals = profile(found)
    assert intervals["a"].open_high
    assert not intervals["a"].constrained
    assert intervals["a"].high == 1.0


def test_what_the_data_do_not_constrain_is_named():
    def same(p):
        return (p["a"] + p["b"]) * np.exp(-TIME / 4.0) + 0.0 * p["tau"]

    free = (Parameter("a", 0.0, 1.0), Parameter("b", 0.0, 1.0), Parameter("tau", 1.0, 10.0))
    data = same({"a": 0.3, "b": 0.2, "tau": 2.0}) + 0.01 * np.random.default_rng(0).standard_normal(12)
    found = minimise(Problem(same, data, free, sem=np.full(12, 0.01), linear=("a", "b")))
    assert found.rank == 1
    named = [{name for name, x in one.items() if abs(x) > 0.5} for one in found.loose]
    assert {"tau"} in named
    assert {"a", "b"} in named
    _, intervals = profile(found)
    assert [intervals[name].constrained for name in ("a", "b", "tau")] == [False, False, False]


def test_without_standard_errors_intervals_are_those_of_a_linear_regression():
    slope = Parameter("a", -50.0, 50.0)
    data = np.random.default_rng(2).standard_normal(12) + 0.5 * TIME
    found, intervals = profile(minimise(Problem(lambda p: p["a"] * TIME, data, (slope,), linear=("a",))), 0.9)
    a = float(TIME @ data / (TIME @ TIME))
    error = np.sqrt(((data - a * TIME) ** 2).sum() / 11 / (TIME @ TIME))
    assert found.values["a"] == pytest.approx(a, rel=1e-9)
    # the end is met to 1e-3 of the distance
    assert intervals["a"].high - a == pytest.approx(student.ppf(0.95, 11) * error, rel=2e-3)
    assert a - intervals["a"].low == pytest.approx(student.ppf(0.95, 11) * error, rel=2e-3)
    assert np.sqrt(found.covariance[0, 0]) == pytest.approx(error, rel=1e-6)


def test_one_mean_of_few_cells_has_its_exact_t_interval():
    sem, n = np.array([0.3]), np.array([5])
    p = Problem(lambda p: np.array([p["m"]]), np.array([0.7]), (Parameter("m", -20.0, 20.0),), sem=sem, cells=n)
    found, intervals = profile(minimise(p), 0.95)
    assert found.values["m"] == pytest.approx(0.7, abs=1e-6)
    assert intervals["m"].high - 0.7 == pytest.approx(0.3 * student.ppf(0.975, 4), rel=2e-3)
    assert intervals["m"].kind == "profile, t"


def test_the_slope_of_a_term_of_few_cells_varies_as_much_as_it_curves():
    rng = np.random.default_rng(0)
    for n in (4, 6, 12):
        cells = rng.standard_normal((400_000, n))
        z, s = cells.mean(axis=1), cells.std(axis=1, ddof=1) / np.sqrt(n)
        slope = (n - 2) * z / ((n - 1) * s**2 + z**2)
        curve = (n - 2) * ((n - 1) * s**2 - z**2) / ((n - 1) * s**2 + z**2) ** 2
        spread = np.std(slope**2 - curve) / np.sqrt(400_000)
        assert abs(np.mean(slope**2 - curve)) < 4 * spread


def test_many_cells_are_as_good_as_known_standard_errors():
    known = profile(minimise(problem()))[1]
    many = profile(minimise(problem(cells=np.full(12, 10_000))))[1]
    for name, interval in known.items():
        assert many[name].low == pytest.approx(interval.low, rel=2e-3)
        assert many[name].high == pytest.approx(interval.high, rel=2e-3)


def test_an_interval_at_a_lower_level_lies_within_that_at_a_higher_one():
    best = minimise(problem())
    narrow, wide = profile(best, 0.68)[1], profile(best, 0.95)[1]
    for name in narrow:
        assert wide[name].low < narrow[name].low < best.values[name] < narrow[name].high < wide[name].high


def test_a_bootstrap_has_the_spread_of_the_covariance_and_its_name():
    best = minimise(problem())
    values, intervals = bootstrap(best, 300, seed=1)
    spread = np.sqrt(np.diag(best.covariance))
    for one, name in zip(spread, ("a", "tau"), strict=True):
        # the standard deviation of 300 draws is off by 4 % (one SD); the problem is not quite linear
        assert np.std(values[name]) == pytest.approx(one, rel=0.2)
        assert intervals[name].kind == "parametric bootstrap from sem"
    again, _ = bootstrap(best, 5, seed=1, workers=2)
    assert all((again[name] == values[name][:5]).all() for name in values)


def test_a_point_that_is_left_out_is_predicted_by_the_others():
    best = minimise(problem())
    found = left_out(best).nearest
    kept = np.arange(12) != 4
    other = minimise(problem(used=kept))
    assert found[4] == pytest.approx((best.problem.data[4] - other.model[4]) / 0.05, abs=1e-3)
    labels = np.repeat(["x", "y", "z"], 4)
    grouped = left_out(minimise(problem(condition=labels))).nearest
    other = minimise(problem(used=labels != "y"))
    np.testing.assert_allclose(grouped[4:8], ((best.problem.data - other.model) / 0.05)[4:8], atol=1e-3)


def test_simulated_data_have_the_standard_errors_and_depend_on_the_seed_alone():
    p = problem()
    draws = np.array([p.simulate({"a": 1.0, "tau": 3.0}, seed) for seed in range(400)])
    assert (p.simulate({"a": 1.0, "tau": 3.0}, 7) == draws[7]).all()
    # 400 draws of 12 points: each mean is off by 0.0025 (one SD), the largest of 12 by less than four of them
    np.testing.assert_allclose(draws.mean(axis=0), decay({"a": 1.0, "tau": 3.0, "c": 0.2}), atol=0.01)
    assert draws.std() > 0.05


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: problem(sem=0.0), "sem holds 0.0; pass finite numbers above 0."),
        (lambda: problem(cells=np.full(12, 2)), "cells holds 2.0; pass finite numbers of at least 3."),
        (lambda: problem(sem=None, cells=np.full(12, 5)), "cells is given but sem is not"),
        (lambda: problem(free=()), "free is [] and fixed ['a', 'tau', 'c']; pass at least one free parameter"),
        (lambda: problem(used=np.ones(3, bool)), "used has shape (3,) but data (12,); pass one per point."),
        (lambda: Parameter("a", 1.0, 1.0), "bounds of a are 1 and 1; pass the lower one first."),
        (lambda: Parameter("a", 0.0, 1.0, log=True), "a logarithmic scale needs one above 0."),
        (
            lambda: Problem(decay, TIME, (Parameter("tau", 0.0, np.inf),), {"a": 1.0, "c": 0.0}),
            "bounds of tau are 0 and inf; pass finite ones.",
        ),
        (
            lambda: minimise(Problem(lambda p: np.full(12, np.nan), TIME, (Parameter("a", 0, 1),))),
            "the model gives no finite prediction from any start",
        ),
        (lambda: problem(sem=None).simulate({"a": 1.0, "tau": 1.0}), "the problem has no standard errors"),
        (
            lambda: threshold(minimise(Problem(lambda p: p["a"] * TIME[:1], TIME[:1], (Parameter("a", 0, 9),))), 0.9),
            "1 points without standard errors leave nothing",
        ),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_the_cure(make, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011  (the message is compared below, without a pattern)
        make()
    assert message in str(error.value)


def test_a_lower_minimum_that_a_profile_comes_upon_replaces_the_first():
    def two(p):  # minima near x = -1, above 4, and at 2, of 0
        return np.array([(p["x"] + 1.0) * (p["x"] - 2.0), 0.8 * (p["x"] - 2.0), p["y"]])

    free = (Parameter("x", -4.0, 4.0), Parameter("y", -4.0, 4.0))
    p = Problem(two, np.zeros(3), free, sem=np.ones(3))
    worse = minimise(p, starts=0, near=[{"x": -1.2, "y": 0.0}])
    assert worse.values["x"] < 0
    assert worse.deviance > 4
    best, intervals = profile(worse, 0.95)
    assert best.values["x"] == pytest.approx(2.0, abs=1e-4)
    assert best.deviance < worse.deviance
    assert intervals["x"].low < 2.0 < intervals["x"].high
