"""Which rule recorded weights follow: verdicts, what shared noise does, designs that show too little."""

import numpy as np
import pytest

import synfwp as fw
from synfwp import programs
from synfwp.inference import FromActivity, FromWeights, regression

program = programs.load_program("which_rule")
SIZE = program.FULL._replace(sessions=8)


def recorded(rule, observed="all, W lagged", noise=0.05, seed=0):
    """Arguments of one recording."""
    return program.recording(SIZE, rule, observed, noise, fw.seeds.generator(seed, f"test {rule} {observed}"))


@pytest.mark.parametrize("rule", program.RULES)
def test_a_rule_is_told_from_weights_without_noise_and_with(rule):
    assert fw.infer_rule(**recorded(rule, noise=0.0)).verdict == rule
    found = [fw.infer_rule(**recorded(rule, seed=seed)).verdict for seed in range(4)]
    assert found.count(rule) >= 3  # each is excluded with a probability of about 0.01


@pytest.mark.parametrize(("rule", "verdict"), [("hebb", "Hebb"), ("anti_hebb", "anti-Hebb"), ("delta", "delta"),
                                               ("covariance", "covariance")])  # fmt: skip
def test_the_rules_of_the_table_are_told_from_the_weights_that_they_write(rule, verdict, rng):
    k = (rng.random((200, 6)) < np.linspace(0.2, 0.8, 6)) * rng.gamma(4.0, 0.15, (200, 6))
    v = rng.gamma(2.0, 0.5, (200, 5))
    W = np.stack([fw.scan(rule, k[:t], k[:t], v[:t], np.full(t, 0.2)).W for t in range(1, 201)])
    found = fw.infer_rule(k, v, np.concatenate([np.zeros((1, 5, 6)), W]))
    assert found.verdict == verdict
    if rule == "delta":
        assert float(found.write) == pytest.approx(0.2, abs=1e-6)
        assert float(found.erase) == pytest.approx(0.2, abs=1e-6)
        assert float(found.retain) == pytest.approx(1.0, abs=1e-6)


def test_the_same_noise_on_both_sides_invents_a_decay_and_an_instrument_does_not(rng):
    true = np.broadcast_to(rng.standard_normal((12, 12)), (301, 12, 12))
    W, other = true + 0.5 * rng.standard_normal((2, *true.shape))
    k, v = rng.gamma(1.0, 0.3, (300, 12)), rng.gamma(2.0, 0.5, (300, 12))
    naive = fw.infer_rule(k, v, W, how=FromWeights(instrument="none"))
    size = float(np.mean(true[0] ** 2))
    assert float(naive.retain) - 1 == pytest.approx(-0.25 / (0.25 + size), abs=0.02)
    assert naive.verdict != "none"
    assert float(naive.r2_held_out) > 0.05  # what is left out shares the noise, and shows nothing
    for more in ({}, {"W_split": other}):
        found = fw.infer_rule(k, v, W, **more)
        assert found.verdict == "none"
        at = found.sel(term="W")
        assert abs(float(at.coefficient)) < 4 * float(at.sem) < 0.02
    x, y = W[:-1].ravel(), np.diff(W, axis=0).ravel()
    assert program.deming(x, y, 2.0) < float(naive.retain) - 1  # the error is one, and Deming's regression takes two


@pytest.mark.parametrize("observed", [name for name, hidden in program.HIDDEN.items() if hidden])
def test_a_design_that_does_not_identify_a_rule_cannot_tell_and_others_are_told(observed):
    hidden = program.HIDDEN[observed]
    for rule in hidden:
        found = fw.infer_rule(**recorded(rule, observed))
        assert found.verdict == "cannot tell"
        assert found.reason
    for rule in {"anti-Hebb", "none"} - set(hidden):
        assert fw.infer_rule(**recorded(rule, observed)).verdict == rule


def test_the_reason_names_the_rules_and_the_terms_that_are_one():
    found = fw.infer_rule(**recorded("Oja", "values of one size"))
    assert "Oja, Hebb and decay" in found.reason
    assert "v v W" in found.reason
    assert float(found.condition_number) > 30
    found = fw.infer_rule(**recorded("Hebb", "post is recall"))
    assert float(found.vif.sel(term="v k")) > 100
    assert "delta" in found.reason


@pytest.mark.parametrize("rule", program.CONTROLS)
def test_what_is_none_of_the_rules_is_not_called_one(rule):
    assert fw.infer_rule(**recorded(rule)).verdict == "cannot tell"


def test_too_few_trials_under_noise_are_no_evidence_for_none():
    one = program.recording(SIZE._replace(sessions=1), "decay", "all, W lagged", 0.5, fw.seeds.generator(0, "few"))
    found = fw.infer_rule(**one)
    assert found.verdict == "cannot tell"
    assert "more trials" in found.reason


def test_shuffled_pairs_are_not_hebbian(rng):
    made = recorded("Hebb")
    assert fw.infer_rule(**made | {"pre": made["pre"][:, rng.permutation(SIZE.items)]}).verdict != "Hebb"


def test_the_true_rule_is_excluded_about_as_often_as_the_level():
    p = [float(fw.infer_rule(**recorded("delta", noise=0.2, seed=i)).p.sel(rule="delta")) for i in range(60)]
    assert np.mean(np.array(p) < 0.1) < 0.25  # 0.1 expected; P(15 or more of 60) is 1e-3
    assert np.mean(np.array(p) < 0.5) > 0.25


def test_coefficients_and_errors_are_those_of_least_squares_and_of_sums_over_pairs(rng):
    made = recorded("Hebb", noise=0.2)
    recording = regression.Recording(made["W"], made["pre"], made["post"], regression.running_mean(made["pre"]), None)
    data = regression.design(recording._replace(W=recording.W[:1], k=recording.k[:1], v=recording.v[:1],
                                                trace=recording.trace[:1]), "none")  # fmt: skip
    fit = regression.two_stages(data, 5)
    synapse, trial = (np.broadcast_to(one, data.shape).ravel() for one in (np.arange(64), np.arange(25)[:, None]))
    X = data.X[:, :5]
    expected = np.linalg.lstsq(X, data.y, rcond=None)[0]
    np.testing.assert_allclose(fit.coefficient, expected, rtol=1e-8)
    moments = X * (data.y - X @ expected)[:, None]
    same, together = (np.equal.outer(one, one) for one in (synapse, trial))
    synapses = moments.T @ same @ moments
    both = moments.T @ (same | together) @ moments
    inverse = np.linalg.inv(X.T @ X)
    small = 25 / 20  # groups over groups less terms
    least, found = (np.sqrt(np.diag(inverse @ one @ inverse * small)) for one in (synapses, both))
    assert (fit.sem > 0.999 * least).all()
    assert (fit.sem > 0.999 * np.nan_to_num(found)).all()
    white = np.sqrt(np.diag(inverse) * np.mean((data.y - X @ expected) ** 2))
    assert (fit.sem < 5 * white).all()


def test_vif_is_that_of_the_regression_on_the_other_columns(rng):
    X = rng.standard_normal((200, 3))
    X[:, 2] += 3 * X[:, 0]
    rest = X[:, 2] - X[:, :2] @ np.linalg.lstsq(X[:, :2], X[:, 2], rcond=None)[0]
    assert regression.vif(X)[2] == pytest.approx(X[:, 2] @ X[:, 2] / (rest @ rest))
    assert regression.vif(np.column_stack([X, X[:, 0] + X[:, 1]]))[3] == np.inf


def test_events_of_a_trial_add_up(rng):
    k, v, W = rng.random((1, 3, 4, 2)), rng.random((1, 3, 4, 5)), rng.random((1, 3, 5, 2))
    whole = regression.regressors(W, k, v, k)
    parts = sum(regression.regressors(W, *(one[:, :, [e]] for one in (k, v, k))) for e in range(4))
    decay = [i for i, name in enumerate((*regression.TERMS, *regression.MORE)) if name == "W"]
    np.testing.assert_allclose(np.delete(whole, decay, -1), np.delete(parts, decay, -1))
    np.testing.assert_array_equal(whole[..., decay[0]], W)


def test_what_does_not_belong_together_is_refused_by_name(rng):
    k, v, W = rng.random((20, 4)), rng.random((20, 3)), rng.random((21, 3, 4))
    for arguments, text in (
        ({"W": W[:-1]}, r"W has shape \(20, 3, 4\) beside 1 x 20 trials"),
        ({"W": W, "post": v[:-1]}, r"pre has shape \(20, 4\) and post \(19, 3\)"),
        ({"W": W, "trace": k[:, :2]}, "trace has shape"),
        ({"W": W[:3], "pre": k[:2], "post": v[:2]}, "12 synapses in 1 sessions of 2 trials"),
        ({"W": W, "reward": np.ones(20)}, r"reward is not used with how=FromWeights\(\)"),
        ({"W": W, "how": FromActivity()}, r"W is not used with how=FromActivity\(\)"),
        ({"W": W, "how": FromWeights(instrument="split")}, "W_split is None"),
        ({"how": FromWeights()}, "W is None"),
        ({"W": W, "pre": k[0]}, r"pre has shape \(4,\)"),
    ):
        with pytest.raises(ValueError, match=text):
            fw.infer_rule(**{"pre": k, "post": v} | arguments)
    with pytest.raises(TypeError, match="how is 'lag'"):
        fw.infer_rule(k, v, W, how="lag")
    with pytest.raises(ValueError, match="did you mean 'lag'"):
        FromWeights(instrument="lags")
