"""Retention: signal, noise and lifetimes by age, their bias and interval, and the closed forms beside them."""

from statistics import NormalDist

import numpy as np
import pytest

import synfwp as fw
from synfwp import theory
from synfwp.memory import BennaFusi, MultiDecay, System, ages
from synfwp.memory.fading import Centred, Heads, Recent

SYSTEMS = {
    "hebb": "hebb",
    "leaky": System("leaky_hebb", beta=0.5, decay=0.95),
    "delta": System("delta", beta=0.6),
    "heads": System("hebb", MultiDecay(3), beta=1.0),
    "chain": System("hebb", BennaFusi(4), beta=1.0),
}


@pytest.fixture(scope="module")
def found():
    """All systems at equal pairs; their knobs are held."""
    return fw.retention(SYSTEMS, d_key=24, writes=160, oldest=60, seeds=120)


def outside(values, expected, family):
    """Where means over seeds differ from what is expected by more than 3 standard errors (Bonferroni in a family)."""
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return np.abs(values.mean(axis=0) - expected) > -NormalDist().inv_cdf(0.00135 / family) * error


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("what", ["signal", "noise"])
def test_signal_and_noise_are_those_of_the_closed_form_at_every_age(found, name, what):
    one, at = found.sel(system=name).isel(threshold=0), [0, 1, 3, 10, 30, 60]
    values, expected = one[f"{what}s"].values[:, at], one[f"{what}_theory"].values[at]
    assert np.isfinite(expected).all()
    assert not outside(values, expected, len(at)).any()
    changed = expected * 1.25 if what == "noise" else expected * 0.8  # a factor that is wrong is seen
    assert outside(values, changed, len(at)).any()


def test_the_closed_form_of_delta_counts_the_writes_that_were_made(found):
    one = found.sel(system="delta").isel(threshold=0)
    early, late = (theory.delta_noise(np.arange(61), 24, 0.6, writes) for writes in (62, 160))
    assert np.abs(early - late).max() > 0.01
    np.testing.assert_allclose(one.noise_theory, late)


def test_the_signal_is_the_slope_and_the_noise_is_in_units_of_the_values():
    scaled = fw.retention({"a": SYSTEMS["leaky"]}, d_key=24, writes=100, oldest=20, seeds=5, values="unit")
    alike = fw.retention(
        {"a": SYSTEMS["leaky"]},
        d_key=24,
        writes=100,
        oldest=20,
        seeds=5,
        values=lambda rng, n, d: 7 * rng.standard_normal((n, d)),
    )
    for ds in (scaled, alike):
        one = ds.isel(system=0, threshold=0)
        assert float(one.signal[0]) == pytest.approx(0.5, abs=0.1)
        assert float(one.noise[5:].mean() / 0.25) == pytest.approx(1 / (24 * (1 - 0.95**2)), rel=0.3)


@pytest.mark.parametrize("level", [3.0, 1.0, 0.3])
def test_a_lifetime_is_the_age_at_which_theory_meets_the_threshold(level):
    ds = fw.retention(
        {"leaky": SYSTEMS["leaky"], "delta": SYSTEMS["delta"]},
        d_key=24,
        writes=200,
        oldest=80,
        seeds=40,
        thresholds=[level],
    )
    for name in ("leaky", "delta"):
        one = ds.sel(system=name).isel(threshold=0)
        error = float(one.high - one.low) / 3.92
        assert float(one.lifetime) == pytest.approx(float(one.lifetime_theory), abs=3 * error + 0.1)
        assert abs(float(one.lifetime) - 1.3 * float(one.lifetime_theory) - 1) > 3 * error  # it can fail


def moments(ratio, n, components, rng):
    """Moments (seed, age, 3) of reads with a signal of the root of ``ratio`` and a noise of variance 1."""
    v = rng.standard_normal((n, len(ratio), components))
    y = np.sqrt(ratio)[:, None] * v + rng.standard_normal(v.shape)
    return np.stack([(y * v).mean(-1), (v * v).mean(-1), (y * y).mean(-1)], axis=-1)


def test_a_lifetime_has_no_bias_where_few_values_are_read():
    rng, ratio = np.random.default_rng(0), 4 * np.exp(-np.arange(80) / 12)
    true = 12 * np.log(4 / 0.25)
    lives = np.array([ages._lifetime(moments(ratio, 4, 8, rng), 8, 0.25) for _ in range(300)])
    error = lives.std(ddof=1) / np.sqrt(300)
    assert abs(lives.mean() - true) < 3 * error + 0.6  # isotonic regression of 32 values, 2 %
    raw = np.array([ages._lifetime(moments(ratio, 4, 8, rng), 8, 0.25, drawn=0) for _ in range(300)])
    assert raw.mean() > lives.mean() + 0.5  # what chance adds to a squared slope, if it stays in
    counted = []
    for _ in range(300):  # ages above the threshold, noise and all
        signal, noise = ages._signal_and_noise(moments(ratio, 4, 8, rng))
        counted.append((signal**2 / noise >= 0.25).sum() - 0.5)
    assert abs(np.mean(counted) - true) > abs(lives.mean() - true)


def test_the_interval_of_a_lifetime_covers_it(monkeypatch):
    monkeypatch.setattr(ages, "RESAMPLED", 200)
    rng, ratio, covered = np.random.default_rng(1), 4 * np.exp(-np.arange(60) / 10), 0
    true = 10 * np.log(4)
    for _ in range(60):
        low, high = ages._limits(ages._Cell(moments(ratio, 20, 16, rng), {}, {}), 16, 1.0, rng)
        covered += low <= true <= high
    assert covered >= 49  # 60 * 0.95 = 57, less 4 standard deviations of a binomial number and what a bootstrap lacks


@pytest.mark.parametrize(
    ("ratio", "life"),
    [
        ([9.0, 4.0, 2.0, 0.0], 2.5),
        ([np.inf, 2.0, 0.0], 1.5),
        ([0.5, 9.0, 0.0, 0.0], 1.0 + (4.75 - 1) / 4.75),  # younger and below: both count as their mean
        ([0.5, 0.4, 0.3], 0.0),
        ([3.0, 2.0], 1.0),
        ([np.nan, 2.0], np.nan),
    ],
)
def test_a_crossing_is_read_between_ages(ratio, life):
    assert ages._crossing(np.array(ratio), 1.0) == pytest.approx(life, nan_ok=True)


def test_what_does_not_fall_in_time_is_not_reached_and_has_no_upper_limit():
    ds = fw.retention({"all": "softmax"}, d_key=24, writes=30, oldest=8, seeds=4, thresholds=[0.01])
    assert ds.lifetime.item() == 8
    assert not ds.reached.item()
    assert ds.high.item() == np.inf


def test_hebb_forgets_all_pairs_at_once():
    ds = fw.retention({"hebb": "hebb"}, d_key=16, writes=400, oldest=40, seeds=10)
    assert ds.lifetime.item() == 0
    assert np.allclose(ds.signal_theory, 1)
    assert np.allclose(ds.noise_theory, 399 / 16)


def test_every_choice_of_knobs_runs_once_for_all_thresholds():
    calls = []

    def store(k, v, q, rng, decay):
        calls.append(decay)
        return Centred(0.0)(k, v, q, rng, decay)

    store.knobs = {"decay": (0.5, 0.8, 0.9)}
    ds = fw.retention({"own": store}, d_key=8, writes=40, oldest=10, seeds=2, thresholds=[2.0, 1.0, 0.5, 0.25])
    tested = len(np.unique(ds.chosen))
    assert len(calls) == 1 + 3 * 5 + tested * 2  # a try; five seeds of tuning; two of the test
    assert not ds.failure.values.any() or set(ds.failure.values.ravel()) == {""}


def test_a_longer_life_is_chosen_for_a_lower_threshold():
    ds = fw.retention(
        {"leaky": System("leaky_hebb", beta=1.0)}, d_key=32, writes=400, oldest=150, thresholds=[3.0, 0.3], seeds=4
    )
    decay = ds.chosen.sel(system="leaky", knob="decay").values
    assert decay[1] > decay[0]
    assert float(ds.lifetime[0, 1]) > 3 * float(ds.lifetime[0, 0])


def test_memories_that_fade_are_the_rules_that_they_stand_for(rng):
    k, v, q = (rng.standard_normal((n, 5)) for n in (30, 30, 4))
    W = fw.scan("leaky_hebb", k, k, v, decay=np.full(30, 0.9)).W
    np.testing.assert_allclose(Centred(0.0)(k, v, q, None, decay=0.9), q @ W.T)
    heads = [fw.scan("leaky_hebb", k, k, v, decay=np.full(30, 1 - r)).W * np.sqrt(r) for r in (0.25, 0.125)]
    np.testing.assert_allclose(Heads()(k, v, q, None, first=1, heads=2), q @ sum(heads).T)
    writes = np.repeat([1.0, 0.0], [30, 4])
    sent = [np.concatenate(pair) for pair in ((k, q), (k, 0 * q), (v, 0 * q))]
    asked = fw.scan("mesa", *sent, writes, decay=np.where(writes, 0.9, 1.0), ridge=np.full(5, 0.1)).y[30:]
    np.testing.assert_allclose(Recent()(k, v, q, None, decay=0.9, ridge=0.1), asked)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"oldest": 50}, "oldest is 50 but there are 50 writes"),
        ({"thresholds": []}, "thresholds is \\[\\]; pass at least one"),
        ({"thresholds": [1.0, 1]}, "each once"),
        ({"thresholds": [0.0]}, "thresholds"),
        ({"systems": {}}, "systems is empty"),
    ],
)
def test_what_no_retention_can_be_measured_of_is_refused(change, message):
    given = {"systems": {"a": "delta"}, "writes": 50, "oldest": 20, "d_key": 8, "seeds": 2} | change
    with pytest.raises(ValueError, match=message):
        fw.retention(given.pop("systems"), **given)


def test_a_system_that_fails_is_reported_and_the_others_are_kept():
    def broken(k, v, q, rng):
        if len(k) > 2:
            raise RuntimeError("too many")
        return q

    with pytest.warns(RuntimeWarning, match="system 'bad' failed at threshold 1: RuntimeError: too many"):
        ds = fw.retention({"bad": broken, "good": SYSTEMS["delta"]}, d_key=8, writes=40, oldest=10, seeds=2)
    assert np.isnan(ds.lifetime.sel(system="bad")).all()
    assert np.isfinite(ds.lifetime.sel(system="good")).all()
