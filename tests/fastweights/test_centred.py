"""Rules with centred keys: the mean of the keys before, a mean that is known, tokens without a key (F16)."""

import numpy as np
import pytest
from autograd import grad
from strategies import OWN, outcome, problem, rounding

import synfwp as fw
from synfwp import coefficients
from synfwp.autograd import scan as traced

pytestmark = pytest.mark.kernels


def rates(seed, pairs, d=64):
    rng = np.random.default_rng(seed)
    return np.abs(rng.standard_normal((pairs, d))), rng.standard_normal((pairs, d))


def cosines(reads, v):
    return np.sum(reads * v, axis=-1) / np.linalg.norm(reads, axis=-1) / np.linalg.norm(v, axis=-1)


def recalled(k, v, aux0=None):
    """Cosine of every item after all of them were written, asked by tokens of their own."""
    n = len(k)
    asks = np.concatenate([np.zeros_like(k), k]), np.concatenate([k, np.zeros_like(k)])
    beta = np.repeat([1.0, 0.0], n)
    return cosines(fw.scan("covariance", *asks, np.concatenate([v, np.zeros_like(v)]), beta, aux0=aux0).y[n:], v)


@pytest.mark.parametrize(("pairs", "known", "running"), [(32, 0.81, 0.77), (64, 0.70, 0.69)])
def test_recall_of_firing_rates_is_that_of_centred_keys(pairs, known, running):
    """F16: with a known mean 0.81 at P = 32 and 0.70 at P = 64, d = 64; a running mean costs a little."""
    mean = np.append(np.full(64, np.sqrt(2 / np.pi)), np.inf)
    found = [[recalled(*rates(seed, pairs), aux).mean() for aux in (mean, None)] for seed in range(20)]
    for value, want in zip(np.mean(found, axis=0), (known, running), strict=True):
        assert abs(value - want) < 0.01  # printed with two digits; the standard error is 0.003


def test_the_first_item_is_recalled():
    """F16: its key is not taken off itself."""
    k, v = rates(0, 1)
    assert cosines(fw.scan("covariance", k, k, v).y, v) == pytest.approx(1.0)
    found = [recalled(*rates(seed, 16)) for seed in range(20)]
    assert np.mean(found, axis=0)[0] > 0.45  # 0.55, standard error 0.02; 0 where its own key was taken off


@pytest.mark.parametrize("row", [fw.COVARIANCE, OWN["two centred"]], ids=lambda row: row.name)
def test_a_token_without_a_key_is_as_if_it_were_not_there(row, rng):
    p = problem(row, rng, 9, 3, 4)
    p.k[[2, 5]] = 0
    out, keyed = fw.scan(*p.args, **p.kwargs), [0, 1, 3, 4, 6, 7, 8]
    if p.decay is not None:  # but that its decay acts
        p.decay[[2, 5]] = 1
        out = fw.scan(*p.args, **p.kwargs)
    names = [x for x in p.used if x not in ("W0", "aux0")]
    other = p.but(**{x: getattr(p, x)[keyed] for x in names})
    short, bound = fw.scan(*other.args, **other.kwargs), rounding(p, outcome(p))
    assert np.abs(out.W - short.W).max() <= bound
    assert np.abs(out.y[keyed] - short.y).max() <= bound
    assert np.abs(out.aux - short.aux).max() <= bound
    assert short.aux[-1] == 3 + 7 * row.writes


def test_a_query_of_zeros_reads_nothing(rng):
    p = problem(fw.COVARIANCE, rng, 5, 3, 4)
    p.q[3] = 0
    assert not fw.scan(*p.args, **p.kwargs).y[3].any()
    assert not fw.attention("covariance", p.q, p.k)[3].any()


def test_a_mean_of_no_keys_serves_the_first_key_alone():
    k, v = np.array([[2.0], [5.0]]), np.array([[1.0], [1.0]])
    out = fw.scan("covariance", k, k, v, aux0=np.array([0.5, 0.0]))
    assert out.W.tolist() == [[(2 - 0.5) + (5 - 2)]]
    assert out.aux.tolist() == [3.5, 2.0]
    assert fw.scan("covariance", k, k, v).W.tolist() == [[2 + (5 - 2)]]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_known_mean_is_held_in_every_form(dtype, rng):
    p = problem(fw.COVARIANCE, rng, 9, 3, 4, (2,), dtype)
    p.aux0[..., -1] = np.inf
    mean, want = p.aux0[:, None, :-1], outcome(p)
    for form in ("recurrent", "chunkwise", "parallel"):
        out = fw.scan(*p.args, **p.kwargs, form=form)
        assert np.abs(out.W - want.W).max() <= rounding(p, want)
        assert np.abs(out.y - want.y).max() <= rounding(p, want)
        assert np.array_equal(out.aux, p.aux0)
    hebb = fw.scan("hebb", p.q - mean, p.k - mean, p.v, p.beta, W0=p.W0)
    assert np.array_equal(fw.scan(*p.args, **p.kwargs).y, hebb.y)


@pytest.mark.parametrize("number", [0.0, 3.0, np.inf])
@pytest.mark.parametrize("row", [fw.COVARIANCE, OWN["two centred"], OWN["two oja"]], ids=lambda row: row.name)
def test_the_adjoint_is_the_transpose_of_the_derivative_also_where_there_is_no_key(row, number, rng):
    p = problem(row, rng, 9, 3, 4, (2,))
    p.aux0[..., -1] = number
    p.k[:, 2], p.q[:, 5] = 0, 0
    dx = {x: rng.standard_normal(getattr(p, x).shape) for x in p.used}
    dx["aux0"][..., -1] = 0
    dx["k"][:, 2], dx["q"][:, 5] = 0, 0  # what is none stays none
    moved = outcome(p.but(**{x: getattr(p, x) + 1e-30j * d for x, d in dx.items()}))
    c = [rng.standard_normal(x.shape) for x in moved[:3]]
    forward = sum(np.sum(a * np.nan_to_num(b.imag) / 1e-30) for a, b in zip(c, moved[:3], strict=True))
    grads = fw.vjp(*p.args, **p.kwargs)[1](*c)
    assert forward == pytest.approx(sum(np.sum(getattr(grads, x) * d) for x, d in dx.items()), rel=1e-11)
    assert not grads.aux0[..., -1].any()


def test_autograd_differentiates_through_the_mean_and_a_known_one():
    rng = np.random.default_rng(0)
    k, v, aux = rng.random((4, 3)), rng.random((4, 2)), np.array([0.1, 0.2, 0.3, np.inf])
    nothing = [None] * 7

    def loss(k, aux):
        return (traced("covariance", k, k, v, *nothing, aux)[0] ** 2).sum()

    found = grad(loss, 1)(k, aux)
    for j in range(3):
        step = np.eye(4)[j] * 1e-6
        plus, minus = (loss(k, np.where(np.isinf(aux), aux, aux + s)) for s in (step, -step))
        assert found[j] == pytest.approx((plus - minus) / 2e-6, rel=1e-7)
    assert found[3] == 0


def test_the_keys_and_queries_of_a_rule_are_those_of_its_run(rng):
    p = problem(fw.COVARIANCE, rng, 6, 3, 4)
    q, k = coefficients.read_queries(p.rule, p.q, p.k), coefficients.written_keys(p.rule, p.k)
    assert np.array_equal(fw.scan("hebb", q, k, p.v, p.beta).y, fw.scan("covariance", p.q, p.k, p.v, p.beta).y)
    assert coefficients.read_queries(fw.HEBB, p.q, p.k) is p.q


@pytest.mark.parametrize(
    ("aux0", "words"),
    [
        ([0.0, np.inf, 0.0, 1.0], r"^aux0 holds inf at index \(1,\); pass finite numbers"),
        ([0.0, 0.0, 0.0, np.nan], r"^aux0 holds nan at index \(3,\)"),
        ([0.0, 0.0, 0.0, -np.inf], r"^aux0 holds -inf at index \(3,\)"),
        ([0.0, 0.0, 0.0, -1.0], r"^aux0 holds -1 as the number of keys so far; .*, or a mean and inf to hold it"),
    ],
)
def test_only_the_number_of_a_mean_may_be_infinite(aux0, words):
    one = np.ones((2, 3))
    with pytest.raises(ValueError, match=words):
        fw.scan("covariance", one, one, one, aux0=np.array(aux0))
    with pytest.raises(ValueError, match=r"^aux0 holds inf at index \(2,\)"):
        fw.scan("linear_attention", one, one, one, aux0=np.array([0.0, 0.0, np.inf]))
