"""What bad input gets at the door to exact rules, and when a step is called unstable."""

import warnings

import numpy as np
import pytest
import xarray as xr
from autograd import grad
from strategies import OWN, problem

import synfwp as fw
from synfwp import fastweights

pytestmark = pytest.mark.kernels
nan = float("nan")


def good(**changes):
    """Arguments that are right but for the changes: leading axis 2, T = 5, d_k = 3, d_v = 4."""
    rng = np.random.default_rng(0)
    arguments = {
        name: rng.uniform(0, 0.5, shape) for name, shape in (("q", (2, 5, 3)), ("k", (2, 5, 3)), ("v", (2, 5, 4)))
    }
    return {"rule": "gated_delta", **arguments, "beta": np.full((2, 5), 0.5), "decay": np.full((2, 5), 0.5), **changes}


def call(door, arguments):
    positional = [arguments.pop(name) for name in ("rule", "q", "k", "v", "beta")]
    return door(*positional, **arguments)


def hole(shape, value):
    x = np.full(shape, 0.5)
    x[1, 2] = value
    return x


a32 = np.ones((2, 5), np.float32)
REFUSED = {  # what is passed, the kind of error, and words that must stand in it
    "q of one axis": ({"q": np.ones(3)}, ValueError, r"^q has shape \(3,\); pass \(\.\.\., time, feature\)"),
    "q of another length": ({"q": np.ones((2, 4, 3))}, ValueError, r"^k has shape \(2, 5, 3\) but q has 4 time steps"),
    "v of another length": ({"v": np.ones((2, 6, 4))}, ValueError, r"^k has shape \(2, 5, 3\) but v has 6 time steps"),
    "v of another batch": ({"v": np.ones((5, 4))}, ValueError, r"^k has leading axes \(2,\) but v has \(\)"),
    "q of other features": ({"q": np.ones((2, 5, 2))}, ValueError, r"^q has 2 features but k has 3"),
    "no features": ({"v": np.ones((2, 5, 0))}, ValueError, r"v has 0 features; both need at least 1"),
    "beta of a wrong shape": (
        {"beta": np.ones(4)},
        ValueError,
        r"^beta has shape \(4,\); it must broadcast to \(2, 5\)",
    ),
    "decay per key": ({"decay": np.ones((2, 5, 3))}, ValueError, r"^decay has shape \(2, 5, 3\)"),
    "decay per step": ({"rule": "key_gated_delta"}, ValueError, r"^decay has shape \(2, 5\).* \(2, 5, 3\)"),
    "W0 transposed": ({"W0": np.ones((3, 4))}, ValueError, r"^W0 has shape \(3, 4\); .* \(2, 4, 3\)"),
    "mixed dtypes": ({"beta": a32}, TypeError, r"^mixed dtypes: q float64, .*beta float32"),
    "complex": ({"k": np.ones((2, 5, 3), complex)}, TypeError, r"^k has dtype complex128; pass float64 or float32"),
    "half floats": ({"k": np.ones((2, 5, 3), np.float16)}, TypeError, r"^k has dtype float16"),
    "text": ({"beta": "one"}, TypeError, r"^beta is of type builtins str"),
    "ragged": ({"v": [[1.0], [1.0, 2.0]]}, ValueError, r"^v is a ragged list"),
    "masked": ({"v": np.ma.masked_array(np.ones((2, 5, 4)))}, TypeError, r"^v is of type numpy MaskedArray"),
    "no keys": ({"k": None}, TypeError, r"^k is None"),
    "nan": ({"v": hole((2, 5, 4), nan)}, ValueError, r"^v holds nan at index \(1, 2, 0\)"),
    "inf": ({"W0": hole((2, 4, 3), np.inf)}, ValueError, r"^W0 holds inf at index \(1, 2, 0\)"),
    "minus inf": ({"beta": hole((2, 5), -np.inf)}, ValueError, r"^beta holds -inf at index \(1, 2\)"),
    "negative beta": ({"beta": hole((2, 5), -0.25)}, ValueError, r"^beta holds -0.25; pass numbers of at least 0"),
    "decay above 1": ({"decay": hole((2, 5), 1.5)}, ValueError, r"^decay holds 1.5; pass numbers in \[0, 1\]"),
    "a log decay": ({"decay": hole((2, 5), -0.1)}, ValueError, r"^decay holds -0.1; .* multipliers, not logarithms"),
    "no decay": ({"decay": None}, ValueError, r"^rule 'gated_delta' needs decay"),
    "no decay per key": (
        {"rule": "gated_hebb", "decay": None},
        ValueError,
        r"'gated_hebb' needs decay.*\(\.\.\., T, d_k\)",
    ),
    "decay unused": ({"rule": "delta"}, ValueError, r"^rule 'delta' does not use decay; leave it out"),
    "beta unused": (
        {"rule": fw.Rule(name="fixed", retain="scalar", write=1.0)},
        ValueError,
        r"'fixed' does not use beta",
    ),
    "a wrong name": ({"rule": "gated_detla"}, ValueError, r"^unknown rule 'gated_detla'; did you mean 'gated_delta'\?"),
    "no name": ({"rule": 3}, ValueError, r"^unknown rule 3; choose one of 'hebb'"),
    "labelled": (
        {"k": xr.DataArray(np.ones((2, 5, 3)))},
        TypeError,
        r"^k is of type xarray DataArray;.*synfwp\.simulate",
    ),
    "no threads": ({"threads": 0}, ValueError, r"^threads is 0; pass an integer of at least 1"),
}
REFUSED_BY_SCAN = {
    "erase": ({"erase": (1, 2)}, ValueError, r"^rule 'gated_delta' does not use erase"),
    "momentum": ({"momentum": 0.5}, ValueError, r"does not use momentum"),
    "ridge": ({"ridge": 0.5}, ValueError, r"does not use ridge"),
    "aux0": ({"aux0": np.zeros(3)}, ValueError, r"does not use aux0"),
    "chunk": ({"chunk": 8}, ValueError, r"does not use chunk"),
    "form": ({"form": "recurent"}, ValueError, r"^unknown form 'recurent'; did you mean 'recurrent'\?"),
    "an empty form": ({"form": ""}, ValueError, r"^unknown form ''"),
    "states": ({"states": -1}, ValueError, r"^states is -1; pass an integer of at least 0"),
    "half a state": ({"states": 0.5}, TypeError, r"^states is 0\.5"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("door", [fw.scan, fw.vjp, fastweights.gradients])
def test_a_wrong_argument_is_refused_by_name(door, case):
    changes, kind, words = REFUSED[case]
    if door is fastweights.gradients and case == "no threads":
        changes = {**changes, "dy": np.ones((2, 5, 4))}
    with pytest.raises(kind, match=words) as refused:
        call(door, good(**changes))
    assert type(refused.value) is kind
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("case", REFUSED_BY_SCAN)
def test_an_argument_that_the_rule_or_form_does_not_use_is_refused_by_name(case):
    changes, kind, words = REFUSED_BY_SCAN[case]
    with pytest.raises(kind, match=words):
        call(fw.scan, good(**changes))


def test_the_arguments_refused_above_are_right_but_for_what_was_changed():
    call(fw.scan, good())
    call(fw.vjp, good())


def test_an_autograd_box_is_refused_and_the_way_to_differentiate_is_named():
    with pytest.raises(TypeError, match=r"^beta is of type autograd ArrayBox;.*synfwp\.autograd\.scan"):
        grad(lambda beta: call(fw.scan, good(beta=beta)).y.sum())(np.full((2, 5), 0.5))


@pytest.mark.parametrize(
    ("cotangents", "kind", "words"),
    [
        ({"dy": np.ones((2, 5, 3))}, ValueError, r"^dy has shape \(2, 5, 3\); .* \(2, 5, 4\)"),
        ({"dW": np.ones((2, 3, 4))}, ValueError, r"^dW has shape \(2, 3, 4\); .* \(2, 4, 3\)"),
        ({"dy": xr.DataArray(np.ones((2, 5, 4)))}, TypeError, r"^dy is of type xarray DataArray"),
        ({"dy": np.ones((2, 5, 4), complex)}, TypeError, r"^dy has dtype complex128"),
        ({"daux": np.ones(3)}, ValueError, r"^daux was passed but rule 'gated_delta' has no aux"),
    ],
)
def test_a_wrong_cotangent_is_refused_by_name(cotangents, kind, words):
    _, pullback = call(fw.vjp, good())
    with pytest.raises(kind, match=words):
        pullback(**cotangents)


def test_large_finite_numbers_are_not_taken_for_infinite_ones():
    out = fw.scan("hebb", np.full((1, 1), 1e200), np.ones((1, 1)), np.ones((1, 1)))
    assert out.y[0, 0] == 1e200


# --- stability -------------------------------------------------------------------------------------------------------


def warned(rule, k, beta, decay=None):
    """The warnings of one step with key k."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fw.scan(rule, k[None], k[None], np.ones((1, 2), k.dtype), beta, decay=decay)
    return caught


def unit(d, dtype, seed):
    k = np.random.default_rng(seed).standard_normal(d).astype(dtype)
    return k / np.sqrt((k * k).sum())


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("d", [1, 7, 64])
def test_a_delta_step_of_two_is_stable_and_one_of_2_01_warns(d, dtype):
    for seed in range(10):
        k = unit(d, dtype, seed)
        assert not warned("delta", k, 2.0)
        (warning,) = warned("delta", k, 2.01)
        assert warning.category is RuntimeWarning
        assert "unstable step for rule 'delta': 1.005 times its bound (beta |k|^2 <= 2)" in str(warning.message)
        assert warning.filename == __file__


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("rule", "bound"),
    [  # the largest beta for a unit key at decay .5
        ("gated_delta", 3.0),  # a b <= 1 + a
        ("key_gated_delta", 3.0),  # b a / (1 + a) <= 1
        (OWN["undecayed delta"], 1.5),  # b <= 1 + a
        (OWN["undecayed key-gated delta"], 1.5),
    ],
)
def test_the_bound_of_a_rule_with_decay_is_where_the_warning_begins(rule, bound, dtype):
    k = unit(5, dtype, 0)
    assert not warned(rule, k, bound, 0.5)
    assert len(warned(rule, k, bound * 1.005, 0.5)) == 1


@pytest.mark.parametrize("rule", ["hebb", "anti_hebb"])
def test_a_rule_that_erases_nothing_never_warns(rule):
    assert not warned(rule, np.full(3, 1e6), 1e6)


def test_one_unstable_step_among_many_warns_once_and_names_the_worst(rng):
    p = problem(fw.DELTA, rng, 6, 3, 2, (4,))
    beta = p.beta.copy()
    beta[2, 3] = 3 / np.sum(p.k[2, 3] ** 2)
    with pytest.warns(RuntimeWarning, match=r"1\.5 times") as caught:
        fw.vjp("delta", p.q, p.k, p.v, beta)[1](p.v)
    assert len(caught) == 1


def test_a_row_that_adds_what_it_predicts_warns_though_it_states_no_bound():
    grows = fw.Rule(name="grows", erase="-beta")
    (warning,) = warned(grows, unit(3, float, 0), 0.1)
    assert "eigenvalues of a step in [-1, 1]" in str(warning.message)
