"""Numbers of papers and of our own checks that come out of the closed forms without chance, to a thousandth."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import linprog

from synfwp import theory

RELU = theory.RELU_OVERLAP
WALK, RETURN = {"noise": 0.3, "drift": 0.02}, {"noise": 0.3, "drift": (1 - 0.99**2) ** 0.5, "keep": 0.99}

# what, the closed form, the number as it is printed
PRINTED = [
    ("Hebb, P = d = 64, rates", theory.hebb_cosine(64, 64, RELU), "0.348"),
    ("argmax, d 16, P 25", theory.argmax_accuracy(25, 16, 16), "0.738"),
    ("argmax, d 32, P 102", theory.argmax_accuracy(102, 32, 32), "0.611"),
    ("argmax, d 48, P 115", theory.argmax_accuracy(115, 48, 48), "0.902"),
    ("argmax, 32 x 64, P 100", theory.argmax_accuracy(100, 32, 64), "0.879"),
    ("argmax, 64 x 32, P 100", theory.argmax_accuracy(100, 64, 32), "0.931"),
    ("argmax, V 1000, P 200", theory.argmax_accuracy(200, 64, 64, 1000), "0.813"),
    ("x", theory.power_interference(32), "0.03125"),
    ("x^2", theory.power_interference(32, 2), "0.002757"),
    ("x^3", theory.power_interference(32, 3), "0.0003830"),
    ("exp(2 x)", theory.exponential_interference(32, 2), "0.0235"),
    ("exp(4 x)", theory.exponential_interference(32, 4), "0.000887"),
    ("exp(8 x)", theory.exponential_interference(32, 8), "4.25e-06"),
    ("other pairs at SNR 1, x^2", theory.kernel_load(1, theory.power_interference(32, 2)) - 1, "363"),
    ("other pairs at SNR 1, x^3", theory.kernel_load(1, theory.power_interference(32, 3)) - 1, "2611"),
    ("other pairs at SNR 1, exp(2 x)", theory.kernel_load(1, theory.exponential_interference(32, 2)) - 1, "43"),
    ("other pairs at SNR 1, exp(4 x)", theory.kernel_load(1, theory.exponential_interference(32, 4)) - 1, "1127"),
    ("limit of Hebb, bits", theory.HEBB_BITS, "0.459"),
    ("weights of one bit, d 401, P 201", theory.sign_weights_error(201, 401), "0.1299"),
    ("palimpsest", theory.palimpsest_capacity(4.1), "0.0490"),
    ("familiarity, share of N^2", theory.familiarity_capacity(1000) / 1e6, "0.0231"),
    ("leaky Hebb, theta 10", theory.leaky_lifetime(10, 64), "1.9"),
    ("leaky Hebb, theta 3", theory.leaky_lifetime(3, 64), "7.4"),
    ("leaky Hebb, theta 1", theory.leaky_lifetime(1, 64), "23.0"),
    ("tracking, beta .1", theory.delta_tracking_error(0.1, 32, **WALK), "0.0721"),
    ("tracking, beta .2", theory.delta_tracking_error(0.2, 32, **WALK), "0.0456"),
    ("tracking, beta .3", theory.delta_tracking_error(0.3, 32, **WALK), "0.0410"),
    ("tracking, beta .5", theory.delta_tracking_error(0.5, 32, **WALK), "0.0471"),
    ("scalar-gain Kalman", theory.scalar_kalman_error(32, **WALK), "0.0409"),
    ("Kalman", theory.kalman_tracking_error(32, **WALK), "0.039"),
    ("Kalman, return .99", theory.kalman_tracking_error(32, **RETURN), "0.39"),
]


@pytest.mark.parametrize(("value", "printed"), [row[1:] for row in PRINTED], ids=[row[0] for row in PRINTED])
def test_a_printed_number_comes_out_to_its_last_digit(value: float, printed: str) -> None:
    mantissa, _, power = printed.partition("e")
    unit = 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))
    assert abs(value - float(printed)) <= max(0.5 * unit * (1 + 1e-9), 1e-3 * float(printed))


@pytest.mark.parametrize(("levels", "lives"), [(5, (34, 67, 99)), (10, (76, 840, 2010)), (15, (43, 857, 11658))])
def test_cascades_live_as_long_as_published_parameters_give(levels: int, lives: tuple[int, ...]) -> None:
    assert tuple(theory.cascade_lifetime(N, levels) for N in (1e4, 1e6, 1e8)) == lives
    assert theory.cascade_snr(0, 1e4, levels) == pytest.approx(200 / levels)


def test_chains_of_benna_and_fusi_have_the_lives_and_the_snr_of_their_equations() -> None:
    m = (4, 6, 8, 10, 12)
    assert [round(float(theory.benna_fusi_snr(1, 1, n)), 4) for n in m] == [0.2414, 0.2048, 0.1813, 0.1645, 0.1517]
    lives = [theory.benna_fusi_lifetime(1e8, n) for n in m]
    np.testing.assert_allclose(lives, [6015, 73409, 734100, 4.556e6, 5.401e6], rtol=1e-4)


def test_the_slopes_of_the_memory_curves_are_those_of_the_state_windows() -> None:
    def slope(snr, low, high):
        t = np.geomspace(low, high, 50)
        return np.polyfit(np.log(t), np.log(snr(t)), 1)[0]

    assert slope(lambda t: theory.benna_fusi_snr(t, 1e6, 10), 10, 1e4) == pytest.approx(-0.5, abs=0.02)
    assert slope(lambda t: theory.cascade_snr(t, 1e6, 15), 10, 3000) == pytest.approx(-0.75, abs=0.06)


def test_delta_outlives_leaky_hebb_most_at_high_fidelity() -> None:
    lives = [theory.delta_lifetime(x, 64) for x in (10, 3, 1, 0.3, 0.1)]
    assert lives == [3, 9, 27, 84, 242]
    gains = [lives[i] / theory.leaky_lifetime(x, 64) for i, x in ((2, 1), (3, 0.3), (4, 0.1))]
    assert gains == pytest.approx([1.17, 1.08, 1.03], abs=0.01)


def test_softmax_of_hamming_balls_is_the_published_one() -> None:
    for radius, beta, r in ((5, 28.4, -0.942), (11, 14.4, -0.986), (15, 9.4, -0.992)):
        found = theory.ball_sharpness(64, radius)
        assert (round(found[0], 1), round(found[1], 3)) == (beta, r)


def test_tracking_with_return_to_the_mean_has_the_order_of_the_rules() -> None:
    steps = np.linspace(0.05, 1.5, 60)
    gated = theory.scalar_kalman_error(32, **RETURN)
    delta = min(theory.delta_tracking_error(b, 32, **RETURN) for b in steps)
    leaky = min(
        theory.leaky_tracking_error(b, 32, decay=a, **RETURN) for b in steps for a in np.linspace(0.95, 0.99, 41)
    )
    assert [round(x, 2) for x in (gated, delta, leaky)] == [0.44, 0.53, 0.56]
    assert theory.kalman_tracking_error(32, **RETURN) < gated < delta < leaky


def test_the_best_step_has_the_least_error_and_the_scalar_filter_just_that() -> None:
    for target in (WALK, RETURN):
        best, decay = theory.best_step(32, **target), target.get("keep", 1.0)
        errors = [theory.delta_tracking_error(x * best, 32, decay=decay, **target) for x in (0.99, 1.0, 1.01)]
        assert errors[1] == min(errors)
        assert errors[1] == pytest.approx(theory.scalar_kalman_error(32, **target), rel=1e-9)


def test_bits_of_hebb_tend_to_their_limits_where_almost_every_second_sign_is_wrong() -> None:
    P = 1e5 * 64
    assert theory.bits_per_synapse(P, 64, theory.hebb_sign_error(P, 64)) == pytest.approx(theory.HEBB_BITS, rel=1e-4)
    assert theory.bits_per_synapse(P, 64, theory.sign_weights_error(P, 64)) == pytest.approx(theory.SIGN_BITS, rel=1e-4)
    assert theory.bits_per_synapse(64, 64, theory.least_squares_sign_error(64, 64)) == 1


def test_willshaw_synapses_tend_to_ln_2_bits_at_half_fill() -> None:
    def bits(N, k):  # of P = ln 2 (N / k)^2 pairs of sparse patterns that are read without an error
        return np.log(2) / k**2 * (k * np.log2(N / k) + k / np.log(2))

    found = [bits(2.0**n, float(n)) for n in (20, 200, 1000)]  # k = log2 N
    distances = np.abs(np.array(found) - theory.WILLSHAW_BITS)
    assert distances[0] > distances[1] > distances[2]
    assert found[2] == pytest.approx(theory.WILLSHAW_BITS, rel=0.01)
    fills = [theory.willshaw_fill(round(np.log(2) * (N / k) ** 2), N, k) for N, k in ((1024, 10), (4096, 12))]
    assert fills == pytest.approx([0.5, 0.5], abs=1e-4)


def test_no_synapse_of_few_states_outlives_the_frontier() -> None:
    rng = np.random.default_rng(0)
    for states in (2, 3, 4, 6):
        longest = 0.0
        for _ in range(60):
            up = rng.dirichlet(np.full(states, rng.uniform(0.05, 1)), states).T
            slow = rng.uniform(0, 1) ** 3
            up = (1 - slow) * np.eye(states) + slow * up
            down = up[::-1, ::-1]
            w = np.where(np.arange(states) < states // 2, -1.0, 1.0)
            rates, left = np.linalg.eig((up + down) / 2)
            rest = np.real(left[:, np.argmax(rates.real)])
            signal, t, life = (up - down) / 2 @ (rest / rest.sum()), 0, 0
            while t < 400:
                life = t if 100 * abs(w @ signal) > 1 else life
                signal, t = (up + down) / 2 @ signal, t + 1
            longest = max(longest, life)
        assert longest <= theory.frontier_lifetime(1e4, states) * 1.01


def test_the_heads_of_a_retentive_network_together_forget_as_a_power_of_time() -> None:
    t = np.geomspace(64, 2**12, 40).round()
    ratio = theory.multi_decay(t, 16) * np.sqrt(t)
    assert np.all((ratio > 0.93) & (ratio < 1))


def test_at_its_capacity_half_of_the_synapses_of_one_sign_are_silent() -> None:
    rng, d, shares = np.random.default_rng(0), 60, []
    one, free = np.r_[np.ones(d), 0], [(0, None)] * d + [(None, None)]
    for _ in range(20):
        x = rng.choice([-1.0, 1.0], (d, 1)) * rng.standard_normal((d, d))  # P = d
        # the widest margin of all weights that add up to one
        inequalities = {"A_ub": np.c_[-x, np.ones(d)], "b_ub": np.zeros(d)}
        found = linprog(np.r_[np.zeros(d), -1], **inequalities, A_eq=[one], b_eq=[1], bounds=free)
        shares.append(np.mean(found.x[:d] < 1e-9))
    assert np.mean(shares) == pytest.approx(theory.DALE_SILENT, abs=3 * np.std(shares) / 20**0.5 + 0.02)
    assert theory.dale_feasible(100, 100) == pytest.approx(0.5)
    assert theory.perceptron_feasible(int(100 * theory.PERCEPTRON_LOAD), 100) == pytest.approx(0.5)
    assert theory.dale_feasible(int(100 * theory.DALE_LOAD), 100) == pytest.approx(0.5)


def test_the_interference_of_keys_is_that_of_their_overlap() -> None:
    keys = np.maximum(np.random.default_rng(0).standard_normal((4000, 64)), 0)
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    assert theory.key_overlap(keys) == pytest.approx(RELU, rel=0.02)
    assert theory.hebb_cosine(64, theory.effective_dimension(keys)) == pytest.approx(
        theory.hebb_cosine(64, 64, RELU), abs=0.01
    )
    dims = [theory.effective_dimension(keys[:n], centred=True) for n in (50, 500, 4000)]
    assert all(abs(b / a - 1) < 0.1 for a, b in pairwise(dims))  # no bias of few keys
