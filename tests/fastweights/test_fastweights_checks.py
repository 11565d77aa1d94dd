"""What bad input gets at the door to exact rules."""

import numpy as np
import pytest
import xarray as xr
from autograd import grad

import synfwp as fw
from synfwp import fastweights
from synfwp.autograd import scan as traced

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
    "text": ({"beta": "one"}, TypeError, r"^beta is of type str"),
    "ragged": ({"v": [[1.0], [1.0, 2.0]]}, ValueError, r"^v is a ragged list"),
    "masked": (
        {"v": np.ma.masked_array(np.ones((2, 5, 4)))},
        TypeError,
        r"^v is a MaskedArray, which carries a mask",
    ),
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
        r"^k is a DataArray, which carries labels;.*synfwp\.simulate",
    ),
    "no threads": ({"threads": 0}, ValueError, r"^threads is 0; pass an integer of at least 1"),
    "erase unused": ({"erase": (1, 2)}, ValueError, r"^rule 'gated_delta' does not use erase; leave it out"),
    "aux0 unused": ({"aux0": np.zeros(3)}, ValueError, r"^rule 'gated_delta' does not use aux0; leave it out"),
}
k2, v2 = np.full((2, 5, 2, 3), 0.3), np.full((2, 5, 2, 4), 0.3)
k3 = np.full((2, 5, 3), 0.3)
SELF = {"rule": "self_referential", "k": None, "v": None, "beta": None, "decay": None, "W0": np.ones((11, 3))}
gate3, unit3 = np.full((2, 5, 3), 0.5), np.full((2, 5, 3), 3**-0.5)
RULE_REFUSES = {  # arguments that rules of other shapes take, and what is wrong with them
    "dplr without erase": (
        {"rule": "dplr", "decay": gate3},
        r"^rule 'dplr' needs erase=\(p, r\), two arrays .*NoneType",
    ),
    "dplr with one key": ({"rule": "dplr", "decay": gate3, "erase": (gate3,)}, r"needs erase=\(p, r\).*; got 1 items"),
    "dplr with half a pair": ({"rule": "dplr", "decay": gate3, "erase": (gate3, None)}, r"needs erase=\(p, r\)"),
    "dplr with a stack": ({"rule": "dplr", "decay": gate3, "erase": k2}, r"needs erase=\(p, r\).*; got ndarray"),
    "dplr of another d_k": (
        {"rule": "dplr", "decay": gate3, "erase": (gate3, np.ones((2, 5, 4)))},
        r"^r has shape \(2, 5, 4\); it must broadcast to \(2, 5, 3\)",
    ),
    "dplr without decay": ({"rule": "dplr", "decay": None, "erase": (gate3, gate3)}, r"^rule 'dplr' needs decay"),
    "householder with v": (
        {"rule": "householder", "k": unit3, "beta": None, "decay": None, "W0": np.ones((4, 3))},
        r"^rule 'householder' writes no values; pass v=None",
    ),
    "householder without W0": (
        {"rule": "householder", "k": unit3, "v": None, "beta": None, "decay": None},
        r"^rule 'householder' writes nothing; pass the W0 \(\.\.\., d_v, d_k\) that it transforms",
    ),
    "householder with a number for W0": (
        {"rule": "householder", "k": unit3, "v": None, "beta": None, "decay": None, "W0": 1.0},
        r"^W0 has shape \(\); pass \(\.\.\., d_v, d_k\)",
    ),
    "householder with beta": (
        {"rule": "householder", "k": unit3, "v": None, "decay": None, "W0": np.ones((4, 3))},
        r"^rule 'householder' does not use beta",
    ),
    "self-reference with keys": (SELF | {"k": k3}, r"^rule 'self_referential' takes no keys; pass k=None"),
    "self-reference with values": (SELF | {"v": k3}, r"^rule 'self_referential' takes no values; pass v=None"),
    "self-reference with beta": (SELF | {"beta": 0.5}, r"^rule 'self_referential' does not use beta; leave it out"),
    "self-reference with decay": (SELF | {"decay": 0.5}, r"^rule 'self_referential' does not use decay; leave it out"),
    "self-reference with a pair": (SELF | {"erase": (k3, k3)}, r"^rule 'self_referential' does not use erase"),
    "self-reference with aux0": (SELF | {"aux0": k3}, r"^rule 'self_referential' does not use aux0"),
    "self-reference without W0": (
        SELF | {"W0": None},
        r"^rule 'self_referential' reads all .*; pass the W0 \(\.\.\., d_y \+ 2 d \+ 4, d\) that it starts from",
    ),
    "self-reference without a row to read": (
        SELF | {"W0": np.ones((10, 3))},
        r"^W0 has shape \(10, 3\); pass \(\.\.\., d_y \+ 2 d \+ 4, d\): at least 1 row to read, 3 for keys",
    ),
    "self-reference with another d": (
        SELF | {"W0": np.ones((11, 2))},
        r"^W0 has shape \(11, 2\); it must broadcast to \(2, 11, 3\)",
    ),
    "self-reference with a number for W0": (SELF | {"W0": 1.0}, r"^W0 has shape \(\); pass \(\.\.\., d_y \+ 2 d"),
    "self-reference of no time": (SELF | {"q": np.ones(3)}, r"^q has shape \(3,\); pass \(\.\.\., time, feature\)"),
    "self-reference of a number": (SELF | {"q": 1.0}, r"^q has shape \(\); pass \(\.\.\., time, feature\)"),
    "self-reference of no features": (
        SELF | {"q": np.ones((2, 5, 0))},
        r"^q has shape \(2, 5, 0\); it needs at least 1 feature",
    ),
    "self-reference with nan": (SELF | {"q": hole((2, 5, 3), nan)}, r"^q holds nan at index \(1, 2, 0\)"),
    "softmax with beta": ({"rule": "softmax", "decay": None}, r"^rule 'softmax' does not use beta; leave it out"),
    "softmax with W0": (
        {"rule": "softmax", "beta": None, "decay": None, "W0": np.ones((4, 3))},
        r"^rule 'softmax' does not use W0; leave it out",
    ),
    "one write for two": (
        {"rule": "delta_product(2)", "decay": None},
        r"^k has shape .*; pass \(\.\.\., time, 2, feature\)",
    ),
    "two writes for three": (
        {"rule": "delta_product(3)", "k": k2, "v": v2, "beta": None, "decay": None},
        r"^k has shape \(2, 5, 2, 3\); pass \(\.\.\., time, 3, feature\)",
    ),
    "beta of one write for two": (
        {"rule": "delta_product(2)", "k": k2, "v": v2, "decay": None},
        r"^beta has shape \(2, 5\); it must broadcast to \(2, 5, 2\)",
    ),
    "no writes": ({"rule": "delta_product(0)"}, r"^n of DELTA_PRODUCT is 0; pass an integer of at least 1"),
    "a product without n": (
        {"rule": "delta_product"},
        r"^unknown rule 'delta_product'; did you mean 'delta_product\(2\)'",
    ),
    "decay per key for gated oja": (
        {"rule": "gated_oja", "decay": gate3},
        r"^decay has shape \(2, 5, 3\); it must broadcast to \(2, 5, 4\)",
    ),
    "gated oja without decay": ({"rule": "gated_oja", "decay": None}, r"broadcast to \(\.\.\., T, d_v\)"),
    "linear attention with beta": ({"rule": "linear_attention", "decay": None}, r"does not use beta; leave it out"),
    "a mean without a number": (
        {"rule": "covariance", "decay": None, "aux0": np.zeros(3)},
        r"^aux0 has shape \(3,\); it must broadcast to \(2, 4\)",
    ),
    "a mean of minus one key": (
        {"rule": "covariance", "decay": None, "aux0": np.array([0.0, 0, 0, -1])},
        r"^aux0 holds -1 as the number of keys so far; pass the aux of an earlier run",
    ),
}
REFUSED_BY_SCAN = {
    "momentum": ({"momentum": 0.5}, ValueError, r"does not use momentum"),
    "ridge": ({"ridge": 0.5}, ValueError, r"does not use ridge"),
    "a chunk of nothing": (
        {"form": "chunkwise", "chunk": 0},
        ValueError,
        r"^chunk is 0; pass an integer of at least 1",
    ),
    "half a chunk": ({"form": "chunkwise", "chunk": 0.5}, TypeError, r"^chunk is 0\.5; pass an integer"),
    "a chunk of no form": ({"chunk": 8}, ValueError, r"^chunk is 8 but form is None; pass chunk with form='chunkwise'"),
    "a chunk of another form": ({"form": "parallel", "chunk": 8}, ValueError, r"^chunk is 8 but form is 'parallel'"),
    "momentum of a rule that writes itself": (SELF | {"momentum": 0.5}, ValueError, r"does not use momentum"),
    "ridge of a rule that writes itself": (SELF | {"ridge": 0.5}, ValueError, r"does not use ridge"),
    "self-reference by chunks": (
        SELF | {"form": "chunkwise"},
        ValueError,
        r"^rule 'self_referential' has no form 'chunkwise'; it has 'recurrent'\.$",
    ),
    "a form of another rule": (
        {"rule": "gated_oja", "decay": np.ones((2, 5, 4)), "form": "parallel"},
        ValueError,
        r"^rule 'gated_oja' has no form 'parallel'; it has 'recurrent', 'chunkwise'\.$",
    ),
    "softmax as a recurrence": (
        {"rule": "softmax", "beta": None, "decay": None, "form": "recurrent"},
        ValueError,
        r"^rule 'softmax' has no form 'recurrent'; it has 'parallel', 'attention'\.$",
    ),
    "states of softmax": (
        {"rule": "softmax", "beta": None, "decay": None, "states": 1},
        ValueError,
        r"^rule 'softmax' has no state W; leave states out",
    ),
    "threads of another form": ({"form": "chunkwise", "threads": 0}, ValueError, r"^threads is 0"),
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


@pytest.mark.parametrize("case", RULE_REFUSES)
@pytest.mark.parametrize("door", [fw.scan, fw.vjp, fastweights.gradients])
def test_what_a_rule_cannot_take_is_refused_with_what_to_pass(door, case):
    changes, words = RULE_REFUSES[case]
    with pytest.raises(ValueError, match=words) as refused:
        call(door, good(**changes))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("case", REFUSED_BY_SCAN)
def test_an_argument_that_the_rule_or_form_does_not_use_is_refused_by_name(case):
    changes, kind, words = REFUSED_BY_SCAN[case]
    with pytest.raises(kind, match=words):
        call(fw.scan, good(**changes))


def test_the_arguments_refused_above_are_right_but_for_what_was_changed():
    call(fw.scan, good())
    call(fw.vjp, good())


ATTENTION_REFUSES = {
    "oja": ({"rule": "oja"}, r"^rule 'oja' has no form 'attention'; it has 'recurrent', 'chunkwise'\.$"),
    "self-reference": (
        {"rule": "self_referential"},
        r"^rule 'self_referential' has no form 'attention'; it has 'recur",
    ),
    "an oja of one's own": (
        {"rule": fw.Rule(name="mine", error="key", erase="beta")},
        r"^rule 'mine' is not linear in v, so it has no attention matrix; run it with synfwp\.scan",
    ),
    "nothing written": (
        {"rule": fw.Rule(name="forget", erase="beta", write=None)},
        r"^rule 'forget' writes no values, so it has no attention matrix",
    ),
    "a log gate": ({"rule": "leaky_hebb", "decay": -0.1}, r"^decay holds -0\.1; .* multipliers, not logarithms"),
    "no decay": ({"rule": "leaky_hebb"}, r"^rule 'leaky_hebb' needs decay"),
    "ragged": ({"k": [[1.0], [1.0, 2.0]]}, r"^k is a ragged list"),
    "another length": ({"q": np.ones((2, 4, 3))}, r"^k has shape \(2, 5, 3\) but q has 4 time steps"),
}


@pytest.mark.parametrize("case", ATTENTION_REFUSES)
def test_attention_refuses_by_name_too(case):
    changes, words = ATTENTION_REFUSES[case]
    arguments = {"rule": "delta", "q": np.ones((2, 5, 3)), "k": np.ones((2, 5, 3)), **changes}
    with pytest.raises(ValueError, match=words):
        fw.attention(arguments.pop("rule"), arguments.pop("q"), arguments.pop("k"), **arguments)


def test_an_autograd_box_is_refused_and_the_way_to_differentiate_is_named():
    with pytest.raises(TypeError, match=r"^beta is of type autograd ArrayBox;.*synfwp\.autograd\.scan"):
        grad(lambda beta: call(fw.scan, good(beta=beta)).y.sum())(np.full((2, 5), 0.5))


@pytest.mark.parametrize(
    ("cotangents", "kind", "words"),
    [
        ({"dy": np.ones((2, 5, 3))}, ValueError, r"^dy has shape \(2, 5, 3\); .* \(2, 5, 4\)"),
        ({"dW": np.ones((2, 3, 4))}, ValueError, r"^dW has shape \(2, 3, 4\); .* \(2, 4, 3\)"),
        ({"dy": xr.DataArray(np.ones((2, 5, 4)))}, TypeError, r"^dy is a DataArray, which carries labels"),
        ({"dy": np.ones((2, 5, 4), complex)}, TypeError, r"^dy has dtype complex128"),
        ({"daux": np.ones(3)}, ValueError, r"^daux was passed but rule 'gated_delta' has no aux; leave it out"),
    ],
)
def test_a_wrong_cotangent_is_refused_by_name(cotangents, kind, words):
    _, pullback = call(fw.vjp, good())
    with pytest.raises(kind, match=words):
        pullback(**cotangents)


def test_a_cotangent_of_what_a_rule_has_not_is_refused():
    _, pullback = call(fw.vjp, good(rule="softmax", beta=None, decay=None))
    with pytest.raises(ValueError, match=r"^dW was passed but rule 'softmax' has no W; leave it out"):
        pullback(np.ones((2, 5, 4)), np.ones((2, 4, 3)))
    _, pullback = call(fw.vjp, good(rule="covariance", decay=None))
    with pytest.raises(ValueError, match=r"^daux has shape \(2, 3\); pass the shape of its output, \(2, 4\)"):
        pullback(daux=np.ones((2, 3)))


def test_large_finite_numbers_are_not_taken_for_infinite_ones():
    out = fw.scan("hebb", np.full((1, 1), 1e200), np.ones((1, 1)), np.ones((1, 1)))
    assert out.y[0, 0] == 1e200


def test_an_unstable_step_warns_at_the_line_of_the_caller():
    args = good(k=np.ones((2, 5, 3)))
    q, k, v = args["q"], args["k"], args["v"]
    calls = {
        "scan": lambda: fw.scan("delta", q, k, v),
        "vjp": lambda: fw.vjp("delta", q, k, v),
        "attention": lambda: fw.attention("delta", q, k),
        "autograd": lambda: grad(lambda x: traced("delta", q, x, v)[0].sum())(k),
    }
    for name, call in calls.items():
        with pytest.warns(RuntimeWarning, match="unstable step for rule 'delta'") as found:
            call()
        assert {warning.filename for warning in found} == {__file__}, name
