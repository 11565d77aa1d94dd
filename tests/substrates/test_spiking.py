"""Spiking networks: their means, their noise, their spikes, their description and what they refuse."""

from dataclasses import replace

import numpy as np
import pytest
from spiking_runs import BOUND, T, effective_W, items, many_runs, off_by

import synfwp as fw
from synfwp import measures, reference, seeds, theory
from synfwp.substrates import gains, soma
from synfwp.substrates.engines import make_engine

HEBBIAN = ("hebb", "anti_hebb", "leaky_hebb", "gated_hebb", "covariance")
DELTAS = ("delta", "gated_delta", "key_gated_delta")


# --- the mean of many runs is the effective rule ---------------------------------------------------------------------


RUNS = 3000
FEW = fw.SpikingNetwork(
    code=fw.RateCode(peak=100.0, neurons_per_feature=1), dale=False
)  # 10 spikes: what they erase alone counts
ON_CLOCK = fw.SpikingNetwork(
    engine="poisson", code=fw.RateCode(neurons_per_feature=2), schedule=fw.ThetaCycle(gap=100.0), dt=1.0, dale=False
)


@pytest.mark.parametrize("rule", [*HEBBIAN, *DELTAS])
def test_the_mean_over_runs_of_counts_is_the_effective_rule(rule):
    assert off_by(many_runs(FEW, rule, RUNS), effective_W(FEW, rule)) < BOUND


def test_the_mean_over_seeds_of_simulate_is_the_effective_rule():
    q, k, v, beta, _ = items("delta")
    ds = fw.simulate("delta", fw.Instructions(q, k, v, beta), on=FEW, seed=range(200))
    assert ds.W.sizes["seed"] == 200
    assert off_by(ds.W.values, effective_W(FEW, "delta")) < BOUND


class Noiseless:
    """Counts without noise: every neuron fires what is expected of it."""

    def poisson(self, rate):
        return np.array(rate, float)


@pytest.mark.parametrize("neurons", [1, 3])
@pytest.mark.parametrize("rule", [*HEBBIAN, *DELTAS])
def test_counts_without_noise_are_the_exact_rule(rule, neurons, monkeypatch):
    monkeypatch.setattr(seeds, "generator", lambda *key: Noiseless())
    network = fw.SpikingNetwork(
        code=fw.RateCode(neurons_per_feature=neurons), schedule=fw.ThetaCycle(retrieve=70.0), dale=False
    )
    q, k, v, beta, decay = (None if x is None else x[None] for x in items(rule))
    run = network.run(fw.get_rule(rule), q, k, v, beta, decay, 0)
    exact = fw.scan(rule, q, k, v, beta, decay=decay)
    np.testing.assert_allclose(run.W, exact.W, atol=1e-12)
    np.testing.assert_allclose(run.y, exact.y, atol=1e-12)


def test_the_effective_rule_depends_on_the_rates_that_are_sent_and_not_on_the_units_of_keys():
    _, k, _, beta, _ = (None if x is None else x[None] for x in items("delta"))
    one, scaled = FEW.effective(fw.DELTA, k, beta, None), FEW.effective(fw.DELTA, 4 * k, beta / 16, None)
    np.testing.assert_allclose(scaled.a_key, one.a_key, rtol=1e-13)
    sent = k / k.max()
    np.testing.assert_allclose(one.a_key, 1 - 0.1 * (beta * k.max() ** 2)[..., None] * sent, rtol=1e-13)  # 10 spikes


@pytest.mark.parametrize("rule", ["hebb", "delta", "gated_delta"])
def test_the_mean_over_runs_of_poisson_neurons_is_the_effective_rule(rule):
    assert off_by(many_runs(ON_CLOCK, rule, 500), effective_W(ON_CLOCK, rule)) < BOUND


def test_online_depression_of_poisson_neurons_erases_one_minus_exp():
    def apart(network, other):
        mean, expected = many_runs(network, "delta", 100).mean(axis=0), effective_W(other, "delta")
        return np.linalg.norm(mean - expected) / np.linalg.norm(expected)

    online = replace(ON_CLOCK, code=fw.RateCode(neurons_per_feature=64), mechanism=fw.TwoPhase(online=True))
    quick = replace(online, neuron=fw.Poisson(tau_syn=1.0))
    # the closed form leaves out that depression lags behind the weights by a synapse: .037 at 5 ms, .011 at 1 ms
    assert apart(online, online) < 0.06
    assert apart(quick, quick) < 0.03
    assert apart(online, replace(online, mechanism=fw.TwoPhase())) > 0.3


# the same comparison with one thing changed has to fail


@pytest.mark.parametrize("rule", DELTAS)
def test_that_test_fails_without_what_a_synapse_erases_by_its_own_spikes(rule):
    assert (
        off_by(many_runs(FEW, rule, RUNS), effective_W(FEW, rule, lambda g: g._replace(self_erasure=0.0))) > BOUND + 2
    )


def test_that_test_fails_when_synapses_stand_at_their_bound():
    tight = replace(FEW, dale=True, w0=0.3)
    assert off_by(many_runs(tight, "delta", RUNS), effective_W(tight, "delta")) > BOUND + 2
    wide = replace(FEW, dale=True, w0=100.0)
    assert np.array_equal(many_runs(wide, "delta", RUNS), many_runs(FEW, "delta", RUNS))


def test_that_test_fails_when_depression_is_online():
    online = replace(ON_CLOCK, mechanism=fw.TwoPhase(online=True))
    assert off_by(many_runs(online, "delta", 500), effective_W(ON_CLOCK, "delta")) > BOUND + 2


def test_that_test_fails_without_the_gap():
    many = replace(ON_CLOCK, code=fw.RateCode(neurons_per_feature=16))
    without = replace(many, schedule=fw.ThetaCycle(gap=0.0))
    with_gap = replace(many, schedule=fw.ThetaCycle(gap=40.0))
    for rule, runs in (("hebb", 200), ("delta", 500)):
        assert off_by(many_runs(without, rule, runs), effective_W(with_gap, rule)) > BOUND + 2


def test_that_test_fails_for_a_write_that_is_one_twentieth_too_large():
    assert off_by(1.05 * many_runs(FEW, "hebb", RUNS), effective_W(FEW, "hebb")) > BOUND + 2


# --- carry-over ------------------------------------------------------------------------------------------------------

AT_ONCE = fw.Poisson(tau_syn=1e-3)  # a retrieval that rises at once, as in the closed form


def test_pair_sums_are_double_sums():
    n, rho = 7, 0.8
    steps = np.arange(n)
    assert gains.pair_sum(n, rho) == pytest.approx((rho ** np.abs(steps[:, None] - steps)).sum(), rel=1e-12)


@pytest.mark.parametrize("mechanism", [fw.TwoPhase(tau=5.0), fw.GatedTrace(tau=5.0)], ids=lambda m: m.name)
def test_the_gains_of_traces_are_sums_over_pairs_of_steps(mechanism):
    code, schedule = fw.RateCode(peak=80.0, neurons_per_feature=3), fw.ThetaCycle(retrieve=6.0, encode=8.0, gap=3.0)
    tau, tau_syn, late, dt, two_phase = 5.0, 2.0, 2, 1.0, mechanism.retrieves
    g = gains.trace_gains(code, schedule, mechanism, tau_syn, late * dt, dt)
    first = (
        np.arange(6) if two_phase else np.arange(8)
    )  # the phase before an encoding: its own retrieval, or an encoding
    second = np.arange(8) + len(first) + 3

    def pairs(post, pre, drive=1.0):
        return float(
            (np.exp(-np.abs(post[:, None] - pre) * dt / tau) * np.broadcast_to(drive, len(post))[:, None]).sum()
        )

    steps = np.arange(len(first))  # of the phase in which W is read
    lag = steps[:, None] - steps  # of the postsynaptic step behind the presynaptic one
    response = np.where(lag >= late, (1 - np.exp(-dt / tau_syn)) * np.exp(-(lag - late) * dt / tau_syn), 0)
    rise = response.sum(axis=1)
    back = pairs(first, second, rise) / pairs(second, second) if two_phase else 0.0
    assert g.carry_over == pytest.approx(pairs(second, first) / pairs(second, second), rel=1e-12)
    assert g.write == pytest.approx(1 + two_phase * g.carry_over, rel=1e-12)
    assert g.erase == pytest.approx(pairs(steps, steps, rise) / pairs(steps, steps) - back, rel=1e-12)
    alone = (response * np.exp(-np.abs(lag) * dt / tau)).sum() / pairs(steps, steps) / (3 * 0.08 * dt)
    assert g.self_erasure == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize(("gap", "fixed_point"), [(0.0, 1.28), (40.0, 1.034)])
def test_the_carry_over_of_traces_and_its_fixed_point_are_those_of_the_text(gap, fixed_point):
    tau, window = 20.0, 100.0
    closed = tau**2 * (1 - np.exp(-window / tau)) ** 2 / (2 * tau * (window - tau * (1 - np.exp(-window / tau))))
    assert closed == pytest.approx(0.123, abs=5e-4)  # three digits are given
    network = fw.SpikingNetwork(engine="poisson", neuron=AT_ONCE, delay=0.0, dt=0.05, schedule=fw.ThetaCycle(gap=gap))
    g = network.gains(fw.DELTA)
    # the grid of .05 ms is off by (dt / tau)^2 / 12 and by dt / tau times the edge of a gap
    assert g.carry_over == pytest.approx(closed * np.exp(-gap / tau), rel=5e-3)
    assert g.write / g.erase == pytest.approx(fixed_point, abs=5e-3)
    assert (1 + g.carry_over) / (1 - g.carry_over) == pytest.approx(fixed_point, abs=5e-3)


def stationary(gap, neurons=50, n_post=100, beta=0.3, items=40, seed=0, alone=400.0):
    """Mean weight of one key that is written with the value 1 again and again, ``alone`` ms apart; and its gains."""
    schedule = fw.ThetaCycle(gap=gap)
    network = fw.SpikingNetwork(
        engine="poisson",
        neuron=AT_ONCE,
        delay=0.0,
        dt=1.0,
        code=fw.RateCode(neurons_per_feature=neurons),
        schedule=schedule,
        dale=False,
    )
    g = network.gains(fw.DELTA)
    engine = make_engine(network.setup("delta"), np.random.default_rng(seed), neurons, n_post)
    engine.W[:] = g.write / (g.erase + g.self_erasure)
    found = []
    for _ in range(items):
        engine.W -= beta * engine.phase(100.0, np.ones(neurons), None).eligibility
        engine.gap(gap)
        engine.W += beta * engine.phase(100.0, np.ones(neurons), np.ones(n_post)).eligibility
        engine.gap(alone)
        found.append(engine.W.mean())
    return float(np.mean(found[items // 4 :])), g


@pytest.mark.parametrize("gap", [0.0, 40.0])
def test_a_pair_written_again_and_again_settles_where_carry_over_puts_it(gap):
    runs = [stationary(gap, seed=seed) for seed in range(20)]
    W, g = np.array([run[0] for run in runs]), runs[0][1]
    error = W.std(ddof=1) / np.sqrt(len(W))
    # t of 19 degrees of freedom: 3.45 standard errors are as rare as 3 of a normal
    assert abs(W.mean() - g.write / (g.erase + g.self_erasure)) < 3.45 * error
    assert abs(W.mean() - 1) > 5 * error or gap > 0


def test_written_back_to_back_the_leak_into_the_next_retrieval_makes_up_for_it():
    runs = [stationary(0.0, seed=seed, alone=0.0) for seed in range(20)]
    W, g = np.array([run[0] for run in runs]), runs[0][1]
    # the retrieval is now depressed by eps (v + W k) as well: (1 + eps) v + eps w = (1 + own) w + eps (v + w)
    assert abs(W.mean() - 1 / (1 + g.self_erasure)) < 3.45 * W.std(ddof=1) / np.sqrt(len(W))


def test_what_leaks_between_Hebbian_items_pairs_each_with_those_before_it():
    schedule = fw.ThetaCycle(gap=0.0, read="end")  # a read between two writes would leak too
    network = replace(ON_CLOCK, code=fw.RateCode(neurons_per_feature=16), schedule=schedule)
    _, k, v, beta, _ = items("hebb")
    leak, fade = network.gains(fw.HEBB).carry_over, np.exp(-100.0 / 20.0)
    left_out = sum(
        beta[t] * leak * fade ** (t - s - 1) * (np.outer(v[s], k[t]) + np.outer(v[t], k[s]))
        for t in range(T)
        for s in range(t)
    )
    runs = many_runs(network, "hebb", 200)
    assert off_by(runs, effective_W(network, "hebb") + left_out) < BOUND
    assert off_by(runs, effective_W(network, "hebb")) > BOUND + 2  # no coefficient of an item alone can hold it


def test_traces_that_are_reset_do_not_leak():
    network = fw.SpikingNetwork(engine="poisson", schedule=fw.ThetaCycle(gap=0.0, reset_traces=True))
    assert network.gains(fw.DELTA).carry_over == 0
    reset = replace(ON_CLOCK, schedule=network.schedule)
    assert off_by(many_runs(reset, "hebb", 500), effective_W(reset, "hebb")) < BOUND


# --- noise -----------------------------------------------------------------------------------------------------------


def one_item(network, d, seed):
    """Cosine of one written outer product of uniform rates with the ideal one, and the peak spikes of a key."""
    rng = np.random.default_rng(seed)
    k, v = rng.uniform(0, 1, (1, 1, d)), rng.uniform(0, 1, (1, 1, d))
    W = network.run(fw.HEBB, 0 * k, k, v, np.ones((1, 1)), None, seed).W[0]
    ideal = np.outer(v, k)
    return float((W * ideal).sum() / np.linalg.norm(W) / np.linalg.norm(ideal))


@pytest.mark.parametrize("spikes", [2.0, 5.0, 20.0])
def test_the_cosine_of_one_item_written_by_counts_is_the_closed_form(spikes):
    network = fw.SpikingNetwork(code=fw.RateCode(peak=10 * spikes, neurons_per_feature=1), dale=False)
    found = np.array([one_item(network, 400, seed) for seed in range(20)])
    # 3 standard errors; that 400 rates stand for their distribution, up to their largest, leaves 1/400 of 1 - cos
    room = 3 * found.std(ddof=1) / np.sqrt(20) + (1 - theory.count_cosine(spikes)) / 100
    assert found.mean() == pytest.approx(theory.count_cosine(spikes), abs=room)


@pytest.mark.parametrize(("peak", "tau", "window"), [(100.0, 20.0, 100.0), (50.0, 20.0, 100.0), (100.0, 50.0, 200.0)])
def test_the_cosine_of_one_item_written_by_traces_is_the_closed_form_within_two_hundredths(peak, tau, window):
    schedule = fw.ThetaCycle(encode=window)
    network = fw.SpikingNetwork(
        engine="poisson",
        code=fw.RateCode(peak=peak, neurons_per_feature=1),
        schedule=schedule,
        mechanism=fw.GatedTrace(tau=tau),
        dale=False,
    )
    found = np.mean([one_item(network, 100, seed) for seed in range(5)])
    assert found == pytest.approx(theory.trace_cosine(1.5 / (peak / 1000), window, tau), abs=0.02)


@pytest.mark.parametrize("spikes", [2, 5, 10, 20, 50])
def test_spiking_delta_comes_close_to_ideal_delta_with_the_number_of_spikes(spikes):
    """32 pairs, 64 features: correlation of W with that of the ideal rule, against a simulation of a few lines."""
    ours, plain = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        k = np.maximum(rng.standard_normal((32, 64)), 0)
        k /= np.linalg.norm(k, axis=1, keepdims=True)
        v = rng.standard_normal((32, 64))
        rms = np.sqrt((k**2).mean()) / k.max()
        neurons = 4
        code = fw.RateCode(
            peak=spikes / (neurons * rms) * 10, neurons_per_feature=neurons
        )  # neurons x rms rate x 100 ms = spikes
        network = fw.SpikingNetwork(code=code, dale=False)
        ideal = fw.scan("delta", k, k, v).W
        run = network.run(fw.DELTA, k[None], k[None], v[None], np.ones((1, 32)), None, seed)
        ours.append(measures.centred_correlation(run.W[0], ideal))
        plain.append(measures.centred_correlation(few_lines(k, v, neurons, spikes / (neurons * rms), rng), ideal))
    room = 3 * np.sqrt((np.var(ours, ddof=1) + np.var(plain, ddof=1)) / 4) + 0.002
    assert np.mean(ours) == pytest.approx(np.mean(plain), abs=room)
    # measured: .58 .81 .90 .95 .98; the standard deviation over draws of keys and spikes is below .02
    assert np.mean(ours) == pytest.approx({2: 0.58, 5: 0.81, 10: 0.90, 20: 0.95, 50: 0.98}[spikes], abs=3 * 0.02 / 2)


def few_lines(k, v, neurons, peak, rng):
    """Delta by counts of Poisson neurons, one after another; ``peak`` spikes for the largest feature."""
    k_max, v_max = k.max(), np.abs(v).max()
    W = np.zeros((v.shape[1], neurons, k.shape[1], neurons))
    for key, value in zip(k / k_max, v / v_max, strict=True):
        for teach in (False, True):
            pre = rng.poisson(np.repeat(key[:, None], neurons, 1) * peak) / peak
            target = np.repeat(value[:, None], neurons, 1) if teach else (W * pre).sum(axis=(2, 3)) / neurons
            post = (rng.poisson(np.maximum(target, 0) * peak) - rng.poisson(np.maximum(-target, 0) * peak)) / peak
            W = W + (1 if teach else -1) * k_max**2 * post[:, :, None, None] * pre
    return W.mean(axis=(1, 3)) * v_max / k_max


# --- W is a sum over pairs of spikes ---------------------------------------------------------------------------------


def from_spikes(ds, network, beta, k_max, v_max, sizes, rule):
    """W from nothing but the recorded spikes."""
    n, dt, tau = network.code.neurons_per_feature, network.dt, network.setup(rule).mechanism.tau
    time, unit, side = (
        ds.spike_time.values * 1000,
        ds.spike_unit.values,
        ds.population.values[ds.spike_population.values],
    )
    pre = [time[(side == "key") & (unit == j)] for j in range(sizes[0] * n)]
    after = [time[(side != "key") & (unit == i)] for i in range(sizes[1] * n)]
    sign = [np.where(side[(side != "key") & (unit == i)] == "push", 1.0, -1.0) for i in range(sizes[1] * n)]
    W = np.zeros((sizes[0] * n, sizes[1] * n))
    item = 0
    for name, start, stop in zip(ds.phase_name.values, ds.phase_start.values, ds.phase_stop.values, strict=True):
        if name not in ("retrieve", "encode"):
            continue
        steps = np.arange(round((stop - start) * 1000 / dt)) * dt
        ideal = (network.code.peak / 1000 * dt) ** 2 * np.exp(-np.abs(steps[:, None] - steps) / tau).sum()
        window = (start * 1000 - dt / 2, stop * 1000 - dt / 2)
        gain = beta[item] * k_max**2 / ideal * (-1 if (name == "retrieve") != (rule == "anti_hebb") else 1)
        W += gain * reference.spike_pairs(pre, after, sign, window, tau)
        item += name == "encode"
    return W.reshape(sizes[0], n, sizes[1], n).mean(axis=(1, 3)).T * v_max / k_max


@pytest.mark.parametrize("dale", [False, True])
@pytest.mark.parametrize("engine", ["poisson", "lif"])
@pytest.mark.parametrize("rule", ["hebb", "anti_hebb", "delta"])
def test_W_is_the_sum_over_the_recorded_spikes(rule, engine, dale):
    rng = np.random.default_rng(3)
    k, v = rng.uniform(0, 2, (4, 3)), rng.standard_normal((4, 2))
    beta = np.array([0.2, 0.1, 0.0, 0.3])
    k[2] = 0  # a token that only asks: its spikes write nothing, but their traces last
    network = fw.SpikingNetwork(
        engine=engine,
        code=fw.RateCode(neurons_per_feature=2),
        schedule=fw.ThetaCycle(gap=10.0, read="every"),
        w0=1e6,
        dale=dale,
    )
    q = np.maximum(k, 0.5)
    ds = fw.simulate(rule, fw.Instructions(q, k, v, beta), on=network, seed=4, record=True)
    written = beta[[0, 1, 3]]
    W = from_spikes(ds, network, written, k.max(), np.abs(v).max(), (3, 2), rule)
    assert np.abs(W).max() > 0.1
    np.testing.assert_allclose(ds.W.values, W, rtol=0, atol=1e-9 * np.abs(W).max())


def test_recorded_spikes_and_phases_are_on_the_clock_of_the_schedule():
    one = np.eye(2)
    network = fw.SpikingNetwork(engine="poisson", schedule=fw.ThetaCycle(gap=20.0, read="end"))
    ds = fw.simulate("delta", fw.Instructions(one, one, one), on=network, record=True)
    assert ds.phase_name.values.tolist() == ["retrieve", "gap", "encode", "gap"] * 2
    np.testing.assert_allclose(np.diff(ds.phase_start), [0.1, 0.02, 0.1, 0.02, 0.1, 0.02, 0.1], atol=1e-12)
    assert ds.phase_start.attrs["units"] == ds.spike_time.attrs["units"] == "s"
    assert set(ds.population.values[ds.spike_population]) == {"key", "push"}  # values of 0 and 1 have nothing to pull
    assert (np.diff(ds.spike_time) >= 0).all()
    assert float(ds.spike_time.max()) < 0.46  # nothing after the last item is encoded
    in_gaps = [(ds.spike_time >= a) & (ds.spike_time < b) for a, b in ((0.1, 0.12), (0.22, 0.24))]
    assert sum(int(x.sum()) for x in in_gaps) == 0
    assert float(ds.spikes_per_item) * 2 == ds.sizes["spike"]


# --- LIF neurons -----------------------------------------------------------------------------------------------------


def test_a_LIF_neuron_has_a_working_point_where_push_minus_pull_is_linear():
    curve = soma.lif_curve(fw.LIF(noise=5.0), 100.0, 0.5)
    assert curve.distortion < 0.05  # of the peak, from 5 Hz on: what the text asks
    s = np.linspace(0.05, 1, 20)
    push, pull = (np.interp(curve.tonic + side * curve.slope * s, curve.drive, curve.rate) for side in (1, -1))
    assert np.abs((push - pull) / 100 - s).max() <= curve.distortion + 1e-12
    assert float(fw.SpikingNetwork(engine="lif").describe("delta").values["distortion"]) == curve.distortion
    assert f"linear within {100 * curve.distortion:.1f} % of the peak" in str(
        fw.SpikingNetwork(engine="lif").describe("delta")
    )


def clamped(signal, n=500, phases=4, seed=0):
    """Push minus pull, over the peak rate, of LIF neurons that are taught a signal after a gap of 40 ms."""
    network = fw.SpikingNetwork(engine="lif", dale=False)
    engine = make_engine(network.setup("hebb"), np.random.default_rng(seed), 8, n)
    found = []
    for _ in range(phases + 1):
        found.append(engine.phase(100.0, np.zeros(8), np.full(n, signal)).signal.mean())
        engine.gap(40.0)
    return float(np.mean(found[1:]))


@pytest.mark.parametrize("signal", [1.0, 0.5, -1.0])
def test_LIF_neurons_taught_a_rate_fire_at_it_but_for_the_time_their_membrane_needs(signal):
    # the membrane (20 ms) has to be charged at the onset: 2 to 4 ms of spikes of 100 ms are lost; noise is below 1 %
    assert -0.05 < clamped(signal) / signal - 1 < 0.01


def test_a_rate_that_the_neuron_cannot_fire_is_refused():
    slow = fw.LIF(tau_m=100.0, noise=5.0)
    with pytest.raises(ValueError, match=r"fires at \d+ Hz at most.*lower the peak rate \(400 Hz\)"):
        fw.SpikingNetwork(engine="lif", neuron=slow, code=fw.RateCode(peak=400.0)).describe("hebb")


def test_LIF_neurons_recall_what_was_written():
    rng = np.random.default_rng(0)
    k = np.vstack([np.eye(4), np.zeros((4, 4))])
    q = np.vstack([np.zeros((4, 4)), np.eye(4)])
    v = np.vstack([rng.choice([-1.0, 1.0], (4, 5)), np.zeros((4, 5))])
    ds = fw.simulate("delta", fw.Instructions(q, k, v, (k.sum(1) > 0) * 1.0), on=fw.SpikingNetwork(engine="lif"))
    assert np.array_equal(np.sign(ds.y.values[4:]), v[:4])
    assert np.array_equal(np.sign(ds.y_spikes.values[4:]), v[:4])
    assert np.isnan(ds.y_spikes.values[:4]).all()
    assert float(ds.recall_agreement.sel(reference="target")) > 0.9


# --- its description -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [*HEBBIAN, *DELTAS])
@pytest.mark.parametrize("engine", ["counts", "poisson"])
def test_the_description_has_the_effective_coefficients(engine, rule):
    network = fw.SpikingNetwork(engine=engine, schedule=fw.ThetaCycle(retrieve=60.0, gap=20.0))
    described, row, one = network.describe(rule), fw.get_rule(rule), np.ones((1, 1))
    decay = {None: None, "scalar": one, "key": one[None]}[row.retain]
    c = network.effective(row, one[None], one, decay)
    assert described.values["write"] == c.write[0, 0]
    assert described.values["erase"] == (0 if c.erase is None else c.erase[0, 0])
    if rule in DELTAS:
        assert described.values["self_erasure"] == pytest.approx(1 - c.a_key[0, 0, 0], abs=1e-15)
        assert described.values["spikes"] == pytest.approx(8 * 0.1 * 60)
        assert described.values["duration"] == 60 + 20 + 100 + 20
        assert described.values["stability_bound"] == theory.repeated_bound(6.0, 8)
    else:
        assert described.values["duration"] == 120
        assert described.values["spikes"] == pytest.approx(80)
    assert described.values["carry_over"] == network.gains(row).carry_over


def test_the_description_of_online_depression_has_what_it_erases():
    described = fw.SpikingNetwork(engine="poisson", mechanism=fw.TwoPhase(online=True)).describe("delta")
    late = fw.SpikingNetwork(engine="poisson").describe("delta")
    assert described.values["erase"] == pytest.approx(1 - np.exp(-late.values["erase"]), abs=1e-12)


@pytest.mark.parametrize(("engine", "rule"), [("counts", "delta"), ("poisson", "delta"), ("counts", "anti_hebb")])
def test_the_description_is_what_runs_do(engine, rule):
    network = fw.SpikingNetwork(
        engine=engine, code=fw.RateCode(neurons_per_feature=2), schedule=fw.ThetaCycle(gap=200.0), dale=False
    )
    values = network.describe(rule).values
    n = 1000
    k, v = np.ones((n, 2, 1)), np.tile([[1.0], [0.0]], (n, 1, 1))
    once = network.run(fw.get_rule(rule), k[:, :1], k[:, :1], v[:, :1], np.ones((n, 1)), None, 1).W[:, 0, 0]
    twice = network.run(fw.get_rule(rule), k, k, v, np.ones((n, 2)), None, 2).W[:, 0, 0]
    left = 1 - values["erase"] - values["self_erasure"]
    for W, expected in ((once, values["write"]), (twice, values["write"] * left)):
        assert abs(W.mean() - expected) < 3 * W.std(ddof=1) / np.sqrt(n)


def test_the_number_of_spikes_is_that_of_the_description():
    network = fw.SpikingNetwork(engine="poisson", code=fw.RateCode(neurons_per_feature=8))
    k, v = np.ones((400, 1, 1)), np.zeros((400, 1, 1))
    out = network.run(fw.HEBB, 0 * k, k, v, np.ones((400, 1)), None, 0)
    spikes, expected = out.extras["spikes_per_item"][1], network.describe("hebb").values["spikes"]
    assert abs(spikes.mean() - expected) < 3 * np.sqrt(expected / 400)  # of Poisson counts


# --- what it refuses -------------------------------------------------------------------------------------------------

PAIR = fw.Instructions(np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 2)))


@pytest.mark.parametrize("name", ["q", "k"])
def test_signed_keys_are_refused_with_the_feature_maps_that_mend_it(name):
    signed = replace(PAIR, **{name: -np.ones((2, 2))})
    with pytest.raises(ValueError, match=rf"{name} holds -1.*feature='relu', 'elu_plus_one' or 'dpfp\(1\)'"):
        fw.simulate("hebb", signed, on=fw.SpikingNetwork())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"engine": "count"}, ValueError, "unknown engine 'count'; did you mean 'counts'"),
        (
            {"mechanism": "two_phase"},
            TypeError,
            "mechanism is a str; .* takes GatedTrace or TwoPhase or .* or Mechanism or None",
        ),
        (
            {"neuron": fw.LIF(), "engine": "poisson"},
            TypeError,
            "neuron is a LIF; engine 'poisson' takes Poisson or None",
        ),
        ({"code": 8}, TypeError, "code is a int; .* takes RateCode"),
        ({"w0": 0.0}, ValueError, "w0 is 0.0; pass a finite number above 0"),
        ({"dt": -0.5}, ValueError, r"dt \(ms\) is -0.5"),
        ({"delay": -1.0}, ValueError, r"delay \(ms\) is -1.0"),
        ({"engine": "poisson", "dt": 0.3}, ValueError, "retrieve is 100 ms, which is not a multiple of dt = 0.3 ms"),
        ({"engine": "poisson", "delay": 0.7}, ValueError, "delay is 0.7 ms, which is not a multiple of dt = 0.5 ms"),
        ({"engine": "lif", "neuron": fw.LIF(t_ref=2.2)}, ValueError, "t_ref is 2.2 ms, which is not a multiple"),
        (
            {"mechanism": fw.TwoPhase(online=True)},
            ValueError,
            "no time within a window; online plasticity needs 'poisson'",
        ),
    ],
    ids=str,
)
def test_a_wrong_argument_of_a_network_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        fw.SpikingNetwork(**arguments)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: fw.LIF(tau_m=-20.0), r"tau_m \(ms\) is -20.0; pass a finite number above 0"),
        (lambda: fw.LIF(noise=-1.0), r"noise \(mV\) is -1.0"),
        (lambda: fw.LIF(v_threshold=-65.0), "v_threshold is -65 mV; it must lie above v_reset"),
        (lambda: fw.Poisson(tau_syn=0.0), r"tau_syn \(ms\) is 0.0"),
        (lambda: fw.RateCode(peak=-1.0), r"peak \(Hz\) is -1.0"),
        (lambda: fw.RateCode(neurons_per_feature=0), "neurons_per_feature is 0; pass an integer of at least 1"),
        (lambda: fw.ThetaCycle(gap=-1.0), r"gap \(ms\) is -1.0; pass a finite number of at least 0"),
        (lambda: fw.ThetaCycle(encode=0.0), r"encode \(ms\) is 0.0; pass a finite number above 0"),
        (lambda: fw.ThetaCycle(read="evry"), "unknown read 'evry'; did you mean 'every'"),
        (lambda: fw.GatedTrace(tau=-20.0), r"tau \(ms\) is -20.0"),
        (lambda: fw.TwoPhase(tau=float("inf")), r"tau \(ms\) is inf"),
    ],
)
def test_a_wrong_parameter_is_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_quantities_are_converted_and_refused_in_another_dimension():
    from brian2 import Hz, kHz, mV, second, volt

    assert fw.LIF(tau_m=0.01 * second, v_rest=-0.07 * volt).tau_m == 10.0
    assert fw.RateCode(peak=0.1 * kHz).peak == 100.0
    assert fw.SpikingNetwork(delay=0.002 * second).delay == 2.0
    wrong = (
        lambda: fw.LIF(tau_m=20 * mV),
        lambda: fw.RateCode(peak=0.01 * second),
        lambda: fw.ThetaCycle(gap=4 * Hz),
        lambda: fw.SpikingNetwork(w0=2 * mV),
    )
    for build in wrong:
        with pytest.raises(ValueError, match="cannot be in"):
            build()


@pytest.mark.parametrize(
    ("mechanism", "rule", "message"),
    [
        (fw.GatedTrace(), "delta", "'gated_trace' has no erasure and cannot run rule 'delta'; use 'two_phase'"),
        (
            fw.TwoPhase(),
            "hebb",
            "'two_phase' erases what the key retrieves and cannot run rule 'hebb'; use 'gated_trace'",
        ),
    ],
)
def test_a_mechanism_that_cannot_run_a_rule_says_why_and_names_one_that_can(mechanism, rule, message):
    network = fw.SpikingNetwork(mechanism=mechanism)
    with pytest.raises(ValueError, match=message):
        network.describe(rule)
    with pytest.raises(ValueError, match=message):
        fw.simulate(rule, PAIR, on=network)


def test_counts_have_no_spikes_to_record():
    with pytest.raises(ValueError, match="engine 'counts' has no spike times to record; use engine='poisson'"):
        fw.simulate("hebb", PAIR, on=fw.SpikingNetwork(), record=True)


def test_more_than_one_percent_of_synapses_at_a_bound_is_a_warning():
    one = np.ones((6, 1))
    sent = fw.Instructions(one, one, one)
    with pytest.warns(RuntimeWarning, match=r"100\.0 % of the synapses stand at a bound; raise w0"):
        ds = fw.simulate("hebb", sent, on=fw.SpikingNetwork(w0=0.5))
    assert float(ds.fraction_at_bound) == 1.0
    assert float(abs(ds.W).max()) == 1.0  # 2 w0
    assert float(fw.simulate("hebb", sent, on=fw.SpikingNetwork(w0=50.0)).fraction_at_bound) == 0.0
    assert float(fw.simulate("hebb", sent, on=fw.SpikingNetwork(w0=0.5, dale=False)).fraction_at_bound) == 0.0
