"""Layers from safetensors files answer as their plain twins do, and a file that does not fit is refused by name."""

import json
import sys

import layer_twins
import numpy as np
import pytest
import xarray as xr
from autograd import value_and_grad
from safetensors.numpy import save_file

import synfwp as fw
from synfwp.cite import entries
from synfwp.programmer.kinds import KINDS
from synfwp.programmer.losses import LOSSES
from synfwp.tasks import Batch

D, T = 6, 9
GATED = {"kind": "gated_delta_net", "heads": 2}
# the layer's fields, and what its twin calls them (the arrays themselves say what filters and gates there are)
CASES = {
    "delta_net": ({"kind": "delta_net", "heads": 2}, {}),
    "delta_net, one head": ({"kind": "delta_net", "heads": 1}, {}),
    "delta_net, no filters": ({"kind": "delta_net", "heads": 2, "convolution": None}, {}),
    "delta_net, biases, gate": (
        {"kind": "delta_net", "heads": 2, "convolution": 3, "convolution_bias": True, "gate": True},
        {},
    ),
    "delta_net, negative eigenvalues": ({"kind": "delta_net", "heads": 2, "beta_max": 2.0}, {"beta_max": 2.0}),
    "delta_net, ungated writes": ({"kind": "delta_net", "heads": 2, "beta": False}, {}),
    "delta_net, ungated writes, negative eigenvalues": (
        {"kind": "delta_net", "heads": 2, "beta": False, "beta_max": 2.0},
        {"beta_max": 2.0},
    ),
    "delta_net, relu and l2, epsilon": (
        {"kind": "delta_net", "heads": 2, "feature": "relu", "epsilon": 1e-2},
        {"feature": "relu", "epsilon": 1e-2},
    ),
    "delta_net, elu and sum": (
        {"kind": "delta_net", "heads": 2, "feature": "elu_plus_one", "key_norm": "sum"},
        {"feature": "elu_plus_one", "norm": "sum"},
    ),
    "delta_net, identity": ({"kind": "delta_net", "heads": 2, "feature": "identity"}, {"feature": "identity"}),
    "gated_delta_net": (GATED, {}),
    "gated_delta_net, no gate, no filters": ({**GATED, "gate": False, "convolution": None}, {}),
    "gated_delta_net, biases": ({**GATED, "convolution_bias": True}, {}),
    "gated_delta_net, negative eigenvalues": ({**GATED, "beta_max": 2.0}, {"beta_max": 2.0}),
    "gated_delta_net, heads of values": ({**GATED, "value_heads": 4}, {}),
    "gated_delta_net, heads of values for one of keys": ({**GATED, "heads": 1, "value_heads": 3}, {}),
    "gla": ({"kind": "gla", "heads": 2}, {}),
    "gla, keys of one feature": ({"kind": "gla", "heads": 2, "d_key": 1}, {}),
    "gla, one head, other gate": (
        {"kind": "gla", "heads": 1, "gate_normaliser": 4.0, "low_rank": 3},
        {"root": 4.0},
    ),
    "gla, filters with biases": ({"kind": "gla", "heads": 2, "convolution": 4, "convolution_bias": True}, {}),
    "gla, norm apart": ({"kind": "gla", "heads": 2, "fused_norm": False}, {"gain": "g_norm.weight"}),
    "gla, no gate, relu": (
        {"kind": "gla", "heads": 2, "gate": False, "feature": "relu"},
        {"gain": "g_norm.weight", "feature": "relu"},
    ),
    "gla, shared heads": ({"kind": "gla", "heads": 4, "key_value_heads": 2}, {"key_value_heads": 2}),
}
SIZES = ("d_key", "d_value", "d_model", "low_rank")  # read off the arrays


def layer(fields):
    return fw.LayerProgrammer.preset(**{"d_model": D, "d_key": 4, "d_value": 3, **fields})


def random_arrays(programmer, seed=0, dtype=float):
    """Nothing as it starts, and nothing near zero, which would hide a mistake."""
    rng = np.random.default_rng([31, seed])
    return {name: rng.normal(0.3, 0.6, shape).astype(dtype) for name, shape in programmer.shapes().items()}


def twin_scores(fields, named, arrays, x):
    """The twin's answer to a batch of sequences."""
    twin = getattr(layer_twins, fields["kind"])
    return np.array([twin(arrays, one, fields["heads"], **named) for one in x])


def written(tmp_path, fields, prefix="", dtype=float):
    """A layer with its arrays, and the file that holds them."""
    programmer = layer(fields)
    arrays = random_arrays(programmer, dtype=dtype)
    path = tmp_path / "layer.safetensors"
    save_file({prefix + name: x for name, x in arrays.items()}, path)
    return programmer, arrays, path


def options(fields):
    """What `load_layer` is told beside the kind and the heads."""
    return {name: x for name, x in fields.items() if name not in ("kind", "heads", *SIZES)}


def load(path, fields, prefix="", **more):
    return fw.load_layer(path, fields["kind"], prefix, heads=fields["heads"], **options(fields), **more)


# --- against the twins -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_a_layer_from_a_file_answers_as_its_plain_twin(case, tmp_path, rng):
    fields, named = CASES[case]
    programmer, arrays, path = written(tmp_path, fields, "model.layers.3.attn.")
    x = rng.standard_normal((2, T, D))
    want = twin_scores(fields, named, arrays, x)
    found, params = load(path, fields, "model.layers.3.attn.")
    assert found == programmer
    assert params.keys() == arrays.keys()
    assert {p.dtype for p in params.values()} == {np.dtype(float)}
    assert np.ptp(want.real) > 0.1
    assert found.scores(params, x) == pytest.approx(want.real, rel=1e-10, abs=1e-10)
    single, params = load(path, fields, "model.layers.3.attn.", dtype=np.float32)
    scores = single.scores(params, x)
    assert scores.dtype == np.float32
    assert np.abs(scores - want.real).max() < 1e-5 * np.abs(want).max()  # a hundred roundings of 6e-8


@pytest.mark.parametrize("case", CASES)
def test_the_gradient_of_every_array_is_the_complex_step_of_the_twin(case, rng):
    fields, named = CASES[case]
    programmer = layer(fields)
    params, x = random_arrays(programmer), rng.standard_normal((2, 5, D))
    weight = rng.standard_normal((2, 5, D))
    value, grads = value_and_grad(lambda p: (programmer.scores(p, x) * weight).sum())(params)
    assert value == pytest.approx(np.sum(twin_scores(fields, named, params, x).real * weight), rel=1e-10, abs=1e-10)
    for name, array in params.items():
        direction = rng.standard_normal(array.shape)
        moved = {**params, name: array + 1e-30j * direction}
        want = np.sum(twin_scores(fields, named, moved, x).imag * weight) / 1e-30
        assert np.sum(grads[name] * direction) == pytest.approx(want, rel=1e-9, abs=1e-12), name
        assert np.any(grads[name]), name


@pytest.mark.parametrize("kind", KINDS)
def test_float32_stays_float32_on_the_way_back(kind, rng):
    programmer = layer({"kind": kind, "heads": 2, "gate": True, "convolution": 4})
    params, x = random_arrays(programmer, dtype=np.float32), rng.standard_normal((2, T, D)).astype(np.float32)
    sent = programmer(params, x)
    assert {a.dtype for a in (sent.q, sent.k, sent.v, sent.beta, sent.decay) if a is not None} == {np.dtype(np.float32)}
    value, grads = value_and_grad(lambda p: LOSSES["squared"](programmer.scores(p, x), x, np.ones((2, T), bool)))(
        params
    )
    assert {g.dtype for g in (value, *grads.values())} == {np.dtype(np.float32)}


@pytest.mark.parametrize("kind", KINDS)
def test_gates_far_from_zero_neither_overflow_nor_warn(kind):
    programmer = layer({"kind": kind, "heads": 2})
    params = {name: x.astype(np.float32) for name, x in random_arrays(programmer).items()}
    x = np.float32(300) * np.ones((3, D), np.float32)
    value, grads = value_and_grad(lambda p: programmer.scores(p, x).sum())(params)
    assert np.isfinite(value)
    assert all(np.isfinite(g).all() for g in grads.values())


# --- instructions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_reads_of_the_rule_through_the_read_out_are_the_scores(kind, rng):
    programmer = layer({"kind": kind, "heads": 2})
    params, x = random_arrays(programmer), rng.standard_normal((2, T, D))
    sent = programmer(params, x)
    assert sent.k.shape == (2, 2, T, 4)
    y = fw.scan(programmer.rule, sent.q, sent.k, sent.v, sent.beta, decay=sent.decay).y
    assert np.array_equal(programmer.read_out(params, y, x), programmer.scores(params, x))
    assert programmer.name == KINDS[kind].rule


def test_one_head_of_a_layer_runs_in_a_network_of_rates(rng):
    programmer = layer({"kind": "delta_net", "heads": 2})
    sent = programmer(random_arrays(programmer), rng.standard_normal((2, T, D)))
    second = fw.Instructions(sent.q[:, 1], sent.k[:, 1], sent.v[:, 1], sent.beta[:, 1])
    ds = fw.simulate("delta", second, on=fw.RateNetwork())
    assert ds.y.shape == (2, T, 3)
    want = fw.scan("delta", second.q, second.k, second.v, second.beta).y
    assert ds.y_exact.values == pytest.approx(want, rel=1e-12)


def test_a_layer_without_an_output_gate_reads_out_without_the_tokens(rng):
    y = rng.standard_normal((2, T, 3))
    plain, gated = (layer({"kind": "delta_net", "heads": 2, "gate": gate}) for gate in (False, True))
    assert plain.read_out(random_arrays(plain), y).shape == (T, D)
    with pytest.raises(ValueError, match=r"^x is missing; with gate=True"):
        gated.read_out(random_arrays(gated), y)


def test_tokens_with_another_number_of_features_are_refused():
    programmer = layer({"kind": "gla", "heads": 2})
    with pytest.raises(ValueError, match=r"^x has shape \(9, 5\); .*6 features"):
        programmer(programmer.init(), np.ones((T, 5)))


# --- training --------------------------------------------------------------------------------------------------------


def repeat(rng, batch):
    """Answer each token with the one before it: real targets."""
    x = rng.standard_normal((batch, T, D))
    mask = np.ones((batch, T), bool)
    mask[:, 0] = False
    return Batch(x, np.roll(x, 1, axis=1), mask, chance=1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_layer_trains_on_from_its_arrays_and_comes_back_from_its_file(kind, tmp_path):
    programmer, arrays, path = written(tmp_path, {"kind": kind, "heads": 2})
    programmer, params = fw.load_layer(path, kind, heads=2)
    trained = fw.train(programmer, repeat, steps=30, batch=8, loss="squared", params=params)
    data = repeat(np.random.default_rng(1), 20)
    before = data.error(programmer.scores(params, data.x))
    assert all(np.array_equal(params[name], arrays[name]) for name in arrays)  # the training works on a copy
    first = repeat(fw.seeds.generator(0, "batch", 0), 8)
    start = LOSSES["squared"](programmer.scores(params, first.x), first.target, first.mask)
    assert trained.history.loss.values[0] == pytest.approx(float(start), rel=1e-12)
    assert trained.error(data) < 0.9 * before
    back = fw.load_trained(trained.save(tmp_path / "trained.nc"))
    assert back.programmer == programmer
    assert back.params.keys() == trained.params.keys()
    assert np.array_equal(back.programmer.scores(back.params, data.x), programmer.scores(trained.params, data.x))
    save_file(trained.params, tmp_path / "again.safetensors")
    _, again = fw.load_layer(tmp_path / "again.safetensors", kind, heads=2)
    assert all(np.array_equal(again[name], trained.params[name]) for name in again)


def test_a_loaded_layer_can_be_kept_without_training(tmp_path):
    programmer, params = load(written(tmp_path, {"kind": "gla", "heads": 2})[2], {"kind": "gla", "heads": 2})
    back = fw.load_trained(fw.Trained(programmer, params, xr.Dataset()).save(tmp_path / "kept.nc"))
    assert back.programmer == programmer
    assert all(np.array_equal(back.params[name], params[name]) for name in params)
    x = np.ones((T, D))
    assert np.array_equal(back.instructions(x).decay, programmer(params, x).decay)
    assert back.answer(np.ones((2, T, 3)), x).shape == (T,)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fresh_layer_starts_with_filters_that_pass_the_token_and_gates_between_zero_and_one(kind):
    programmer = layer({"kind": kind, "heads": 2, "convolution": 4})
    params = programmer.init(seed=1)
    assert {name: x.shape for name, x in params.items()} == programmer.shapes()
    assert np.array_equal(params["q_conv1d.weight"][:, 0], np.tile([0.0, 0, 0, 1], (8, 1)))
    assert np.array_equal(params[programmer.norm], np.ones(3))
    sent = programmer(params, np.random.default_rng(0).standard_normal((2, T, D)))
    if sent.decay is not None:
        assert np.all((sent.decay > 0) & (sent.decay < 1))
    assert not np.array_equal(params["k_proj.weight"], programmer.init(seed=2)["k_proj.weight"])


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (lambda p: list(p), TypeError, r"^params is a list; pass a dict of arrays"),
        (lambda p: {**p, "W": p["A_log"]}, ValueError, r"differ in W; pass those of the same one"),
        (lambda p: {n: x for n, x in p.items() if n != "A_log"}, ValueError, r"differ in A_log;"),
        (lambda p: {**p, "A_log": np.ones(2, int)}, TypeError, r"^params\['A_log'\] is int64; pass float32 or float64"),
        (lambda p: {**p, "A_log": np.ones(3)}, ValueError, r"^params\['A_log'\] has shape \(3,\); expected \(2,\)"),
    ],
)
def test_a_training_refuses_parameters_of_another_programmer(change, kind, words):
    programmer = layer(GATED)
    with pytest.raises(kind, match=words):
        fw.train(programmer, repeat, steps=1, batch=2, loss="squared", params=change(programmer.init()))


def test_a_checkpoint_knows_what_its_training_started_from(tmp_path):
    programmer = layer(GATED)
    one, other = programmer.init(seed=1), programmer.init(seed=2)
    more = {"batch": 2, "steps": 4, "loss": "squared", "checkpoint": tmp_path / "run.nc"}
    whole = fw.train(programmer, repeat, params=one, **more)
    again = fw.train(programmer, repeat, params=one, **more)
    assert all(np.array_equal(again.params[name], whole.params[name]) for name in one)
    for params in (other, None):
        with pytest.raises(ValueError, match=r"holds another training: its params is"):
            fw.train(programmer, repeat, params=params, **more)


# --- files that do not fit -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["delta_net, biases, gate", "gated_delta_net", "gla, filters with biases"])
@pytest.mark.parametrize("prefix", ["", "attn."])
def test_every_missing_array_is_named_with_the_shape_that_is_expected(case, prefix, tmp_path):
    fields = CASES[case][0]
    programmer, arrays, path = written(tmp_path, fields)
    for name, shape in programmer.shapes().items():
        save_file({prefix + other: x for other, x in arrays.items() if other != name}, path)
        with pytest.raises(ValueError, match="is missing; expected shape") as error:
            load(path, fields, prefix)
        assert f"array '{prefix}{name}' is missing" in str(error.value)
        assert str(shape) in str(error.value) or name in ("q_proj.weight", "v_proj.weight")


@pytest.mark.parametrize("case", ["delta_net, biases, gate", "gated_delta_net", "gla, filters with biases"])
def test_every_array_of_another_shape_is_named_with_what_came_and_what_is_expected(case, tmp_path):
    fields = CASES[case][0]
    programmer, arrays, path = written(tmp_path, fields)
    for name in programmer.shapes():
        wrong = np.concatenate([arrays[name], arrays[name][:1]])
        save_file({**arrays, name: wrong}, path)
        with pytest.raises(ValueError, match=r"has shape .*; expected \(") as error:
            load(path, fields)
        if name == "gk_proj.0.weight":  # a wider gate: what comes after it is too narrow
            name, wrong = "gk_proj.1.weight", arrays["gk_proj.1.weight"]
        assert f"array '{name}' has shape {wrong.shape}" in str(error.value)


@pytest.mark.parametrize(
    ("fields", "change", "words"),
    [
        ({}, {"D": np.ones(2)}, r"^array 'D' of shape \(2,\) has no place in this delta_net"),
        ({}, {"g_proj.weight": np.ones((6, 6))}, r"^array 'g_proj.weight' .*Or change the option gate\.$"),
        ({"convolution": None}, {}, r"^array '[qkv]_conv1d.weight' .*Or change the option convolution\.$"),
        ({"beta": False}, {}, r"^array 'b_proj.weight' .*Or change the option beta\.$"),
        ({"heads": 3}, {}, r"^array 'q_proj.weight' has shape \(8, 6\); expected \(3 d_key, d_model\) for 3 heads"),
        ({"heads": 1}, {}, r"^array 'b_proj.weight' has shape \(2, 6\); expected \(1, 6\), with d_model=6, heads=1"),
        ({"convolution": 3}, {}, r"^array 'q_conv1d.weight' has shape \(8, 1, 4\); expected \(8, 1, 3\)"),
        ({}, {"k_proj.weight": np.full((8, 6), np.nan)}, r"^array 'k_proj.weight' holds NaN or infinity"),
        ({}, {"q_proj.weight": np.ones(6)}, r"^array 'q_proj.weight' has shape \(6,\)"),
    ],
)
def test_a_layer_that_is_not_as_described_is_refused_by_the_array(fields, change, words, tmp_path):
    _, arrays, path = written(tmp_path, {"kind": "delta_net", "heads": 2})
    save_file({**arrays, **change}, path)
    with pytest.raises(ValueError, match=words):
        load(path, {"kind": "delta_net", "heads": 2, **fields})


def test_integers_are_no_weights(tmp_path):
    _, arrays, path = written(tmp_path, {"kind": "delta_net", "heads": 2})
    save_file({**arrays, "o_norm.weight": np.ones(3, np.int64)}, path)
    with pytest.raises(TypeError, match=r"^array 'o_norm.weight' is of type I64; expected F64, F32, F16 or BF16"):
        load(path, {"kind": "delta_net", "heads": 2})


def test_a_wrong_prefix_is_answered_with_those_that_are_there(tmp_path):
    path = written(tmp_path, GATED, "model.layers.0.attn.")[2]
    with pytest.raises(
        ValueError, match=r"begins with prefix='layers\.'; layers begin with 'model\.layers\.0\.attn\.'\."
    ):
        load(path, GATED, "layers.")
    save_file({"embedding": np.ones(3)}, path)
    with pytest.raises(ValueError, match=r"prefix='layers\.'; no name ends with q_proj\.weight"):
        load(path, GATED, "layers.")


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors is not there"):
        load(tmp_path / "none.safetensors", GATED)
    (tmp_path / "text.safetensors").write_text("a text, and no header of numbers")
    with pytest.raises(ValueError, match=r"text\.safetensors is no safetensors file"):
        load(tmp_path / "text.safetensors", GATED)


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"kind": "deltanet"}, ValueError, r"unknown kind of layer 'deltanet'; did you mean 'delta_net'\?"),
        ({"heads": 0}, ValueError, r"^heads is 0"),
        ({"gte": True}, ValueError, r"unknown option 'gte'; did you mean 'gate'\?"),
        ({"d_key": 4}, ValueError, r"unknown option 'd_key'"),
        ({"dtype": int}, TypeError, r"^dtype is .*; pass numpy.float32 or numpy.float64"),
        ({"feature": "relu"}, ValueError, r"^feature is 'relu'; a layer of kind 'gated_delta_net' takes 'silu'"),
        ({"key_value_heads": 1}, ValueError, r"^key_value_heads is 1; a layer of kind 'gated_delta_net' takes None"),
        ({"convolution": 0}, ValueError, r"^convolution is 0"),
        ({"epsilon": 0}, ValueError, r"^epsilon is 0"),
        ({"convolution": None, "convolution_bias": True}, ValueError, r"^convolution_bias is True, but convolution is"),
        ({"value_heads": 3}, ValueError, r"^2 heads of q cannot be shared evenly by 3 heads; pass value_heads"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(change, kind, words, tmp_path):
    path = written(tmp_path, GATED)[2]
    with pytest.raises(kind, match=words):
        fw.load_layer(path, **{**GATED, **change})


def test_without_safetensors_the_error_names_the_extra(tmp_path, monkeypatch):
    path = written(tmp_path, GATED)[2]
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "synfwp\[pretrained\]"'):
        load(path, GATED)


# --- half precision, PyTorch -----------------------------------------------------------------------------------------


def test_half_precision_becomes_float32_exactly_and_types_may_be_mixed(tmp_path):
    _, arrays, path = written(tmp_path, GATED, dtype=np.float16)
    save_file({**arrays, "A_log": arrays["A_log"].astype(np.float32)}, path)
    _, params = load(path, GATED)
    assert {x.dtype for x in params.values()} == {np.dtype(np.float32)}
    assert all(np.array_equal(params[name], arrays[name]) for name in arrays)


def test_bfloat16_becomes_float32_exactly(tmp_path):
    """A file written byte by byte as the format's description says: NumPy has no such type."""
    programmer = layer(GATED)
    values = {
        name: np.float32(2.0) ** np.arange(-2, np.prod(s) - 2).reshape(s).clip(-2, 6)
        for name, s in programmer.shapes().items()
    }
    values = {name: -x if name.startswith("o") else x for name, x in values.items()}
    header, blocks, at = {}, [], 0
    for name, x in values.items():
        block = (x.astype(np.float32).view(np.uint32) >> 16).astype("<u2").tobytes()
        header["attn." + name] = {"dtype": "BF16", "shape": list(x.shape), "data_offsets": [at, at + len(block)]}
        at += len(block)
        blocks.append(block)
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    text += b" " * (-len(text) % 8)
    path = tmp_path / "half.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blocks))
    _, params = load(path, GATED, "attn.")
    assert {x.dtype for x in params.values()} == {np.dtype(np.float32)}
    assert all(np.array_equal(params[name], values[name]) for name in values)


def test_a_layer_of_pytorch_modules_saved_in_bfloat16_answers_as_its_twin(tmp_path, rng):
    torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
    from safetensors.torch import save_file as save_tensors

    class Layer(torch.nn.Module):
        """The modules of a DeltaNet, in the places where that layer keeps them."""

        def __init__(self):
            super().__init__()
            sizes = {"q": 8, "k": 8, "v": 6}
            for name, n in sizes.items():
                self.add_module(f"{name}_proj", torch.nn.Linear(D, n, bias=False))
                self.add_module(f"{name}_conv1d", torch.nn.Conv1d(n, n, 4, groups=n, padding=3, bias=False))
            self.b_proj = torch.nn.Linear(D, 2, bias=False)
            self.o_norm = torch.nn.RMSNorm(3, eps=1e-5)
            self.o_proj = torch.nn.Linear(6, D, bias=False)

        def forward(self, x):
            q, k, v = (
                torch.nn.functional.silu(conv(proj(x).mT)[..., : x.shape[-2]]).mT.unflatten(-1, (2, -1))
                for proj, conv in (
                    (self.q_proj, self.q_conv1d),
                    (self.k_proj, self.k_conv1d),
                    (self.v_proj, self.v_conv1d),
                )
            )
            q, k = (z / (z.square().sum(-1, keepdim=True) + 1e-6).sqrt() for z in (q, k))
            b, S, reads = self.b_proj(x).sigmoid(), torch.zeros(len(x), 2, 4, 3, dtype=x.dtype), []
            for t in range(x.shape[1]):
                kt, error = k[:, t], v[:, t] - torch.einsum("nhkv,nhk->nhv", S, k[:, t])
                S = S + torch.einsum("nhk,nhv,nh->nhkv", kt, error, b[:, t])
                reads.append(torch.einsum("nhkv,nhk->nhv", S, q[:, t]) / 2)
            return self.o_proj(self.o_norm(torch.stack(reads, 1)).flatten(-2))

    torch.manual_seed(0)
    module = Layer().to(torch.bfloat16)
    path = tmp_path / "torch.safetensors"
    save_tensors(module.state_dict(), path)
    programmer, params = fw.load_layer(path, "delta_net", heads=2, dtype=np.float64)
    x = rng.standard_normal((2, T, D))
    want = module.double()(torch.tensor(x)).detach().numpy()
    assert programmer.scores(params, x) == pytest.approx(want, rel=1e-10, abs=1e-10)


def test_every_kind_cites_its_paper_and_names_a_rule():
    for row in KINDS.values():
        assert row.cite in entries()
        assert fw.get_rule(row.rule).cite
