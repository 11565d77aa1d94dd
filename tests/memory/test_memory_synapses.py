"""Synapses on top of every rule: the kernel, NumPy step by step and the twins agree, and the ideal one is `scan`."""

from dataclasses import dataclass

import numpy as np
import pytest
from strategies import JIT, RECURRENT, ROWS, problem

import synfwp as fw
from synfwp import memory, reference
from synfwp.memory import BennaFusi, Binary, Bits, Bounds, Cascade, Dale, MultiDecay, Synapse, scan_through

pytestmark = pytest.mark.kernels
T, D_K, D_V = 9, 5, 3
SYNAPSES = {
    "ideal": Synapse(),
    "hard": Bounds(-0.4, 0.3),
    "soft": Bounds(-0.8, 0.6, soft=True),
    "read bits": Bits(3, span=0.7),
    "one bit": Bits(1, span=0.5),
    "written bits": Bits(3, span=0.7, when="write"),
    "dale": Dale(excitatory=0.5),
    "binary": Binary(scale=0.5, weight=0.3),
    "cascade": Cascade(levels=4, scale=0.5, weight=0.3),
    "benna_fusi": BennaFusi(4),
    "benna_fusi in bits": BennaFusi(3, variable_bits=5, span=1.5),
    "multi_decay": MultiDecay((0.5, 0.9, 1.0)),
    "sum of decays": MultiDecay(2, combine="sum"),
}
LINEAR = [name for name, row in RECURRENT.items() if row.solver == "linear" and row.error == "value"]


def steps_of(synapse):
    """The same synapse without its kernel: a subclass runs in NumPy, step by step."""
    return type("Stepped", (type(synapse),), {})(**vars(synapse))


def arguments(name, rng, size=T, lead=(2,)):
    """Arguments of a row, its beta and keys not too strong, without W0."""
    p = problem(ROWS[name], rng, size, D_K, D_V, lead)
    given = {name: x for name, x in p.kwargs.items() if x is not None and name != "W0"}
    if ROWS[name].write is None or not ROWS[name].uses_keys:  # writes nothing, or from W0
        given["W0"] = p.W0
    return p.args, given


def same(a, b, scale=1.0):
    for name in ("y", "W", "states"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), atol=1e-12 * scale, rtol=1e-11, err_msg=name)
    if a.aux is not None:
        np.testing.assert_allclose(a.aux, b.aux, atol=1e-12, rtol=1e-11)


@pytest.mark.parametrize("name", RECURRENT)
def test_the_ideal_synapse_gives_what_scan_gives_for_every_rule(name, rng):
    args, given = arguments(name, rng)
    exact = fw.scan(*args, **given, states=2)
    for synapse in (Synapse(), steps_of(Synapse())):
        same(scan_through(synapse, *args, **given, states=2), exact, 1 + np.abs(exact.W).max())


@pytest.mark.parametrize("name", LINEAR)
def test_kernel_and_numpy_agree_draw_for_draw_for_every_linear_rule(name, rng):
    args, given = arguments(name, rng)
    for label, synapse in SYNAPSES.items():
        found = [scan_through(one, *args, **given, states=2, seed=3) for one in (synapse, steps_of(synapse))]
        for part in ("y", "W", "states"):
            a, b = (getattr(one, part) for one in found)
            np.testing.assert_allclose(a, b, atol=1e-11, rtol=1e-10, err_msg=f"{label}: {part}")


def test_most_synapses_are_not_ideal_so_that_agreement_means_something(rng):
    args, given = arguments("delta", rng)
    ideal = scan_through(Synapse(), *args, **given).W
    for label, synapse in SYNAPSES.items():
        assert label == "ideal" or np.abs(scan_through(synapse, *args, **given).W - ideal).max() > 0.01, label


def delta(k, v, beta):
    """The delta rule, from its equation."""
    return lambda W, t: W + beta[t] * np.outer(v[t] - W @ k[t], k[t])


def twin(label, step, q, shape, seed):
    """The twin of a synapse from the state with which the run starts."""
    synapse, stream = SYNAPSES[label], fw.seeds.generator(seed, "synapse", 0)
    start = synapse.initial(shape, stream)
    if isinstance(synapse, Bounds):
        return reference.bounded_synapses(step, q, start, synapse.low, synapse.high, synapse.soft)
    if isinstance(synapse, Bits):
        return reference.few_bit_synapses(step, q, start, synapse.bits, synapse.span, synapse.when, stream)
    if isinstance(synapse, Dale):
        return reference.signed_synapses(step, q, *start)
    if isinstance(synapse, Binary):
        return reference.binary_synapses(step, q, start * synapse.weight, synapse.scale, stream)
    if isinstance(synapse, Cascade):
        depth = np.abs(start).astype(int)
        return reference.cascade_synapses(
            step, q, np.sign(start).astype(float), depth, synapse.levels, synapse.x, synapse.scale, synapse.weight,
            stream,
        )  # fmt: skip
    if isinstance(synapse, BennaFusi):
        return reference.benna_fusi_synapses(
            step, q, start, synapse.coupling, synapse.ratio, synapse.variable_bits, synapse.span, stream
        )
    return reference.fading_synapses(step, q, start, synapse.decays, synapse.combine)


@pytest.mark.parametrize("label", [label for label in SYNAPSES if label != "ideal"])
@pytest.mark.parametrize("rule", ["delta", "gated_hebb"])
def test_every_synapse_is_its_twin_draw_for_draw(label, rule, rng):
    q, k = rng.standard_normal((2, 20, D_K)) / D_K**0.5
    v, beta, decay = rng.standard_normal((20, D_V)), rng.uniform(0.2, 1, 20), rng.uniform(0.8, 1, (20, D_K))
    step = delta(k, v, beta) if rule == "delta" else lambda W, t: W * decay[t] + beta[t] * np.outer(v[t], k[t])
    y, states = twin(label, step, q, (D_V, D_K), 11)
    given = {"decay": decay} if rule == "gated_hebb" else {}
    found = scan_through(SYNAPSES[label], rule, q, k, v, beta, **given, states=1, seed=11)
    np.testing.assert_allclose(found.y, y, atol=1e-12)
    np.testing.assert_allclose(found.states, states, atol=1e-12)


@pytest.mark.parametrize("label", SYNAPSES)
def test_results_depend_neither_on_the_batch_nor_on_threads_nor_on_blocks_of_rows(label, rng, monkeypatch):
    q, k, v = (rng.standard_normal((4, T, d)) / 3 for d in (D_K, D_K, D_V))

    def run(n, **more):
        return scan_through(SYNAPSES[label], "delta", q[:n], k[:n], v[:n], 0.5, seed=5, **more).W

    every = run(4)
    np.testing.assert_array_equal(run(2), every[:2])
    monkeypatch.setattr("synfwp.threads.POOL_FLOPS", 0.0)
    monkeypatch.setattr("synfwp.memory.synapses.running.CACHE_BYTES", 1)
    np.testing.assert_array_equal(run(4, threads=3), every)


def test_a_token_that_only_reads_changes_no_synapse(rng):
    k, v = rng.standard_normal((T, D_K)) / 3, rng.standard_normal((T, D_V))
    silent = np.zeros((4, D_K))
    q = np.concatenate([0 * k, rng.standard_normal((4, D_K))])
    k2, v2 = np.concatenate([k, silent]), np.concatenate([v, np.zeros((4, D_V))])
    beta, decay = np.repeat([0.5, 0.0], [T, 4]), np.repeat([0.9, 1.0], [T, 4])
    for label, synapse in SYNAPSES.items():
        for one in (synapse, steps_of(synapse)):
            written = scan_through(one, "gated_delta", q[:T], k, v, beta[:T], decay=decay[:T], seed=1).W
            read = scan_through(one, "gated_delta", q, k2, v2, beta, decay=decay, seed=1)
            np.testing.assert_array_equal(read.W, written, err_msg=label)
            np.testing.assert_allclose(read.y[T:], q[T:] @ written.T, atol=1e-12, err_msg=label)


def test_float32_runs_in_float32(rng):
    q, k, v = (rng.standard_normal((1, T, d)).astype(np.float32) / 2 for d in (D_K, D_K, D_V))
    for label, synapse in SYNAPSES.items():
        single = scan_through(synapse, "hebb", q, k, v, seed=2)
        double = scan_through(synapse, "hebb", *(x.astype(float) for x in (q, k, v)), seed=2)
        assert single.W.dtype == np.float32
        np.testing.assert_allclose(single.W, double.W, atol=1e-5, err_msg=label)


@dataclass(frozen=True)
class Clipped(Synapse):
    """A user's own: no registration, no kernel."""

    most: float = 0.2

    def update(self, state, dW, rng):
        return np.clip(state + dW, -self.most, self.most)


@pytest.mark.parametrize("name", ["delta", "oja", "mesa", "momentum_delta", "linear_attention", "key_gated_delta"])
def test_a_users_own_synapse_runs_on_every_kind_of_rule(name, rng):
    args, given = arguments(name, rng)
    found = scan_through(Clipped(), *args, **given)
    assert np.abs(found.W).max() == pytest.approx(0.2)
    if name not in ("oja", "mesa", "momentum_delta"):
        np.testing.assert_allclose(found.W, scan_through(Bounds(-0.2, 0.2), *args, **given).W, atol=1e-12)


def test_a_users_own_rule_runs_in_the_kernel(rng):
    own = fw.Rule(name="forgetful delta", retain="scalar", erase=0.5, write="beta")
    q, k, v = (rng.standard_normal((2, T, d)) / 2 for d in (D_K, D_K, D_V))
    for synapse in (Cascade(5), Bounds(-0.2, 0.2)):
        found = [scan_through(s, own, q, k, v, 0.5, decay=0.9, seed=0).W for s in (synapse, steps_of(synapse))]
        np.testing.assert_allclose(*found, atol=1e-12)


def test_a_subclass_that_changes_a_method_does_not_run_in_the_kernel_of_its_parent(rng):
    class Half(Bounds):
        def update(self, state, dW, rng):
            return super().update(state, dW / 2, rng)

    k, v = rng.standard_normal((T, D_K)), rng.standard_normal((T, D_V))
    whole, half = (scan_through(one, "hebb", k, k, v).W for one in (Bounds(-np.inf, np.inf), Half(-np.inf, np.inf)))
    np.testing.assert_allclose(half, whole / 2, atol=1e-12)


def test_synapses_are_substrates(rng):
    k, v = np.abs(rng.standard_normal((2, T, D_K))), rng.standard_normal((2, T, D_V))
    sent = fw.Instructions(k, k, v)
    for synapse in (Cascade(3), BennaFusi(3), Clipped(0.3)):
        ds = fw.simulate("hebb", sent, on=synapse, seed=range(2))
        assert dict(ds.W.sizes) == {"seed": 2, "trial": 2, "value": D_V, "key": D_K}
        np.testing.assert_array_equal(ds.W[1], scan_through(synapse, "hebb", k, k, v, seed=1).W)


def test_bounds_tell_how_many_weights_stand_at_them():
    one = np.ones((1, 4, 2))
    with pytest.warns(RuntimeWarning, match="stand at a bound"):
        ds = fw.simulate("hebb", fw.Instructions(one, one, one), on=Bounds(-2.0, 2.0))
    assert ds.fraction_at_bound == 1.0


def test_binary_synapses_fade_as_amit_and_fusi_have_it():
    """Signal q (1 - q)^age per synapse, 4 s.e.; twice the probability does not fit."""
    d, writes, scale = 60 if JIT else 20, 40, 8.0
    rng = np.random.default_rng(0)
    k, v = rng.choice([-1.0, 1.0], (2, 30, writes, d))
    W = scan_through(Binary(scale), "hebb", 0 * k, k, v, seed=0).W
    signal = np.einsum("nij,nti,ntj->nt", W, v, k)[:, ::-1] / d**2
    mean, error = signal.mean(axis=0), signal.std(axis=0, ddof=1) / 30**0.5
    right, wrong = (q * (1 - q) ** np.arange(writes) for q in (1 / scale, 2 / scale))
    assert (np.abs(mean - right) < 4 * error).all()
    assert (np.abs(mean - wrong) > 4 * error).any()


def test_all_states_of_a_cascade_stay_equally_likely_under_balanced_events():
    rng, n = np.random.default_rng(1), 5
    synapse = Cascade(n)
    state = synapse.initial((100, 100), rng)
    for _ in range(100):
        state = synapse.update(state, rng.choice([-1.0, 1.0], state.shape), rng)
    share = np.unique(state, return_counts=True)[1] / state.size
    assert np.abs(share - 1 / (2 * n)).max() < 4 * (0.1 * 0.9 / state.size) ** 0.5
    assert len(share) == 2 * n


def test_written_bits_are_right_on_average_and_read_bits_are_the_nearest():
    rng, synapse = np.random.default_rng(2), Bits(2, span=1.5, when="write")
    state = synapse.update(np.full((1, 20_000), 0.5), np.full((1, 20_000), 0.3), rng)
    assert set(np.unique(state)) == {0.5, 1.5}
    assert abs(state.mean() - 0.8) < 4 * 0.5 / 20_000**0.5
    levels = np.unique(Bits(3, span=7.0).read(np.linspace(-9, 9, 1000)))
    np.testing.assert_allclose(levels, np.arange(-7, 8, 2), atol=1e-12)


@pytest.mark.parametrize(
    ("synapse", "variables", "bits", "states"),
    [
        (Synapse(), 1, 64, np.inf),
        (Bits(3), 1, 3, 8),
        (Dale(), 1, 63, np.inf),
        (Binary(), 1, 1, 2),
        (Cascade(8), 1, 4, 16),
        (BennaFusi(5), 5, 320, np.inf),
        (BennaFusi(5, variable_bits=3), 5, 15, 2.0**15),
        (MultiDecay(4), 4, 256, np.inf),
    ],
)
def test_every_synapse_has_its_cost(synapse, variables, bits, states):
    assert (synapse.variables, synapse.bits, synapse.states) == (variables, bits, states)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Bounds(1.0, 1.0), r"low is 1 and high 1; pass low below high\."),
        (lambda: Bounds(-np.inf, 1.0, soft=True), r"low is -inf; pass a finite number\."),
        (lambda: Bits(0), r"bits is 0; pass an integer of at least 1 and at most 24|bits is 0"),
        (lambda: Bits(2, when="reed"), r"unknown when 'reed'; did you mean 'read'\?"),
        (lambda: Bits(2, span=0.0), r"span is 0\.0; pass a finite number above 0\."),
        (lambda: Dale(signs=(1, 0)), r"signs holds 0\.0; pass 1 or -1 for each key\."),
        (lambda: Binary(scale=-1.0), r"scale is -1\.0; pass a finite number above 0\."),
        (lambda: Cascade(1), r"levels is 1; pass an integer of at least 2"),
        (lambda: Cascade(5, x=0.7), r"x is 0\.7; pass a finite number above 0 and of at most 0\.5\."),
        (lambda: BennaFusi(coupling=0.9), r"coupling is 0\.9; pass a finite number above 0 and of at most 0\.5\."),
        (lambda: MultiDecay(()), r"decays holds no number; pass at least one\."),
        (lambda: MultiDecay((1.5,)), r"decays holds 1\.5; pass finite numbers of at least 0 and of at most 1\."),
    ],
)
def test_a_bad_field_is_refused(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_a_bad_call_is_refused():
    one = np.ones((3, 2))
    with pytest.raises(ValueError, match=r"signs holds 3 signs but W has 2 keys; pass one for each\."):
        scan_through(Dale((1, 1, -1)), "hebb", one, one, one)
    with pytest.raises(ValueError, match=r"rule 'softmax' keeps every pair and has no weights"):
        scan_through(Cascade(), "softmax", one, one, one)
    for wrong in (Cascade, "cascade", fw.Exact()):
        with pytest.raises(TypeError, match=r"^on is .*, which is no synapse; pass e\.g\. Cascade\(levels=10\)"):
            scan_through(wrong, "hebb", one, one, one)

    class Flat(Synapse):
        def read(self, state):
            return state.ravel()

    with pytest.raises(ValueError, match=r"^Flat\.read gives an array of shape \(4,\) .*numbers of shape \(2, 2\)\.$"):
        scan_through(Flat(), "hebb", one, one, one)


def test_the_public_names_are_those_of_the_folder():
    assert all(hasattr(memory, name) for name in memory.synapses.__all__)
