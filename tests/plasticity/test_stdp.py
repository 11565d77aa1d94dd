"""Pair and triplet STDP: the kernel against explicit sums, and the published numbers of three laboratories."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit, minimize, nnls

import synfwp.reference as reference
from synfwp.data import load_table, tables
from synfwp.inference import fit
from synfwp.kernels import stdp as kernels
from synfwp.kernels.stdp_terms import stdp_terms as kernel_terms
from synfwp.plasticity import PairSTDP, TripletSTDP, compare_with_table, protocols
from synfwp.plasticity.stdp import TRIPLET_PRESETS

# rounding of sums of up to 40 x 40 x 40 terms, relative to the sum of their sizes (not to dw, where they cancel)
ROUNDING = 1e-11

untimed = settings(deadline=None)  # the first example may compile the kernel

# spikes on a grid of 1 ms: simultaneous spikes of the two sides are frequent
grid = st.lists(st.integers(0, 300), max_size=40, unique=True).map(lambda ticks: np.sort(np.array(ticks, dtype=float)))
amplitude = st.floats(-1.0, 1.0, allow_subnormal=False)
tau = st.floats(1.0, 1000.0)


def rule_of(amplitudes, taus, interaction="all"):
    names = "A2_plus", "A3_plus", "A2_minus", "A3_minus", "tau_plus", "tau_minus", "tau_x", "tau_y"
    return TripletSTDP(**dict(zip(names, (*amplitudes, *taus), strict=True)), interaction=interaction)


NOTHING, FREE = np.zeros(0), (-np.inf, np.inf, 0.0)


@pytest.mark.kernels
@untimed
@given(
    pre=grid,
    post=grid,
    amplitudes=st.tuples(*[amplitude] * 9),
    taus=st.tuples(*[tau] * 4),
    nearest=st.booleans(),
    in_order=st.booleans(),
)
def test_the_event_loop_equals_the_explicit_sums_over_pairs_and_triplets(
    pre, post, amplitudes, taus, nearest, in_order
):
    rest = taus, nearest, in_order, 0.0, FREE, np.inf, NOTHING, 0.0, 300.0
    loop = kernels.stdp(pre, post, NOTHING, amplitudes, *rest)
    sums = reference.stdp(pre, post, NOTHING, amplitudes, *rest)
    scale = reference.stdp(pre, post, NOTHING, np.abs(amplitudes), *rest)  # the same sum with every term positive
    assert abs(loop - sums) <= ROUNDING * scale


@pytest.mark.kernels
@untimed
@given(
    pre=grid,
    post=grid,
    amplitudes=st.tuples(*[amplitude] * 9),
    taus=st.tuples(*[tau] * 4),
    mu=st.sampled_from([0.0, 1.0, 2.0]),  # a root would turn a rounding of 1e-16 at a bound into 1e-8
    tau_w=st.sampled_from([np.inf, 150.0]),
    w=st.floats(-1.0, 2.0),
)
def test_bounds_and_a_leak_act_between_the_events_as_in_the_twin(pre, post, amplitudes, taus, mu, tau_w, w):
    rest = taus, False, True, w, (-1.0, 2.0, mu), tau_w, NOTHING, -5.0, 310.0
    loop, twin = (f.stdp(pre, post, NOTHING, amplitudes, *rest) for f in (kernels, reference))
    # a change is rounded to 1e-12 at most (40 x 40 terms below 1); soft bounds pass on at most mu / 3 of what is off
    # times its size, 1600 at most in each of 80 events, but then the weight sits at a bound
    assert loop == pytest.approx(twin, abs=1e-9)
    assert -1.0 <= loop <= 2.0


@pytest.mark.kernels
@untimed
@given(
    pre=grid,
    post=grid,
    rewards=grid,
    amplitudes=st.tuples(*[amplitude] * 9),
    reward_terms=st.tuples(tau, tau, amplitude),
    stop=st.sampled_from([305.0, np.inf]),
    high=st.sampled_from([0.5, np.inf]),
)
def test_rewards_apply_eligibilities_as_in_the_twin(pre, post, rewards, amplitudes, reward_terms, stop, high):
    times = (20.0, 50.0, 30.0, 100.0)
    rest = times, False, True, 0.25, (-0.5, high, 0.0), np.inf, np.array(reward_terms), 0.0, stop
    if not pre.size + post.size + rewards.size:
        return
    loop, twin = (f.stdp(pre, post, rewards, amplitudes, *rest) for f in (kernels, reference))
    free = times, False, True, 0.0, FREE, np.inf, np.abs(reward_terms), 0.0, stop
    scale = reference.stdp(pre, post, rewards, np.abs(amplitudes), *free)
    assert abs(loop - twin) <= ROUNDING * (scale + 1)


@untimed
@given(pre=grid, post=grid, shift=st.integers(-10_000, 10_000), interaction=st.sampled_from(["all", "nearest"]))
def test_a_shift_of_all_spikes_in_time_changes_nothing(pre, post, shift, interaction):
    rule = TripletSTDP("hippocampus", interaction=interaction)
    # whole ms are exact in float64, so every lag is the same number
    assert rule.dw(pre + shift, post + shift) == rule.dw(pre, post)


@untimed
@given(pre=grid, post=grid, shift=st.floats(0.0, 1e5))
def test_spikes_made_simultaneous_but_for_rounding_still_form_no_pair(pre, post, shift):
    rule = TripletSTDP("visual_cortex")
    # a pair wrongly counted would weigh up to 7e-3 x traces; lags are rounded to 3e-11 ms, each of at most 1600 pairs
    # and 40 triplets a pair moves by less than 1e-2 x 3e-11 / 16.8
    assert rule.dw(pre + shift, post + shift) == pytest.approx(rule.dw(pre, post), abs=1600 * 41 * 1e-2 * 3e-11 / 16.8)


@untimed
@given(pre=grid, post=grid, interaction=st.sampled_from(["all", "nearest"]))
def test_the_row_of_a_rule_is_the_rule_times_the_scale(pre, post, interaction):
    for rule in (PairSTDP("bi_poo", interaction=interaction), TripletSTDP("hippocampus", interaction=interaction)):
        row = rule.row(scale=200.0, coincident="none")
        assert (rule.amplitude, row.amplitude) == ("relative", "absolute")
        # the same kernel with coefficients 200 times as large
        assert row.dw(pre, post) == pytest.approx(200 * rule.dw(pre, post), rel=1e-12, abs=1e-12)


@untimed
@given(pre=grid, post=grid, interaction=st.sampled_from(["all", "nearest"]))
def test_a_triplet_rule_without_triplet_terms_is_the_pair_rule(pre, post, interaction):
    pair = PairSTDP("bi_poo", interaction=interaction)
    triplet = rule_of((pair.A_plus, 0.0, pair.A_minus, 0.0), (pair.tau_plus, pair.tau_minus, 50.0, 500.0), interaction)
    assert pair.dw(pre, post) == triplet.dw(pre, post)


@pytest.mark.parametrize("rule", [PairSTDP("bi_poo"), TripletSTDP("hippocampus")])
@pytest.mark.parametrize("trains", [([], []), ([1.0, 2.0], []), ([], [1.0, 2.0])])
def test_without_spikes_on_both_sides_nothing_changes(rule, trains):
    assert rule.dw(*trains) == 0.0


RULE = rule_of((0.1, 0.2, 0.3, 0.4), (10.0, 20.0, 30.0, 40.0))


def e(lag, tau):
    return math.exp(-lag / tau)


@pytest.mark.parametrize(
    ("pre", "post", "all_to_all", "nearest"),
    [
        ([0], [5], 0.1 * e(5, 10), None),
        ([5], [0], -0.3 * e(5, 20), None),
        ([5], [0, 12], -0.3 * e(5, 20) + e(7, 10) * (0.1 + 0.2 * e(12, 40)), None),
        ([0, 12], [5], 0.1 * e(5, 10) - e(7, 20) * (0.3 + 0.4 * e(12, 30)), None),
        ([0, 3], [5], 0.1 * (e(5, 10) + e(2, 10)), 0.1 * e(2, 10)),
        ([0], [5, 9], 0.1 * e(5, 10) + e(9, 10) * (0.1 + 0.2 * e(4, 40)), None),
        (
            [0],
            [5, 7, 9],
            0.1 * e(5, 10) + e(7, 10) * (0.1 + 0.2 * e(2, 40)) + e(9, 10) * (0.1 + 0.2 * (e(2, 40) + e(4, 40))),
            0.1 * e(5, 10) + e(7, 10) * (0.1 + 0.2 * e(2, 40)) + e(9, 10) * (0.1 + 0.2 * e(2, 40)),
        ),
    ],
)
def test_two_to_four_spikes_add_up_by_hand(pre, post, all_to_all, nearest):
    nearest_rule = dataclasses.replace(RULE, interaction="nearest")
    assert RULE.dw(pre, post) == pytest.approx(all_to_all, rel=1e-14)  # a few roundings
    # None: at most one earlier spike on each side, so both interactions agree
    assert nearest_rule.dw(pre, post) == pytest.approx(all_to_all if nearest is None else nearest, rel=1e-14)


def test_simultaneous_spikes_form_no_pair_but_pair_with_the_spikes_before():
    assert RULE.dw([10], [10]) == 0.0
    pairs = 0.1 * e(10, 10) - e(10, 20) * 0.3  # post at 20 after pre at 10, pre at 20 after post at 10
    slow = 0.2 * e(10, 10) * e(10, 40) - 0.4 * e(10, 20) * e(10, 30)
    for interaction in ("all", "nearest"):
        rule = dataclasses.replace(RULE, interaction=interaction)
        assert rule.dw([10, 20], [10, 20]) == pytest.approx(pairs + slow, rel=1e-14)  # a few roundings


def test_pairs_at_a_lag_of_one_period_are_simultaneous_whatever_the_rounding():
    # at 30 Hz the period is 33.33 ms; the posts coincide with the next pre, so only lags of whole periods count
    protocol = protocols.pairs(n=60, rate=30.0, dt=1000 / 30)
    rule = PairSTDP(A_plus=1.0, A_minus=0.0, tau_plus=5.0, tau_minus=5.0)
    lag_1, lag_2 = e(1000 / 30, 5), e(2000 / 30, 5)
    assert rule.dw(protocol.pre, protocol.post) == pytest.approx(
        60 * lag_1 + 59 * lag_2, rel=1e-5
    )  # next: e^-20 = 2e-9
    swapped = PairSTDP(A_plus=0.0, A_minus=1.0, tau_plus=5.0, tau_minus=5.0)
    # pre m coincides with post m - 1 and follows posts up to m - 2
    assert swapped.dw(protocol.pre, protocol.post) == pytest.approx(-58 * lag_1 - 57 * lag_2, rel=1e-5)


# Pfister & Gerstner 2006: weight change at .1, 10, 20, 40, 50 Hz, first dt = +10 ms, then dt = -10 ms, and the error E
SJOSTROM = {
    "visual_cortex": ([0.000, 0.132, 0.247, 0.534, 0.741, -0.312, -0.334, -0.352, 0.155, 0.727], 0.342),
    "visual_cortex_minimal": ([0.000, 0.119, 0.228, 0.532, 0.763, -0.317, -0.332, -0.342, 0.174, 0.749], 0.356),
}


@pytest.mark.parametrize("preset", SJOSTROM)
def test_the_triplet_rule_gives_the_published_numbers_of_sjostrom_2001_to_the_printed_digits(preset):
    ds = compare_with_table(TripletSTDP(preset), "sjostrom2001_frequency_timing")
    published, error = SJOSTROM[preset]
    assert [float(f"{dw:.3f}") for dw in ds.dw_model.values] == published
    assert round(float(ds.error), 3) == error


def test_the_triplet_rule_gives_the_published_numbers_of_wang_2005_to_the_printed_digits():
    ds = compare_with_table(TripletSTDP("hippocampus"), "wang2005_triplets")
    model = {
        kind: ds.dw_model[ds.protocol == kind].values.round(3).tolist() for kind in ("pre-post-pre", "post-pre-post")
    }
    assert model == {"pre-post-pre": [0.043, 0.005, -0.078, 0.102], "post-pre-post": [0.358, 0.204, 0.108, 0.325]}


def test_the_experiment_of_sjostrom_2001_had_bursts_which_the_published_parameters_do_not_describe():
    name = "sjostrom2001_frequency_timing"
    table, runs = load_table(name), protocols.from_table(name, "bursts")
    for run, rate, lag in zip(runs, table.freq_hz.values, table.dt_ms.values, strict=True):
        assert len(run.pre) == len(run.post) == (50 if rate < 1 else 75)
        np.testing.assert_allclose(run.post - run.pre, lag)
        within = np.diff(run.pre)[: 4 if rate >= 1 else None]
        np.testing.assert_allclose(within, 1000 / rate)
        if rate >= 1:  # 15 bursts, the next one begins 10 s later
            np.testing.assert_allclose(np.diff(run.pre[::5]), 10_000.0)
    for preset, error in {"visual_cortex": 6.21, "visual_cortex_minimal": 5.75}.items():
        ds = compare_with_table(TripletSTDP(preset), name, protocol="bursts")
        # three digits, from an independent computation with 50 pairs at 0.1 Hz
        assert float(ds.error) == pytest.approx(error, abs=0.005)
        assert float(ds.error) > 15 * SJOSTROM[preset][1]
        assert ds.attrs["protocol"] == "bursts"
    default = compare_with_table(TripletSTDP("visual_cortex"), name, protocol="pairs")
    assert float(default.error) == float(compare_with_table(TripletSTDP("visual_cortex"), name).error)


@pytest.mark.parametrize("interaction", ["all", "nearest"])
def test_no_pair_rule_fits_sjostrom_2001(interaction):
    """The best pair rule, over both amplitudes (>= 0) and both time constants, has E = 2.29; nearest spike, 6.20."""
    table = load_table("sjostrom2001_frequency_timing")
    runs = protocols.from_table("sjostrom2001_frequency_timing")

    def side(which, tau):
        rule = PairSTDP(
            **{"A_plus": 0.0, "A_minus": 0.0} | {which: 1.0}, tau_plus=tau, tau_minus=tau, interaction=interaction
        )
        return np.array([rule.dw(run.pre, run.post) for run in runs]) / table.dw_sem.values

    def error(plus, minus):  # dw is linear in the amplitudes: non-negative least squares is their exact optimum
        return nnls(np.stack([plus, minus], axis=1), (table.dw_mean / table.dw_sem).values)[1] ** 2 / 10

    taus = np.geomspace(1.0, 1000.0, 25)
    plus, minus = [side("A_plus", t) for t in taus], [side("A_minus", t) for t in taus]
    errors = np.array([[error(p, m) for m in minus] for p in plus])
    start = np.log([taus[i] for i in np.unravel_index(errors.argmin(), errors.shape)])
    best = minimize(
        lambda x: error(side("A_plus", np.exp(x[0])), side("A_minus", np.exp(x[1]))), start, method="Nelder-Mead"
    )
    # three digits of a converged minimum
    assert best.fun == pytest.approx({"all": 2.29, "nearest": 6.20}[interaction], abs=0.005)
    assert best.fun > 6 * SJOSTROM["visual_cortex_minimal"][1]
    if interaction == "all":  # at the time constants of the triplet rule
        assert error(side("A_plus", 16.8), side("A_minus", 33.7)) == pytest.approx(7.58, abs=0.005)
        assert np.exp(best.x[1]) < 3.0  # and even that minimum needs a depression window of under 3 ms


def test_the_window_of_bi_and_poo_1998_comes_out_of_the_points():
    table = load_table("bi_poo_1998_points")
    dt, dw = table.dt_post_minus_pre_ms.values, table.dw_rel.values
    rule = fit(PairSTDP, "bi_poo_1998_points", where=(dt > 0) | (dt < -4)).rule
    preset = PairSTDP("bi_poo")
    sides = [(dt > 0, 0.862, 14.8, "plus"), (dt < -4, -0.328, 29.4, "minus")]
    for used, published_a, published_tau, name in sides:
        lag, sign = np.abs(dt[used]), np.sign(published_a)
        (a, tau), _ = curve_fit(lambda x, a, tau: a * np.exp(-x / tau), lag, dw[used], p0=(sign, 20.0))
        assert 60 * sign * getattr(rule, f"A_{name}") == pytest.approx(a, rel=1e-4)  # curve_fit stops at about 1e-5
        assert getattr(rule, f"tau_{name}") == pytest.approx(tau, rel=1e-4)
        assert round(tau, 1) == published_tau == getattr(preset, f"tau_{name}")
        basis = np.exp(-lag / published_tau)  # the published amplitude is the best one at the rounded time constant
        assert round(basis @ dw[used] / (basis @ basis), 3) == published_a
        assert 60 * sign * getattr(preset, f"A_{name}") == pytest.approx(published_a, rel=1e-15)


def test_a_rule_on_the_bi_and_poo_table_is_its_window():
    ds = compare_with_table(PairSTDP("bi_poo"), "bi_poo_1998_points")
    dt = ds.dt_post_minus_pre_ms.values
    window = np.where(dt > 0, 0.862 * np.exp(-dt / 14.8), -0.328 * np.exp(dt / 29.4))
    # pairs are 1 s apart; the closest neighbours add 60 x .015 exp(-900/29.4) = 5e-14
    np.testing.assert_allclose(ds.dw_model, window, atol=1e-13)
    assert float(ds.error) == pytest.approx(float(np.mean((ds.dw_data - window) ** 2)), rel=1e-9)  # sigma = 1


@pytest.mark.parametrize("table", [table for table in tables() if "dw" in " ".join(load_table(table).data_vars)])
def test_a_comparison_carries_data_model_error_units_and_parameters(table):
    rule = TripletSTDP("hippocampus", tau_y=40.0)
    ds = compare_with_table(rule, table)
    assert ds.dw_data.dims == ds.dw_model.dims == ("point",)
    assert all(ds[name].units for name in ds.variables)
    assert ds.citation == load_table(table).citation
    assert TripletSTDP(**json.loads(ds.parameters)) == rule


def test_a_rule_of_the_user_runs_on_a_table():
    class Counter:
        def dw(self, pre, post):
            return float(len(pre) + len(post))

    assert compare_with_table(Counter(), "wang2005_triplets").dw_model.values.tolist() == [120.0] * 2 + [180.0] * 8


def test_a_preset_is_named_only_while_every_value_agrees_with_it():
    rule = TripletSTDP("visual_cortex")
    assert (rule.preset, rule.tau_y, rule.interaction) == ("visual_cortex", 125.0, "all")
    assert dataclasses.replace(rule, tau_y=40.0).preset is None
    assert dataclasses.replace(rule, tau_y=40.0).A3_plus == rule.A3_plus
    assert TripletSTDP("visual_cortex", interaction="nearest").preset is None
    assert TripletSTDP(**TRIPLET_PRESETS["hippocampus"]) == dataclasses.replace(TripletSTDP("hippocampus"), preset=None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        rule.tau_y = 40.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: TripletSTDP("visual_cortx"),
            "unknown TripletSTDP preset 'visual_cortx'; did you mean 'visual_cortex'?",
        ),
        (lambda: PairSTDP("song"), "unknown PairSTDP preset 'song'; choose one of 'bi_poo'."),
        (lambda: PairSTDP(A_plus=0.1, tau_plus=20.0), "PairSTDP lacks A_minus, tau_minus; pass them"),
        (lambda: TripletSTDP("hippocampus", tau_x=0.0), "tau_x (ms) is 0.0; pass a finite number above 0."),
        (lambda: TripletSTDP("hippocampus", A3_plus=math.nan), "A3_plus is nan; pass a finite number"),
        (lambda: PairSTDP("bi_poo", interaction="nearst"), "unknown interaction 'nearst'; did you mean 'nearest'?"),
        (lambda: RULE.dw([1.0, np.nan], [2.0]), "pre has the spike time nan at index 1; pass finite times in ms."),
        (lambda: RULE.dw([1.0], [3.0, 2.0]), "post has spikes at 3 and then 2 ms (index 0); pass increasing times"),
        (lambda: RULE.dw([1.0, 1.0], [2.0]), "pre has spikes at 1 and then 1 ms (index 0); pass increasing times"),
        (lambda: RULE.dw([[1.0]], [2.0]), "pre has shape (1, 1); pass the spike times of one neuron, shape (n,)."),
        (lambda: RULE.dw(1.0, [2.0]), "pre has shape (); pass the spike times of one neuron, shape (n,)."),
        (lambda: protocols.bursts(size=0), "size is 0; pass an integer of at least 1."),
        (
            lambda: protocols.bursts(rate=0.1),
            "interval is 10000 ms, but 5 pairs at a rate of 0.1 Hz last 40000 ms; pass a longer one.",
        ),
        (lambda: protocols.from_table("sjostrom2001_frequency_timing", "burst"), "did you mean 'bursts'?"),
        (lambda: protocols.from_table("wang2005_triplets", "pairs"), "has only one protocol; leave it out."),
        (lambda: protocols.pairs(n=0), "n is 0; pass an integer of at least 1."),
        (lambda: protocols.pairs(rate=0.0), "rate (Hz) is 0.0; pass a finite number above 0."),
        (lambda: protocols.pairs(dt=math.inf), "dt (ms) is inf; pass a finite number"),
        (lambda: protocols.triplets("pre-pre-post", 5.0, 5.0), "unknown kind 'pre-pre-post'; did you mean"),
        (lambda: protocols.triplets("pre-post-pre", -5.0, 5.0), "pre-post-pre needs dt1 > 0 and dt2 < 0"),
        (lambda: protocols.triplets("post-pre-post", 5.0, 5.0), "post-pre-post needs dt1 < 0 and dt2 > 0"),
        (
            lambda: protocols.triplets("pre-post-pre", 5.0, -15.0, rate=50.0),
            "dt1 and dt2 span 20 ms, but triplets at 50 Hz come every 20 ms; pass a lower rate",
        ),
        (lambda: protocols.Protocol((0.0, 0.0), (1.0,)), "pre_motif is (0.0, 0.0); pass times in ms that increase"),
        (lambda: compare_with_table(RULE, "wang2005"), "unknown table 'wang2005'; did you mean 'wang2005_triplets'?"),
    ],
)
def test_bad_input_is_refused_by_name_with_what_is_expected(make, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011  (the message is compared below, without a pattern)
        make()
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RULE.dw(["a"], [2.0]), "pre is 'a'; pass numbers in ms, or a quantity."),
        (lambda: RULE.dw([True], [2.0]), "pre is True; pass numbers in ms, or a quantity."),
        (lambda: TripletSTDP("hippocampus", tau_x="946 ms"), "tau_x is '946 ms'; pass numbers in ms, or a quantity."),
        (lambda: compare_with_table("visual_cortex", "wang2005_triplets"), "rule is 'visual_cortex'; pass one with a"),
        (lambda: compare_with_table(TripletSTDP, "wang2005_triplets"), "pass one with a method dw(pre, post), e.g."),
    ],
)
def test_input_of_the_wrong_kind_is_refused_by_name(make, message):
    with pytest.raises(TypeError) as error:
        make()
    assert message in str(error.value)


def test_times_with_a_unit_are_converted_and_others_refused():
    import brian2 as b2

    b2.prefs.logging.file_log = False
    expected = RULE.dw([10.0], [20.0])
    for times in (np.array([0.01]) * b2.second, [10 * b2.ms]):
        assert RULE.dw(times, [20.0]) == expected
    with pytest.raises(ValueError, match=r"pre is .* which cannot be in ms"):
        RULE.dw(np.array([0.01]) * b2.volt, [20.0])


@given(dt1=st.floats(0.1, 200.0), dt2=st.floats(0.1, 200.0), kind=st.sampled_from(protocols.KINDS), n=st.integers(1, 5))
def test_a_triplet_protocol_has_the_intervals_and_the_rate_that_were_asked(dt1, dt2, kind, n):
    sign = 1 if kind == "pre-post-pre" else -1
    run = protocols.triplets(kind, sign * dt1, -sign * dt2, n=n, rate=2.0)
    pre, post = run.pre.reshape(n, -1), run.post.reshape(n, -1)
    # post minus pre; times of up to 2500 ms are rounded to 5e-13 ms
    if kind == "pre-post-pre":
        np.testing.assert_allclose(post - pre, np.tile([dt1, -dt2], (n, 1)), atol=2e-12)
    else:
        np.testing.assert_allclose(post - pre, np.tile([-dt1, dt2], (n, 1)), atol=2e-12)
    assert min(pre[0, 0], post[0, 0]) == 0.0
    np.testing.assert_allclose(np.diff(pre[:, 0]), 500.0, atol=2e-12)


@pytest.mark.kernels
@untimed
@given(
    runs=st.lists(st.tuples(grid, grid), max_size=4),
    taus=st.tuples(*[tau] * 4),
    nearest=st.booleans(),
    in_order=st.booleans(),
)
def test_the_terms_of_many_runs_equal_the_explicit_sums_of_each(runs, taus, nearest, in_order):
    pre, post = (np.concatenate([np.zeros(0), *(run[side] for run in runs)]) for side in (0, 1))
    ends = np.cumsum([[len(run[0]), len(run[1])] for run in runs], axis=0, dtype=np.int64).reshape(-1, 2)
    loop = kernel_terms(pre, post, ends, taus, True, nearest, in_order)
    sums = np.array([reference.stdp_terms(*run, taus, nearest, in_order) for run in runs]).reshape(-1, 9)
    np.testing.assert_allclose(loop, sums, rtol=ROUNDING)  # sums of positive terms
    fast = kernel_terms(pre, post, ends, taus, False, nearest, in_order)
    assert not fast[:, [3, 4, 7, 8]].any()
    assert (fast[:, [0, 1, 2, 5, 6]] == loop[:, [0, 1, 2, 5, 6]]).all()
