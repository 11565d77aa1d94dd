"""The bridge to PyTorch: gradients, memory, what is refused, flash-linear-attention's layout, and the layer."""

import copy
import doctest
import importlib
import warnings

import numpy as np
import pytest
from strategies import FIXED, problem
from strategies import ROWS as EVERY_ROW

import synfwp as fw
from synfwp import conventions
from synfwp.fastweights import gradients
from synfwp.features import FEATURES, NORMALISERS, get_feature
from synfwp.kernels import linear
from synfwp.rules import RULES
from synfwp.tasks import Recall

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed; `make test-torch` runs these tests")

from synfwp import torch as bridge  # noqa: E402

FLA = {"hebb": False, "leaky_hebb": False, "gated_hebb": False, "delta": True, "gated_delta": True}
FLA["key_gated_delta"] = True  # row: whether flash-linear-attention's form of it erases, with a beta

PLAIN = ("q", "k", "v", "beta", "decay", "W0")  # the inputs of a rule with one plain write per token
ROWS = EVERY_ROW
LAYERS = {name: row for name, row in EVERY_ROW.items() if row.uses_values}


def tensors(p, grad=True):
    """The inputs of a problem that are there, as tensors."""
    return {name: torch.tensor(getattr(p, name), requires_grad=grad) for name in p.used}


def run(p, given):
    """`bridge.scan` of them; reads, and W and aux where the rule has them."""
    kwargs = {name: x for name, x in given.items() if name not in ("q", "p", "r")}
    if "p" in given:
        kwargs["erase"] = (given["p"], given["r"])
    return [x for x in bridge.scan(p.rule, given["q"], **kwargs, output_aux=True) if x is not None]


def close(found, want):
    """Equal to rounding: short float64 sums of numbers of order 1 to 100, each good to 1e-16 of what it adds up."""
    assert found.shape == want.shape
    assert found.dtype == want.dtype
    assert torch.allclose(found, want, rtol=1e-12, atol=1e-12)


# --- values and gradients --------------------------------------------------------------------------------------------


@pytest.mark.kernels
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ROWS)
def test_results_and_gradients_equal_those_of_the_door_for_every_row(name, dtype, rng):
    p = problem(ROWS[name], rng, 6, 3, 5, (2,), dtype)
    out = fw.scan(*p.args, **p.kwargs)
    want_out = [x for x in (out.y, out.W, out.aux) if x is not None]
    cotangents = [rng.standard_normal(x.shape).astype(dtype) for x in want_out]
    named = zip([x for x in ("y", "W", "aux") if getattr(out, x) is not None], cotangents, strict=True)
    # bit for bit: the adjoint that runs the rule again, not the one that keeps what `vjp` has
    want = gradients(*p.args, **p.kwargs, **{f"d{x}": c for x, c in named})
    given = tensors(p)
    found = run(p, given)
    assert [np.array_equal(x.detach(), y) for x, y in zip(found, want_out, strict=True)] == [True] * len(found)
    torch.autograd.backward(found, [torch.tensor(c) for c in cotangents])
    for x, tensor in given.items():
        assert tensor.grad.numpy().dtype == found[0].detach().numpy().dtype == dtype
        assert np.array_equal(tensor.grad, want.erase["pr".index(x)] if x in ("p", "r") else getattr(want, x))


@pytest.mark.kernels
@pytest.mark.parametrize("name", RULES)
def test_gradcheck_passes_for_every_rule_with_all_inputs(name, rng):
    p = problem(RULES[name], rng, 4, 3, 2, (2,))
    given = tensors(p)
    if p.rule.centred:  # the number of keys so far is no parameter
        mean, number = torch.tensor(p.aux0).split([3, 1], dim=-1)
        given["aux0"] = mean.clone().requires_grad_()
    whole = lambda given: given | ({"aux0": torch.cat([given["aux0"], number], dim=-1)} if p.rule.centred else {})  # noqa: E731
    if name == "householder":  # whose keys are not of unit length any more
        warnings.simplefilter("ignore", RuntimeWarning)
    # a central difference with step 1e-6 is good to about 1e-16 |y| / 1e-6 = 1e-9 for the |y| of about 10 seen here
    assert torch.autograd.gradcheck(
        lambda *x: tuple(run(p, whole(dict(zip(given, x, strict=True))))),
        tuple(given.values()),
        eps=1e-6,
        atol=1e-7,
        rtol=1e-7,
    )


@pytest.mark.kernels
@pytest.mark.parametrize(
    "row", [*FEATURES.values(), *NORMALISERS.values(), get_feature("dpfp(2)")], ids=lambda r: r.name
)
def test_gradcheck_passes_for_every_feature_map_and_normaliser(row, rng):
    x = torch.tensor(rng.uniform(0.1, 1, (3, 4)) * rng.choice([-1, 1], (3, 4)), requires_grad=True)  # off the corners
    # as above; a sum of features near 0 divides, so the outputs reach 100
    assert torch.autograd.gradcheck(lambda x: bridge.feature(row, x), (x,), eps=1e-6, atol=1e-6, rtol=1e-6)
    assert np.array_equal(bridge.feature(row, x).detach(), row.apply(x.detach().numpy()))
    assert bridge.feature(row, x.detach().float()).dtype == torch.float32


@pytest.mark.kernels
def test_each_input_can_ask_for_its_gradient_alone_and_y_or_W_can_be_used_alone(rng):
    p = problem(fw.KEY_GATED_DELTA, rng, 4, 3, 2)
    pullback = fw.vjp(*p.args, **p.kwargs)[1]
    for output, want in ((0, pullback(dy=np.ones_like(p.v))), (1, pullback(dW=np.ones_like(p.W0)))):
        for name in PLAIN:
            given = tensors(p, grad=False)
            given[name].requires_grad_()
            run(p, given)[output].sum().backward()
            assert np.array_equal(given[name].grad, getattr(want, name))
            assert [x for x in given if given[x].grad is not None] == [name]


@pytest.mark.kernels
def test_one_backward_pass_runs_each_kernel_once_for_all_inputs(rng, monkeypatch):
    runs = []
    for name in ("forward", "adjoint"):
        kernel = getattr(linear, name)
        monkeypatch.setattr(linear, name, lambda *args, n=name, f=kernel: runs.append(n) or f(*args))
    p = problem(fw.GATED_DELTA, rng, 4, 3, 2, (2,))
    given = tensors(p)
    y, W = run(p, given)
    ((y * y).sum() + W.sum()).backward()
    assert runs == ["forward", "adjoint"]
    assert all(x.grad is not None for x in given.values())
    with torch.no_grad():
        assert not run(p, given)[0].requires_grad


@pytest.mark.kernels
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_broadcast_gates_and_numbers_get_gradients_of_their_own_shape(dtype, rng):
    p = problem(fw.GATED_DELTA, rng, 4, 3, 2, (2,)).but(beta=np.full(4, 0.5), decay=np.array(0.5))
    given = {name: torch.tensor(getattr(p, name), dtype=dtype, requires_grad=True) for name in PLAIN}
    y, _ = run(p, given)
    y.sum().backward()
    assert given["beta"].grad.shape == (4,)
    assert given["decay"].grad.shape == ()
    assert {x.grad.dtype for x in given.values()} == {dtype}
    plain = bridge.scan(p.rule, given["q"], given["k"], given["v"], 0.5, decay=0.5, W0=given["W0"])[0]
    assert plain.dtype == dtype
    assert torch.equal(plain, y)


@pytest.mark.kernels
@pytest.mark.parametrize(("T", "lead"), [(0, (2,)), (3, (0,)), (0, ())])
@pytest.mark.parametrize("name", RULES)
def test_empty_sequences_and_batches_have_gradients(name, T, lead, rng):
    given = tensors(p := problem(RULES[name], rng, T, 3, 2, lead))
    found = run(p, given)
    torch.autograd.backward(found, [torch.ones_like(x) for x in found])
    assert all(x.grad.shape == x.shape for x in given.values())
    if "W0" in given and not p.rule.uses_ridge and not T:
        assert torch.equal(given["W0"].grad, torch.ones_like(given["W0"]))


@pytest.mark.kernels
def test_each_input_of_a_rule_with_keys_of_its_own_can_ask_for_its_gradient_alone(rng):
    p = problem(fw.DPLR, rng, 4, 3, 2)
    want = fw.vjp(*p.args, **p.kwargs)[1](dy=np.ones_like(p.v))
    for name in p.used:
        given = tensors(p, grad=False)
        given[name].requires_grad_()
        run(p, given)[0].sum().backward()
        expected = want.erase["pr".index(name)] if name in ("p", "r") else getattr(want, name)
        close(given[name].grad, torch.tensor(expected))
        assert [x for x in given if given[x].grad is not None] == [name]


@pytest.mark.kernels
@pytest.mark.parametrize("name", [name for name, row in RULES.items() if row.has_weights and row.uses_keys])
def test_a_run_that_is_cut_and_goes_on_from_W_and_aux_is_the_whole_run_with_its_gradients(name, rng):
    p = problem(RULES[name], rng, 6, 3, 2, (2,))
    whole, cut = tensors(p), tensors(p)
    found = run(p, whole)
    first = run(p, {x: t if x in FIXED else t[:, :2] for x, t in cut.items()})
    later = {x: t if x in FIXED else t[:, 2:] for x, t in cut.items()} | {"W0": first[1]}
    second = run(p, later | ({"aux0": first[2]} if len(first) > 2 else {}))
    # MESA solves anew from W and H after the cut: eps times the condition of H + ridge, below 100 here
    assert torch.allclose(torch.cat([first[0], second[0]], dim=1), found[0], rtol=1e-11, atol=1e-11)
    (found[0].square().sum() + found[1].sum()).backward()
    (first[0].square().sum() + second[0].square().sum() + second[1].sum()).backward()
    for x in whole:
        assert torch.allclose(cut[x].grad, whole[x].grad, rtol=1e-10, atol=1e-10), x


# --- memory ----------------------------------------------------------------------------------------------------------


@pytest.mark.kernels
def test_strided_and_expanded_tensors_are_read_and_get_gradients(rng):
    p = problem(fw.GATED_DELTA, rng, 4, 3, 2, (5, 2))
    given = tensors(p, grad=False)
    want = run(p, given)[0]
    strided = {name: x.movedim(0, -1).contiguous().movedim(-1, 0) for name, x in given.items()}
    assert not any(x.is_contiguous() for x in strided.values())
    assert torch.equal(run(p, strided)[0], want)
    one = {name: x[:1].clone().requires_grad_() for name, x in given.items()}
    y, _ = run(p, {name: x.expand(5, *x.shape[1:]) for name, x in one.items()})
    y.sum().backward()
    alone = tensors(p.at((slice(0, 1),)))
    run(p, alone)[0].sum().backward()
    for name, x in one.items():
        close(x.grad, 5 * alone[name].grad)


def test_no_feature_map_gives_the_memory_of_its_input():
    x = torch.ones(2, 3)
    for row in (*FEATURES.values(), *NORMALISERS.values()):
        bridge.feature(row, x).zero_()
        assert torch.equal(x, torch.ones(2, 3)), row.name


@pytest.mark.kernels
def test_a_lazily_negated_view_is_read_with_its_sign(rng):
    z = torch.tensor(rng.standard_normal((4, 3)) + 1j * rng.standard_normal((4, 3)))
    lazy = z.conj().imag
    assert lazy.is_neg()
    assert torch.equal(bridge.scan("hebb", lazy, lazy, lazy)[0], bridge.scan("hebb", *[-z.imag] * 3)[0])


@pytest.mark.kernels
def test_what_is_kept_for_the_way_back_is_the_memory_of_the_inputs_and_nothing_else(rng):
    p = problem(fw.GATED_DELTA, rng, 4, 3, 2, (2,))
    given = tensors(p)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.data_ptr()) or x, lambda x: x):
        run(p, given)
    assert sorted(kept) == sorted(x.data_ptr() for x in given.values())


@pytest.mark.kernels
def test_the_inputs_stay_as_they_are_and_a_change_in_place_is_noticed(rng):
    p = problem(fw.DELTA, rng, 4, 3, 2)
    given = tensors(p)
    y, W = run(p, given)
    (y.sum() + W.sum()).backward()
    assert all(np.array_equal(x.detach(), getattr(p, name)) for name, x in given.items())
    y, _ = run(p, given)
    with torch.no_grad():
        given["k"].mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


# --- PyTorch's own machinery -----------------------------------------------------------------------------------------


@pytest.mark.kernels
def test_functional_gradients_equal_those_of_a_backward_pass(rng):
    given = tensors(problem(fw.DELTA, rng, 4, 3, 2))
    run_k = lambda k: bridge.scan("delta", given["q"].detach(), k, given["v"].detach())[0].square().sum()  # noqa: E731
    run_k(given["k"]).backward()
    assert torch.equal(torch.func.grad(run_k)(given["k"].detach()), given["k"].grad)


def test_a_compiled_layer_gives_what_the_layer_gives():
    layer, x = bridge.FastWeights("delta", 4), torch.ones(2, 3, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the compiler of PyTorch warns about itself
        y = torch.compile(layer, backend="eager")(x)
    assert torch.equal(y, layer(x))


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.kernels
@pytest.mark.parametrize("power", [1, 2])  # at 1 the first derivative's cotangent is a constant
def test_a_second_derivative_is_refused_by_name(power, rng):
    given = tensors(problem(fw.DELTA, rng, 4, 3, 2))
    for name, loss in (
        ("scan", lambda k: bridge.scan("delta", given["q"], k, given["v"])[0]),
        ("feature", lambda k: bridge.feature(NORMALISERS["l2"], k)),
    ):
        (slope,) = torch.autograd.grad((loss(given["k"]) ** power).sum(), given["k"], create_graph=True)
        with pytest.raises(NotImplementedError, match=rf"synfwp\.torch\.{name} has no second derivative"):
            (slope.sum() + given["k"].sum()).backward()


ONE = torch.ones(3, 2)


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"k": ONE.to("meta")}, ValueError, r"^k is on device meta, but the kernels run on the processor; pass k\.cpu"),
        ({"W0": np.ones((2, 2))}, TypeError, r"^W0 is of type numpy ndarray; pass a PyTorch tensor"),
        ({"q": ONE.bfloat16()}, TypeError, r"^q has dtype torch\.bfloat16; pass q\.float\(\), or q\.double\(\)"),
        ({"beta": torch.ones(3, dtype=torch.int64)}, TypeError, r"^beta has dtype torch\.int64"),
        ({"v": ONE.to_sparse()}, TypeError, r"^v has layout torch\.sparse_coo; pass v\.to_dense"),
        ({"beta": True}, TypeError, r"^beta is of type builtins bool"),
        ({"q": ONE.half()}, TypeError, r"^q has dtype torch\.float16; pass q\.float\(\)"),
        (
            {"W0": ONE[:2].to(torch.complex64)},
            TypeError,
            r"^W0 has dtype torch\.complex64; pass real numbers, such as W0",
        ),
        ({"v": ONE.double()}, TypeError, r"^mixed dtypes: q float32, k float32, v float64; .* \.float\(\) to float32"),
        ({"erase": ONE}, TypeError, r"^erase is of type Tensor; pass a pair of tensors \(p, r\)"),
        ({"erase": (ONE, ONE)}, ValueError, r"^rule 'delta' does not use erase"),
        ({"rule": "dplr", "decay": ONE, "erase": (ONE, None)}, ValueError, r"^rule 'dplr' needs erase=\(p, r\)"),
        ({"rule": "dplr", "decay": ONE, "erase": (ONE, ONE.half())}, TypeError, r"^r has dtype torch\.float16"),
        ({"momentum": 0.5}, ValueError, r"^rule 'delta' does not use momentum"),
        ({"aux0": ONE}, ValueError, r"^rule 'delta' does not use aux0"),
        ({"rule": "delta_product(2)"}, ValueError, r"^k has shape \(3, 2\); pass \(..., time, 2, feature\)"),
        ({"k": None}, TypeError, r"^k is None; pass an array"),
        ({"v": ONE[:2]}, ValueError, r"^k has shape \(3, 2\) but v has 2 time steps"),
        ({"beta": -1}, ValueError, r"^beta holds -1; pass numbers of at least 0"),
        ({"decay": 0.5}, ValueError, r"^rule 'delta' does not use decay"),
        ({"rule": "detla"}, ValueError, r"^unknown rule 'detla'; did you mean 'delta'"),
        ({"rule": "self_referential"}, ValueError, r"^rule 'self_referential' takes no keys; pass k=None"),
        ({"rule": "householder"}, ValueError, r"^rule 'householder' writes no values; pass v=None"),
    ],
)
def test_what_scan_cannot_take_is_refused_by_name(arguments, error, match):
    call = {"rule": "delta", "q": ONE, "k": ONE, "v": ONE} | arguments
    with pytest.raises(error, match=match):
        bridge.scan(**call)


# --- flash-linear-attention ------------------------------------------------------------------------------------------


def fla_problem(name, B=2, T=5, H=3, K=4, V=2):
    """Tensors under the names and in the layout of flash-linear-attention, for one rule."""
    torch.manual_seed(0)
    row = RULES[name]
    given = {x: torch.randn(B, T, H, n, dtype=torch.float64) for x, n in (("q", K), ("k", K), ("v", V))}
    given["k"] = torch.nn.functional.normalize(given["k"], dim=-1)
    if row.uses_decay:
        shape = (B, T, H, K) if row.retain == "key" else (B, T, H)
        given["g"] = torch.nn.functional.logsigmoid(torch.randn(shape, dtype=torch.float64))
    if FLA[name]:
        given["beta"] = torch.rand(B, T, H, dtype=torch.float64)
    given["initial_state"] = torch.randn(B, H, K, V, dtype=torch.float64)
    return {x: tensor.requires_grad_() for x, tensor in given.items()}


def fla_recurrence(q, k, v, g=None, beta=None, scale=None, initial_state=None):
    """The recurrence of flash-linear-attention, step by step: ``S <- exp(g) S + k (beta (v - S^T k))^T``.

    Without a beta nothing is erased: ``S <- exp(g) S + k v^T`` (linear attention, its gated forms).
    """
    S, reads = initial_state, []
    for t in range(q.shape[1]):
        if g is not None:
            S = S * (g[:, t].exp()[..., None] if g.ndim == 4 else g[:, t].exp()[..., None, None])
        write = v[:, t]
        if beta is not None:
            write = beta[:, t, :, None] * (write - torch.einsum("bhkv,bhk->bhv", S, k[:, t]))
        S = S + torch.einsum("bhk,bhv->bhkv", k[:, t], write)
        reads.append(torch.einsum("bhkv,bhk->bhv", S, q[:, t] * (q.shape[-1] ** -0.5 if scale is None else scale)))
    return torch.stack(reads, dim=1), S


@pytest.mark.kernels
@pytest.mark.parametrize("scale", [None, 1.0, 0.3])
@pytest.mark.parametrize("name", FLA)
def test_in_the_layout_of_flash_linear_attention_results_and_gradients_are_its_own(name, scale):
    given = fla_problem(name)
    o, state = bridge.scan_fla(name, **given, scale=scale, output_final_state=True)
    want, want_state = fla_recurrence(**given, scale=scale)
    close(o, want)
    close(state, want_state)
    do, dS = torch.randn_like(o), torch.randn_like(state)
    found = torch.autograd.grad((o, state), tuple(given.values()), (do, dS))
    for g, w in zip(found, torch.autograd.grad((want, want_state), tuple(given.values()), (do, dS)), strict=True):
        close(g, w)
    assert bridge.scan_fla(name, **given, scale=scale)[1] is None


@pytest.mark.kernels
@pytest.mark.parametrize("name", FLA)
def test_arguments_and_results_survive_the_way_there_and_back(name):
    given = fla_problem(name)
    sent = conventions.from_fla(**given)
    back = conventions.to_fla(**sent)
    assert back.pop("scale") == 1.0
    assert set(back) == set(given)
    for x in given:
        close(back[x], given[x] * (0.5 if x == "q" else 1))  # K^-0.5 at K = 4
    arrays = conventions.from_fla(**{x: tensor.detach().numpy() for x, tensor in given.items()})
    assert all(sent[x] is arrays[x] is None or np.allclose(arrays[x], sent[x].detach(), rtol=1e-15) for x in sent)
    out = fw.scan(name, **arrays)
    o, state = bridge.scan_fla(name, **given, output_final_state=True)
    y, W = conventions.results_from_fla(o, state)
    close(y, torch.tensor(out.y))
    close(W, torch.tensor(out.W))
    assert y.data_ptr() == o.data_ptr()


def test_a_decay_of_zero_is_minus_infinity_there_and_zero_here():
    k, decay = torch.ones(1, 1, 3, 2), torch.tensor([[[1.0, 0.0, 0.5]]])
    for convert in (lambda x: x, lambda x: x.numpy()):
        sent = conventions.to_fla(convert(k), convert(k), convert(k), decay=convert(decay))
        assert float(sent["g"][0, 1, 0]) == -np.inf
        assert np.array_equal(conventions.from_fla(**sent)["decay"], decay)


def low_rank_problem(name, B=2, T=5, H=3, HV=3, K=4, V=2):
    """The arguments of a kernel of flash-linear-attention that erases with keys of its own."""
    torch.manual_seed(1)
    short = lambda *shape: 0.5 * torch.nn.functional.normalize(torch.randn(*shape, dtype=torch.float64), dim=-1)  # noqa: E731
    given = {"q": short(B, T, H, K), "k": short(B, T, H, K), "v": torch.randn(B, T, HV, V, dtype=torch.float64)}
    log = lambda *shape: torch.nn.functional.logsigmoid(torch.randn(*shape, dtype=torch.float64))  # noqa: E731
    if name in ("dplr", "iplr", "rwkv7"):
        given["a"] = -short(B, T, H, K)
        given["b"] = -given["a"] * torch.rand(B, T, H, 1, dtype=torch.float64)  # stable: b . a < 0
    if name in ("dplr", "rwkv7"):
        given["g"] = log(B, T, H, K)
    if name == "comba":
        given |= {
            "p": given["k"] * torch.rand(B, T, H, K, dtype=torch.float64),
            "g": log(B, T, HV),
            "beta": torch.rand(B, T, HV, dtype=torch.float64),
        }
    if name == "gdn2":
        given |= {"g": log(B, T, H, K), "b": torch.rand(B, T, H, K, dtype=torch.float64)}
        given["w"] = torch.rand(B, T, HV, V, dtype=torch.float64)
    given["initial_state"] = torch.randn(B, HV, K, V, dtype=torch.float64)
    return {x: tensor.requires_grad_() for x, tensor in given.items()}


def low_rank_recurrence(name, q, k, v, initial_state, a=None, b=None, p=None, g=None, beta=None, w=None):
    """The equations of these kernels, step by step, on the state S of [B, H, K, V]."""
    S, reads = initial_state, []
    q = q if name == "rwkv7" else q * q.shape[-1] ** -0.5
    outer = lambda x, y: torch.einsum("bhk,bhv->bhkv", x, y)  # noqa: E731
    seen = lambda S, x: torch.einsum("bhkv,bhk->bhv", S, x)  # noqa: E731
    for t in range(q.shape[1]):
        key, value = k[:, t], v[:, t]
        if name in ("dplr", "iplr", "rwkv7"):  # S <- (diag(exp g) + b a^T) S + k v^T
            kept = S if g is None else g[:, t].exp()[..., None] * S
            S = kept + outer(b[:, t], seen(S, a[:, t])) + outer(key, value)
        elif name == "comba":  # S <- exp(g) S + beta k (v - S^T p)^T
            S = g[:, t].exp()[..., None, None] * S + outer(key, beta[:, t, :, None] * (value - seen(S, p[:, t])))
        else:  # gdn2: S <- (I - k (b * k)^T) diag(exp g) S + k (w * v)^T
            S = g[:, t].exp()[..., None] * S
            S = S - outer(key, seen(S, b[:, t] * key)) + outer(key, w[:, t] * value)
        reads.append(seen(S, q[:, t]))
    return torch.stack(reads, dim=1), S


def agree(given, found, want):
    """Results and all gradients."""
    for x, y in zip(found, want, strict=True):
        close(x, y)
    cotangents = [torch.randn_like(x) for x in found]
    inputs = tuple(given.values())
    for x, y in zip(*(torch.autograd.grad(z, inputs, cotangents) for z in (found, want)), strict=True):
        close(x, y)


LOW_RANK = ("dplr", "iplr", "rwkv7", "comba", "gdn2")


@pytest.mark.kernels
@pytest.mark.parametrize("name", LOW_RANK)
def test_kernels_that_erase_with_keys_of_their_own_give_the_results_and_gradients_of_their_equations(name):
    given = low_rank_problem(name)
    agree(given, bridge.scan_fla(name, **given, output_final_state=True), low_rank_recurrence(name, **given))


@pytest.mark.kernels
@pytest.mark.parametrize("rule", ["delta_product(2)", "gated_delta_product(3)"])
def test_several_writes_per_token_stand_one_after_the_other_there(rule):
    torch.manual_seed(2)
    row, (B, T, H, K, V) = fw.rules.get_rule(rule), (2, 4, 3, 4, 2)
    n = row.writes
    k = torch.nn.functional.normalize(torch.randn(B, T * n, H, K, dtype=torch.float64), dim=-1)
    given = {"q": torch.randn(B, T, H, K, dtype=torch.float64), "k": k}
    given |= {
        "v": torch.randn(B, T * n, H, V, dtype=torch.float64),
        "beta": torch.rand(B, T * n, H, dtype=torch.float64),
    }
    if row.uses_decay:
        given["g"] = torch.nn.functional.logsigmoid(torch.randn(B, T, H, dtype=torch.float64))
    given["initial_state"] = torch.randn(B, H, K, V, dtype=torch.float64)
    given = {x: tensor.requires_grad_() for x, tensor in given.items()}
    S, reads = given["initial_state"], []
    for t in range(T):
        if row.uses_decay:
            S = given["g"][:, t].exp()[..., None, None] * S
        for j in range(t * n, t * n + n):
            key = given["k"][:, j]
            error = given["v"][:, j] - torch.einsum("bhkv,bhk->bhv", S, key)
            S = S + torch.einsum("bhk,bhv->bhkv", key, given["beta"][:, j, :, None] * error)
        reads.append(torch.einsum("bhkv,bhk->bhv", S, given["q"][:, t]) * K**-0.5)
    agree(given, bridge.scan_fla(rule, **given, output_final_state=True), (torch.stack(reads, dim=1), S))
    sent = conventions.from_fla(**given, num_householder=n)
    back = conventions.to_fla(**sent)
    assert (back.pop("scale"), back.pop("num_householder")) == (1.0, n)
    for x in given:
        close(back[x], given[x] * (0.5 if x == "q" else 1))


@pytest.mark.kernels
@pytest.mark.parametrize("name", [*FLA, *LOW_RANK])
def test_heads_of_queries_and_keys_serve_several_heads_of_values_and_sum_their_gradients(name):
    if name in FLA:
        small, large = fla_problem(name, H=2), fla_problem(name, H=6)
        given = large | {x: small[x] for x in ("q", "k")}
        reference = fla_recurrence
    else:
        given = low_rank_problem(name, H=2, HV=6)
        reference = lambda **sent: low_rank_recurrence(name, **sent)  # noqa: E731
    copies = {x: t.repeat_interleave(3, dim=2) if t.ndim == 4 and t.shape[2] == 2 and x != "initial_state" else t
              for x, t in given.items()}  # fmt: skip
    agree(given, bridge.scan_fla(name, **given, output_final_state=True), reference(**copies))


@pytest.mark.kernels
@pytest.mark.parametrize("name", ["delta", "gated_delta", "comba"])
def test_normalisation_in_the_kernel_divides_by_the_length_with_an_epsilon_and_has_a_gradient(name):
    given = fla_problem(name) if name in FLA else low_rank_problem(name)
    with torch.no_grad():
        given["k"].mul_(1e-3)  # where an epsilon of 1e-6 counts: the lengths are halved by it
        given["k"][0, 0] = 0
    unit = lambda x: x * torch.rsqrt(x.square().sum(-1, keepdim=True) + 1e-6)  # noqa: E731
    there = given | {x: unit(given[x]) for x in ("q", "k", "p") if x in given}
    want = fla_recurrence(**there) if name in FLA else low_rank_recurrence(name, **there)
    found = bridge.scan_fla(name, **given, output_final_state=True, use_qk_l2norm_in_kernel=True)
    assert not torch.allclose(found[0], bridge.scan_fla(name, **given)[0])
    for x, y in zip(found, want, strict=True):
        close(x, y)
    for x, y in zip(*(torch.autograd.grad(z[0].sum(), tuple(given.values())[:3]) for z in (found, want)), strict=True):
        assert torch.allclose(x, y, rtol=1e-11, atol=1e-9)  # those of k are 1000 times as large
    here = conventions.from_fla(**given)
    y, _ = bridge.scan("delta", here["q"], here["k"], here["v"], use_qk_l2norm_in_kernel=True)
    plain = bridge.scan("delta", unit(here["q"]), unit(here["k"]), here["v"])[0]
    close(y, plain)
    arrays = conventions.l2norm(given["k"].detach().numpy())
    close(torch.tensor(arrays), unit(given["k"]).detach())
    assert conventions.l2norm(np.ones(3, np.float32)).dtype == np.float32


SHAPED = {"q": torch.ones(2, 5, 3, 4), "k": torch.ones(2, 5, 3, 4), "v": torch.ones(2, 5, 3, 2)}
GATE = -torch.ones(2, 5, 3)


@pytest.mark.parametrize(
    ("rule", "arguments", "match"),
    [
        ("gated_delta", {"g": GATE.exp()}, r"^g holds 0\.367879; pass logarithms of decays, numbers of at most 0"),
        ("gated_delta", {"g": GATE[..., None] * torch.ones(4)}, r"^g has shape \(2, 5, 3, 4\) but rule 'gated_delta'"),
        ("gated_hebb", {"g": GATE}, r"^g has shape \(2, 5, 3\) but rule 'gated_hebb' decays by \[B, T, H, K\]"),
        ("gated_hebb", {}, r"^rule 'gated_hebb' needs g; pass logarithms of decays, \[B, T, H, K\]"),
        ("delta", {"g": GATE}, r"^rule 'delta' does not use decay"),
        ("gated_delta", {"g": -1.0}, r"^g has shape \(\) but rule"),
        ("delta", {"q": torch.ones(5, 3, 4)}, r"^q has shape \(5, 3, 4\); pass \[B, T, H, features\]"),
        ("delta", {"q": torch.ones(2, 5, 3, 6)}, r"^q has shape \(2, 5, 3, 6\); pass \[B, T, H, K\] as k, here \(2, 5"),
        ("delta", {"v": torch.ones(2, 5, 4, 2)}, r"^v has 4 heads but k has 3; pass as many, or a multiple of them"),
        ("delta", {"a": SHAPED["k"]}, r"^rule 'delta' does not use a; leave it out"),
        ("dplr", {"a": SHAPED["k"], "b": SHAPED["k"]}, r"^'dplr' needs g; pass a and b and g"),
        ("iplr", {"a": SHAPED["k"], "b": SHAPED["k"], "p": SHAPED["k"]}, r"^'iplr' does not use p; leave it out"),
        ("comba", {"p": SHAPED["k"], "g": -SHAPED["k"]}, r"^g has a number for each feature; with p \(comba\) pass"),
        ("delta_product(2)", {}, r"^k has 5 steps; pass a multiple of num_householder=2"),
        (
            "delta",
            {"beta": torch.ones(2, 3, 5)},
            r"^beta has shape \(2, 3, 5\); pass \[B, T, H\] or \[B, T, H, V\], here \(2, 5, 3\)",
        ),
        ("delta", {"initial_state": torch.ones(2, 3, 2, 4)}, r"^initial_state has shape .* here \(2, 3, 4, 2\)"),
        ("delta", {"k": SHAPED["k"].to("meta")}, r"^k is on device meta"),
        ("delta", {"scale": float("nan")}, r"^scale is nan; pass a finite number"),
    ],
)
def test_what_is_not_in_the_layout_of_flash_linear_attention_is_refused(rule, arguments, match):
    with pytest.raises(ValueError, match=match):
        bridge.scan_fla(rule, **(SHAPED | arguments))


def test_what_has_no_counterpart_there_is_refused():
    k = np.ones((1, 2, 3, 4))
    with pytest.raises(ValueError, match=r"^decay holds -1; pass multipliers in \[0, 1\], which have a logarithm"):
        conventions.to_fla(k, k, k, decay=-np.ones((1, 2, 3)))
    with pytest.raises(ValueError, match=r"^decay has shape \(3,\); pass \(B, H, T\) or \(B, H, T, d_k\), here"):
        conventions.to_fla(k, k, k, decay=np.ones(3))
    with pytest.raises(TypeError, match=r"^q is of type list; pass a NumPy array or a PyTorch tensor"):
        conventions.to_fla(k.tolist(), k, k)


# --- the layer -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_runs_and_every_parameter_gets_a_gradient_for_every_row(name):
    torch.manual_seed(0)
    small = 0.01 if ROWS[name].error == "key" else 1.0  # the bound of Oja's rule is on |v|, which no norm holds
    layer = bridge.FastWeights(ROWS[name], 6, heads=2, d_key=5, d_value=4, beta_max=small)
    x = torch.randn(3, 7, 6)
    y = layer(x)
    assert (y.shape, y.dtype) == ((3, 7, 6), torch.float32)
    y.square().sum().backward()
    row = ROWS[name]
    gates = ["beta"] * row.uses_beta + ["decay"] * row.uses_decay
    gates += ["momentum"] * row.uses_momentum + ["rate"] * row.uses_pair
    parameters = dict(layer.named_parameters())
    names = {f"{x}.weight" for x in ("q", "k", "v", "out", *gates)} | {f"{x}.bias" for x in gates}
    assert set(parameters) == names | ({"p.weight"} if row.uses_pair else set()) | (
        {"ridge"} if row.uses_ridge else set()
    )
    for key, parameter in parameters.items():
        if row.write is None and row.has_weights and key == "v.weight":
            assert not parameter.grad.any()  # without a start there is nothing to fade or forget
        elif row.uses_values and (row.write is not None or not row.has_weights):
            assert parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize(("feature", "key_norm"), [("dpfp(2)", "sum"), ("elu_plus_one", "l2"), ("identity", "none")])
def test_a_layer_is_the_exact_rule_on_its_instructions_and_a_linear_read_out(feature, key_norm):
    torch.manual_seed(0)
    layer = bridge.FastWeights("key_gated_delta", 6, 3, 4, 5, feature, key_norm, beta_max=0.1).double()
    torch.nn.init.normal_(layer.decay.weight)
    x = torch.randn(2, 7, 6, dtype=torch.float64)
    reads = []
    for head in range(3):
        sent = layer.instructions(x, head)
        k = (x @ layer.k.weight.T)[..., 4 * head : 4 * head + 4].detach().numpy()
        want = NORMALISERS[key_norm].apply(get_feature(feature).apply(k))
        assert np.allclose(sent.k, want, rtol=1e-12, atol=1e-12)  # rounding
        assert sent.decay.shape == sent.k.shape == (2, 7, get_feature(feature).width(4))
        assert 0 < sent.beta.max() <= 0.1
        reads.append(fw.simulate("key_gated_delta", sent, on=fw.Exact()).y.values)
    close(layer(x), torch.tensor(np.concatenate(reads, axis=-1)) @ layer.out.weight.T)
    with pytest.raises(ValueError, match=r"^head is 3; pass an index of the 3 heads"):
        layer.instructions(x, 3)


@pytest.mark.parametrize("name", ["delta", "gated_delta", "key_gated_delta", "dplr", "delta_product(2)", "mesa"])
def test_a_layer_with_more_heads_of_values_repeats_its_keys(name):
    torch.manual_seed(0)
    kwargs = {"d_key": 3, "d_value": 4, "value_heads": 6, "use_qk_l2norm_in_kernel": True}
    layer = bridge.FastWeights(name, 6, 2, **kwargs).double()
    x = torch.randn(2, 5, 6, dtype=torch.float64)
    layer(x).square().sum().backward()
    assert all(parameter.grad is not None for parameter in layer.parameters())
    assert (layer.k.out_features, layer.v.out_features) == (6 * layer.rule.writes, 24 * layer.rule.writes)
    alone = bridge.FastWeights(name, 6, 6, d_key=3, d_value=4, use_qk_l2norm_in_kernel=True).double()
    state = layer.state_dict()
    for key in ("q.weight", "k.weight", "p.weight"):
        if key in state:
            state[key] = state[key].unflatten(0, (2, -1)).repeat_interleave(3, dim=0).flatten(0, 1)
    alone.load_state_dict(state)
    close(layer(x), alone(x))
    assert "value_heads=6, use_qk_l2norm_in_kernel=True" in str(layer)


@pytest.mark.parametrize("name", [n for n in LAYERS if LAYERS[n].has_weights and LAYERS[n].read == "after"])
def test_a_layer_goes_on_from_its_state(name):
    torch.manual_seed(0)
    small = 0.01 if LAYERS[name].error == "key" else 1.0
    layer = bridge.FastWeights(LAYERS[name], 6, heads=2, d_key=3, d_value=4, beta_max=small).double()
    x = torch.randn(2, 7, 6, dtype=torch.float64)
    first, W, aux = layer(x[:, :3], output_state=True)
    second = layer(x[:, 3:], W, aux)
    # MESA solves anew after the cut
    assert torch.allclose(torch.cat([first, second], dim=1), layer(x), rtol=1e-10, atol=1e-10)


def test_a_layer_gives_momentum_and_ridge_in_its_instructions_and_refuses_what_they_do_not_hold():
    x = torch.randn(1, 4, 6)
    assert np.all(bridge.FastWeights("momentum_delta", 6).instructions(x).momentum == 0.5)
    assert np.allclose(bridge.FastWeights("mesa", 6).instructions(x).ridge, 1, rtol=1e-6)  # float32
    with pytest.raises(ValueError, match=r"^rule 'dplr' erases with keys of its own, which Instructions do not hold"):
        bridge.FastWeights("dplr", 6).instructions(x)


def test_a_layer_learns_associative_recall_under_adam():
    torch.manual_seed(0)
    task, rng = Recall(keys=4, values=4, writes=6), np.random.default_rng(0)
    layer = bridge.FastWeights("delta", task.d_in, d_key=16, d_value=8)
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.02)
    losses = []
    for _ in range(150):
        batch = task(rng, 16)
        scores = layer(torch.tensor(batch.x, dtype=torch.float32))[..., : task.d_out][torch.tensor(batch.mask)]
        loss = torch.nn.functional.cross_entropy(scores, torch.tensor(batch.target[batch.mask]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    # it starts near log 4 = 1.39, a guess; half of that is out of reach without reading the right value
    assert np.mean(losses[-20:]) < 0.5 * np.mean(losses[:5])
    batch = task(np.random.default_rng(99), 100)
    with torch.inference_mode():
        answers = layer(torch.tensor(batch.x, dtype=torch.float32))[..., : task.d_out].argmax(dim=-1)
    assert batch.accuracy(answers.numpy()) > 0.8 > batch.chance


def test_the_state_of_a_layer_round_trips_through_a_file_and_a_copy(tmp_path):
    torch.manual_seed(0)
    layer, other = (bridge.FastWeights("gated_delta", 6, heads=2, feature="dpfp(1)") for _ in range(2))
    x = torch.randn(2, 5, 6)
    assert not torch.equal(layer(x), other(x))
    torch.save(layer.state_dict(), tmp_path / "layer.pt")
    other.load_state_dict(torch.load(tmp_path / "layer.pt", weights_only=True))
    assert torch.equal(layer(x), other(x))
    assert torch.equal(layer(x), copy.deepcopy(layer)(x))
    assert "rule='gated_delta', heads=2, feature='dpfp(1)', key_norm='l2'" in str(layer)


def test_a_layer_starts_reproducibly_with_queries_equal_to_keys_and_open_gates():
    layers = []
    for _ in range(2):
        torch.manual_seed(3)
        layers.append(bridge.FastWeights("gated_delta", 6, beta_max=2.0))
    for one, two in zip(layers[0].parameters(), layers[1].parameters(), strict=True):
        assert torch.equal(one, two)
    sent = layers[0].instructions(torch.randn(1, 4, 6))
    assert np.array_equal(sent.q, sent.k)
    assert np.all(sent.beta == 1.0)
    assert np.allclose(sent.decay, 1 / (1 + np.exp(-3)), rtol=1e-6)  # float32


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"rule": "detla"}, ValueError, r"^unknown rule 'detla'"),
        ({"rule": "householder"}, ValueError, r"^rule 'householder' takes no values, so it makes no layer"),
        ({"rule": "self_referential"}, ValueError, r"^rule 'self_referential' sends itself what it writes"),
        ({"heads": 2, "value_heads": 3}, ValueError, r"^value_heads is 3; pass a multiple of heads=2"),
        ({"d_model": 0}, ValueError, r"^d_model is 0; pass an integer of at least 1"),
        ({"heads": 2.0}, TypeError, r"^heads is 2\.0; pass an integer"),
        ({"heads": 4}, ValueError, r"^d_key is None but 4 heads do not divide d_model=6; pass d_key"),
        ({"heads": 4, "d_key": 2}, ValueError, r"^d_value is None but 4 heads"),
        ({"d_key": -1}, ValueError, r"^d_key is -1"),
        ({"d_value": "8"}, TypeError, r"^d_value is '8'"),
        ({"feature": "rleu"}, ValueError, r"^unknown feature map 'rleu'; did you mean 'relu'"),
        ({"key_norm": "l3"}, ValueError, r"^unknown key normaliser 'l3'"),
        ({"beta_max": 0}, ValueError, r"^beta_max is 0; pass a finite number above 0"),
    ],
)
def test_a_layer_that_cannot_be_is_refused(arguments, error, match):
    with pytest.raises(error, match=match):
        bridge.FastWeights(**({"rule": "delta", "d_model": 6} | arguments))


@pytest.mark.parametrize("shape", [(5, 6), (2, 5, 7), (1, 2, 5, 6)])
def test_tokens_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"^x has shape .*; pass \(batch, T, 6\)"):
        bridge.FastWeights("delta", 6)(torch.ones(shape))


def test_a_layer_on_another_device_is_refused():
    with pytest.raises(ValueError, match=r"^x is on device meta, but the kernels run on the processor"):
        bridge.FastWeights("delta", 6).to("meta")(torch.ones(2, 5, 6, device="meta"))


@pytest.mark.kernels
def test_the_examples_of_the_docstrings_hold():
    modules = [importlib.import_module(f"synfwp.torch.{name}") for name in ("door", "fla", "layer")]
    found = [doctest.testmod(m, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS) for m in modules]
    assert [(one.failed, one.attempted > 2) for one in found] == [(0, True)] * 3
