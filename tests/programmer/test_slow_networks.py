"""Every part of a programmer against formulas written token by token, and what a user does with the parts."""

import numpy as np
import pytest
from autograd import numpy as anp
from autograd import value_and_grad
from programmers import SMALL, real_loss, small
from strategies import RULES
from test_programmer import TWIN_MAPS, random_params

import synfwp as fw
from synfwp import features, reference
from synfwp.programmer import parts
from synfwp.programmer.parts import project

# --- a twin of the whole network, token by token ----------------------------------------------------------------------


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rms(x, gain):
    return gain * x / np.sqrt(np.sum(x * x) / len(x) + 1e-5)


def twin_write(rule, W, z, k, v, beta, decay, momentum, ridge):
    """One token of one head; keys, values and betas have an axis of writes.

    z is the sum of keys, or M of the rule with momentum, or G and H of least squares.
    """
    if rule == "momentum_delta":
        z = momentum * z + beta[0] * np.outer(v[0] - W @ k[0], k[0])
        return decay * W + z, z
    if rule == "mesa":
        G, H = (decay * x + beta[0] * np.outer(one, k[0]) for x, one in zip(z, (v[0], k[0]), strict=True))
        return G @ np.linalg.inv(H + np.diag(ridge)), (G, H)
    W = W * decay
    for key, value, b in zip(k, v, beta, strict=True):
        seen = 0 if rule in ("hebb", "linear_attention") else W @ key
        W = W + b * np.outer(value - seen, key)
    return W, z + k[0]


def twin_scores(net, params, x, signal=None):
    """Scores (T, d_out) of one sequence; parameters may be complex."""
    phi, norm = TWIN_MAPS[net.feature], TWIN_MAPS[net.key_norm]
    row, H, rule = RULES.get(net.rule), net.heads, net.rule.split("(")[0]
    n = 1 if row is None else row.writes
    stream = [(np.eye(net.d_in)[token] if net.tokens else token) for token in x]
    stream = stream if net.d_model is None else [params["W_embed"] @ u for u in stream]
    if net.modulators is not None and signal is None:
        signal = [sigmoid(params["W_mod"] @ u + params["b_mod"]) for u in stream]
    for layer in range(net.layers):
        prefix = f"layer{layer}_" if net.layers > 1 else ""
        p = {name.removeprefix(prefix): w for name, w in params.items() if name.startswith(prefix)}
        width = features.get_feature(net.feature).width(net.d_key)
        M = 2 * H if net.recurrent == "reads" else H  # the second half are the R of a Delta-RNN
        W, z = np.zeros((M, net.d_value, width), complex), list(np.zeros((M, width), complex))
        z = list(W.copy()) if rule == "momentum_delta" else z
        z = [(np.zeros((net.d_value, width)), np.zeros((width, width)))] * M if rule == "mesa" else z
        ridge = np.log(1 + np.exp(p["b_ridge"])).reshape(M, width) if rule == "mesa" else [None] * M
        last, history, after = np.zeros(H * net.d_value), [], []
        kept = [[] for _ in range(M)]
        for t, u in enumerate(stream):
            seen = rms(u, p["g"]) if net.norm else u
            seen = np.concatenate([seen, np.tanh(last)]) if net.recurrent == "instructions" else seen
            if net.hidden is not None:
                seen = TWIN_MAPS["relu"](p["W_hidden"] @ seen + p["b_hidden"])
            history.append({name: p[f"W_{name}"] @ seen for name in "qkv"})
            sent = dict(history[t])
            if net.convolution is not None:
                for name in "qkv":
                    taps = range(min(net.convolution, t + 1))
                    sent[name] = sum(p[f"conv_{name}"][:, j] * history[t - j][name] for j in taps)
            source = seen if signal is None else signal[t]
            q, k = sent["q"].reshape(H, net.d_key), sent["k"].reshape(M, -1, net.d_key)
            q = np.concatenate([q, last.reshape(H, -1)]) if net.recurrent == "reads" else q
            v = sent["v"].reshape(M, n, net.d_value)
            beta = np.ones((M, n))
            if "w_beta" in p:
                beta = (net.beta_max * sigmoid(p["w_beta"] @ source + p["b_beta"])).reshape(M, n)
            if net.write_channel is not None:
                gate = x[t][net.write_channel]
                k, v, beta = k, v * gate, beta * gate
            decay = np.ones(M)
            if "W_decay" in p:
                decay = sigmoid(p["W_decay"] @ source + p["b_decay"]).reshape(M, -1)
            momentum = [None] * M
            if "W_momentum" in p:
                momentum = sigmoid(p["W_momentum"] @ source + p["b_momentum"]).reshape(M)
            reads = []
            for h in range(M):
                keys = np.array([norm(phi(one)) for one in k[h]]) * (1 if net.write_channel is None else gate)
                query = norm(phi(q[h]))
                if rule == "softmax":
                    kept[h].append((keys[0], v[h, 0]))
                    weight = np.array([np.exp(np.sum(key * query)) for key, _ in kept[h]])
                    reads.append(weight @ np.array([value for _, value in kept[h]]) / np.sum(weight))
                    continue
                W[h], z[h] = twin_write(rule, W[h], z[h], keys, v[h], beta[h], decay[h], momentum[h], ridge[h])
                reads.append(W[h] @ query / (z[h] @ query if rule == "linear_attention" else 1))
            last = np.concatenate(reads).reshape(M // H, -1).sum(axis=0)
            after.append(u + p["W_o"] @ last if net.residual else last)
        stream = after
    if net.norm and net.residual:
        stream = [rms(u, params["g_out"]) for u in stream]
    return np.array([params["W_out"] @ u for u in stream])


def twin_loss(net, params, batch, signal=None):
    """Squared loss of a batch."""
    total = 0
    for i, x in enumerate(batch.x):
        wrong = twin_scores(net, params, x, None if signal is None else signal[i]) - np.eye(net.d_out)[batch.target[i]]
        total = total + np.sum(np.sum(wrong**2, axis=-1) / 2 * batch.mask[i])
    return total / np.sum(batch.mask)


def smooth(**fields):
    """A small programmer whose keys are never 0, where norms have no derivative."""
    return small(**{"feature": "elu_plus_one", **fields})


NETS = {
    "heads": smooth(heads=3, rule="gated_delta"),
    "heads with a decay for each key": smooth(heads=2, rule="key_gated_delta", d_value=3),
    "hidden layer": smooth(hidden=7),
    "convolution": smooth(convolution=3),
    "stream": smooth(residual=True, norm=True, d_model=6, rule="hebb"),
    "three layers": smooth(layers=3, residual=True, norm=True, heads=2, d_model=6),
    "two layers without a norm": smooth(layers=2, residual=True, hidden=5),
    "two writes": smooth(rule="delta_product(2)", beta_max=2.0, heads=2),
    "two gated writes": smooth(rule="gated_delta_product(2)", convolution=2),
    "recurrent": smooth(recurrent="instructions"),
    "recurrent heads": smooth(recurrent="instructions", heads=2, residual=True, layers=2, hidden=5, rule="gated_delta"),
    "recurrent sums": smooth(recurrent="instructions", rule="linear_attention", write_channel=None),
    "delta rnn": smooth(recurrent="reads"),
    "delta rnn with heads": smooth(recurrent="reads", heads=2, residual=True, rule="gated_delta", hidden=5),
    "modulated": smooth(modulators=2, rule="gated_delta"),
    "modulated heads": smooth(modulators=1, rule="key_gated_delta", heads=2, layers=2, residual=True),
    "modulated and recurrent": smooth(modulators=2, recurrent="instructions"),
    "momentum": smooth(rule="momentum_delta", heads=2, modulators=2),
    "recurrent momentum": smooth(rule="momentum_delta", recurrent="instructions"),
    "least squares": smooth(rule="mesa", heads=2),
    "recurrent least squares": smooth(rule="mesa", recurrent="instructions", heads=2, d_value=3),
    "attention": smooth(rule="softmax", heads=2, key_norm="none", write_channel=None),
}


@pytest.mark.kernels
@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
def test_scores_and_gradients_are_those_of_the_formulas(net, rng):
    params, batch = random_params(net), SMALL(rng, 2)
    value, grads = value_and_grad(lambda p: squared(net, p, batch))(params)
    assert value == pytest.approx(twin_loss(net, params, batch).real, rel=1e-12)
    for name, x in params.items():
        dx = rng.standard_normal(np.shape(x))
        want = twin_loss(net, {**params, name: x + 1e-30j * dx}, batch).imag / 1e-30
        assert np.sum(grads[name] * dx) == pytest.approx(want, rel=1e-9, abs=1e-13)
        assert np.any(grads[name])


def squared(net, params, batch):
    """The squared loss, through `scores`."""
    from synfwp.programmer.losses import LOSSES

    return LOSSES["squared"](net.scores(params, batch.x), batch.target, batch.mask)


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
def test_reading_the_instructions_with_the_exact_rule_gives_the_scores(net, rng):
    params, x = random_params(net), SMALL(rng, 2).x
    sent = net(params, x)
    gates = {name: getattr(sent, name) for name in ("decay", "momentum", "ridge")}
    y = fw.scan(net.rule, sent.q, sent.k, sent.v, sent.beta, **gates).y
    # a layer of its own, or with the stream that its tokens give
    np.testing.assert_allclose(net.read_out(params, y, x), net.scores(params, x), rtol=1e-9, atol=1e-12)
    n = net.heads * (2 if net.recurrent == "reads" else 1)
    assert sent.q.shape[1:-1] == ((n, 10) if n > 1 else (10,))


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
def test_float32_stays_float32(net, rng):
    params, batch = random_params(net, dtype=np.float32), SMALL(rng, 2)
    value, grads = value_and_grad(lambda p: squared(net, p, batch))(params)
    assert {np.asarray(g).dtype for g in (value, *grads.values())} == {np.dtype(np.float32)}


def test_queries_of_every_head_start_as_its_keys_and_of_several_writes_as_the_first():
    params = small(heads=2, rule="delta_product(2)").init(seed=1)
    keys = params["W_k"].reshape(2, 2, 4, SMALL.d_in)
    assert np.array_equal(params["W_q"].reshape(2, 4, SMALL.d_in), keys[:, 0])
    assert not np.array_equal(keys[0, 0], keys[0, 1])
    assert not np.array_equal(keys[0, 0], keys[1, 0])


def test_layers_have_numbers_of_their_own():
    params = small(layers=2, residual=True).init()
    assert {"layer0_W_k", "layer1_W_k", "W_out"} < set(params)
    assert not np.array_equal(params["layer0_W_k"], params["layer1_W_k"])


def test_instructions_of_every_layer_can_be_looked_at(rng):
    net, x = small(layers=2, residual=True), SMALL(rng, 2).x
    params = random_params(net)
    first, last = net(params, x, layer=0), net(params, x, layer=1)
    alone = small(residual=True)
    own = {name.removeprefix("layer0_"): w for name, w in params.items() if not name.startswith("layer1_")}
    assert np.array_equal(first.k, alone(own, x).k)
    assert np.array_equal(last.k, net(params, x).k)
    assert not np.array_equal(first.k, last.k)
    with pytest.raises(ValueError, match=r"^layer is 2; this programmer has 2"):
        net(params, x, layer=2)


# --- fast weights that write themselves ------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{}, {"heads": 2, "residual": True, "layers": 2, "norm": True}])
def test_self_referential_layers_read_what_their_twin_reads(fields, rng):
    net = fw.Programmer(
        rule="self_referential", d_in=9, d_key=4, d_value=3, d_out=4, feature="softmax", key_norm="none", **fields
    )
    params, batch = random_params(net), SMALL(rng, 2)

    def softmax(x):
        e = np.exp(x)
        return e / np.sum(e)

    def scores(params, x):
        stream = list(x)
        for layer in range(net.layers):
            prefix = f"layer{layer}_" if net.layers > 1 else ""
            p = {name.removeprefix(prefix): w for name, w in params.items()}
            seen = [rms(u, p["g"]) for u in stream] if net.norm else stream
            tokens = np.array([(p["W_in"] @ u).reshape(net.heads, -1) for u in seen])
            W0 = p["W0"].reshape(net.heads, -1, net.d_key)
            reads = [
                reference.self_referential(np.array([softmax(u) for u in tokens[:, h]]), *[None] * 4, W0[h])[0]
                for h in range(net.heads)
            ]
            y = np.concatenate(reads, axis=-1)
            stream = [u + p["W_o"] @ read for u, read in zip(stream, y, strict=True)] if net.residual else y
        if net.norm:
            stream = [rms(u, params["g_out"]) for u in stream]
        return np.array([params["W_out"] @ u for u in stream])

    np.testing.assert_allclose(net.scores(params, batch.x), [scores(params, x) for x in batch.x], rtol=1e-9)
    _, grads = value_and_grad(lambda p: squared(net, p, batch))(params)
    for name, x in params.items():
        dx = rng.standard_normal(np.shape(x))
        moved = {**params, name: x + 1e-30j * dx}
        want = 0
        for i, tokens in enumerate(batch.x):
            wrong = scores(moved, tokens) - np.eye(4)[batch.target[i]]
            want = want + np.sum(np.sum(wrong**2, axis=-1) / 2 * batch.mask[i]) / np.sum(batch.mask)
        assert np.sum(grads[name] * dx) == pytest.approx(want.imag / 1e-30, rel=1e-9, abs=1e-13)
        assert np.any(grads[name])
    with pytest.raises(TypeError, match=r"^self-referential fast weights write themselves and send no instructions"):
        net(params, batch.x)
    with pytest.raises(TypeError, match=r"^self-referential fast weights write themselves; no substrate"):
        fw.compare_substrates(fw.Trained(net, params, None), batch, {"exact": fw.Exact()})


def test_a_self_referential_training_that_diverges_says_so():
    spec = {"d_in": 9, "d_key": 4, "d_value": 3, "d_out": 4, "feature": "softmax", "key_norm": "none"}
    net = fw.Programmer(rule="self_referential", **spec)
    params = {name: np.full_like(w, 1e200) for name, w in net.init().items()}
    message = r"^at step 0 the loss is nan and its gradient nan; lower learning_rate or beta_max\.$"
    with pytest.raises(FloatingPointError, match=message), np.errstate(all="ignore"):
        fw.train(net, SMALL, steps=2, batch=2, params=params)
    assert net.diagnose(net.init(), SMALL(np.random.default_rng(0), 2).x) == ""


def test_a_self_referential_programmer_learns():
    task = fw.tasks.Recall(keys=3, values=3, writes=4)
    net = fw.Programmer(
        rule="self_referential", d_in=7, d_key=8, d_value=8, d_out=3, feature="softmax", key_norm="none", heads=2
    )
    trained = fw.train(net, task, steps=400, learning_rate=2e-2, seed=0)
    batch = task(np.random.default_rng(9), 100)
    assert trained.accuracy(batch) > 1.5 * batch.chance


# --- tokens ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("d_model", [None, 6])
def test_tokens_are_their_one_hot_vectors(d_model, rng):
    tokens = rng.integers(5, size=(2, 7))
    spec = {"d_in": 5, "d_key": 4, "d_value": 4, "d_out": 3, "d_model": d_model}
    with_tokens, without = fw.Programmer(**spec, tokens=True), fw.Programmer(**spec)
    params = without.init(seed=2)
    both = [
        value_and_grad(lambda p, net=net, x=x: anp.sum(net.scores(p, x) ** 2))(params)
        for net, x in ((with_tokens, tokens), (without, np.eye(5)[tokens]))
    ]
    assert both[0][0] == pytest.approx(both[1][0], rel=1e-13)
    for name in params:
        np.testing.assert_allclose(both[0][1][name], both[1][1][name], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    ("x", "kind", "words"),
    [
        (np.ones((2, 3)), TypeError, r"^x is float64; a programmer with tokens=True takes integers from 0 to 4"),
        (np.array([[0, 5]]), ValueError, r"^x holds tokens from 0 to 5; they go from 0 to 4"),
        (np.array([[-1, 2]]), ValueError, r"^x holds tokens from -1 to 2"),
    ],
)
def test_what_is_no_token_is_refused(x, kind, words):
    net = fw.Programmer(d_in=5, d_key=4, d_value=4, tokens=True)
    with pytest.raises(kind, match=words):
        net(net.init(), x)


# --- neuromodulators -------------------------------------------------------------------------------------------------


def test_the_signal_can_be_inspected_clamped_and_replaced(rng):
    net, batch = NETS["modulated"], SMALL(rng, 2)
    params = random_params(net)
    signal = net.modulation(params, batch.x)
    assert signal.shape == (2, 10, 2)
    assert np.all((signal > 0) & (signal < 1))
    assert np.array_equal(net.scores(params, batch.x, modulation=signal), net.scores(params, batch.x))
    clamped = np.array(signal)
    clamped[..., 0] = 0.25
    recorded = rng.random((10, 2))  # one trace for all trials
    for given in (clamped, recorded):
        found = net.scores(params, batch.x, modulation=given)
        want = [
            twin_scores(net, params, x, s) for x, s in zip(batch.x, np.broadcast_to(given, signal.shape), strict=True)
        ]
        np.testing.assert_allclose(found, np.real(want), rtol=1e-10, atol=1e-13)
    sent = net(params, batch.x, modulation=np.full(2, 0.5))
    assert np.ptp(sent.decay) == 0  # a clamped signal leaves one decay for all tokens
    assert np.ptp(net(params, batch.x).decay) > 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.ones((10, 3)), r"^modulation has shape \(10, 3\), which does not broadcast to \(2, 10, 2\)"),
        (np.full((10, 2), np.nan), r"^modulation holds NaN or infinity"),
    ],
)
def test_a_signal_that_does_not_fit_is_refused(given, words, rng):
    net = NETS["modulated"]
    with pytest.raises(ValueError, match=words):
        net(net.init(), SMALL(rng, 2).x, modulation=given)


def test_a_programmer_without_modulators_takes_and_shows_no_signal(rng):
    net, x = small(), SMALL(rng, 2).x
    with pytest.raises(ValueError, match=r"^modulators is None; this programmer has no signal"):
        net.modulation(net.init(), x)
    with pytest.raises(ValueError, match=r"^modulation is given, but modulators is None"):
        net(net.init(), x, modulation=np.ones(2))


def test_softmax_reads_all_keys_and_values_so_far_and_has_a_gradient(rng):
    net = fw.Programmer(rule="softmax", d_in=3, d_key=4, d_value=2, feature="identity", key_norm="none")
    params, x = net.init(), rng.standard_normal((5, 3))
    q, k, v = (x @ params[f"W_{name}"].T for name in "qkv")
    weight = np.tril(np.exp(q @ k.T))
    np.testing.assert_allclose(net.scores(params, x), weight @ v / weight.sum(axis=1, keepdims=True), rtol=1e-12)
    _, slope = value_and_grad(lambda W: net.scores({**params, "W_k": W}, x).sum())(params["W_k"])
    nudge = rng.standard_normal(slope.shape)
    up, down = (net.scores({**params, "W_k": params["W_k"] + h * nudge}, x).sum() for h in (1e-6, -1e-6))
    assert (slope * nudge).sum() == pytest.approx((up - down) / 2e-6, rel=1e-6)  # error of central differences: h^2
    assert "norm of W 0" in net.diagnose(params, x)


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"layers": 2}, r"^layers > 1 needs residual=True; leave one of them out"),
        ({"tokens": True}, r"^tokens=True leaves no feature for write_channel"),
        ({"recurrent": "reads", "convolution": 2}, r"^a recurrent programmer runs token by token, without convolution"),
        ({"rule": "householder"}, r"^rule 'householder' needs more, or less, than keys, values and gates"),
        ({"rule": "self_referential"}, r"^a self-referential rule takes no recurrent"),
        ({"rule": "dplr"}, r"^rule 'dplr' needs more, or less"),
        (
            {"rule": "linear_attention", "modulators": 1},
            r"^modulators act on gates, and rule 'linear_attention' has none",
        ),
        ({"rule": "softmax", "recurrent": "reads"}, r"^rule 'softmax' keeps every token and no W"),
        ({"rule": "softmax"}, r"^rule 'softmax' keeps every token and no W"),  # small ones have a write_channel
        (
            {"recurrent": "reads", "d_value": 5},
            r"^recurrent='reads' queries with what it reads; d_key is 4 and",
        ),
        ({"recurrent": "read"}, r"^unknown recurrent 'read'"),
        ({"heads": 0}, r"^heads is 0"),
        ({"convolution": 0}, r"^convolution is 0"),
    ],
)
def test_fields_that_exclude_each_other_are_named(fields, words):
    with pytest.raises(ValueError, match=words):
        small(**fields)


def test_a_read_out_that_sees_the_stream_asks_for_the_tokens(rng):
    net = small(residual=True)
    with pytest.raises(ValueError, match=r"^x is missing; with residual=True"):
        net.read_out(net.init(), np.ones((2, 10, 4)))


# --- a function as a programmer --------------------------------------------------------------------------------------


def send(params, x):
    """The small delta programmer, written by hand."""
    keys = features.get_normaliser("l2"), features.get_feature("relu")
    q, k = (fw.autograd.feature(keys[0], fw.autograd.feature(keys[1], project(x, params[w]))) for w in ("W_q", "W_k"))
    gate = x[..., -1]
    beta = fw.autograd.feature(parts.SIGMOID, project(x, params["w_beta"]) + params["b_beta"]) * gate
    return fw.Instructions(q, k * gate[..., None], project(x, params["W_v"]) * gate[..., None], beta)


def start(rng):
    """Its numbers, drawn as Programmer draws them."""
    return small().init(rng)


def read(params, y, x):
    """Its read-out."""
    return project(y, params["W_out"])


def test_a_function_trains_to_the_same_bits_as_the_programmer_that_it_spells_out(tmp_path):
    own = fw.FunctionProgrammer(send, start, rule="delta", read=read)
    settings = {"steps": 4, "batch": 3, "seed": 5}
    mine = fw.train(own, SMALL, **settings)
    params = own.init(5)
    plain = small()
    assert set(mine.params) == set(plain.init())

    class Same(fw.Programmer):
        def init(self, seed=0, dtype=float):
            return {name: np.array(w, dtype) for name, w in params.items()}

    theirs = fw.train(Same(**{f: getattr(plain, f) for f in plain.__dataclass_fields__}), SMALL, **settings)
    for name, value in theirs.params.items():
        assert np.array_equal(mine.params[name], value)
    batch = SMALL(np.random.default_rng(0), 4)
    sent = mine.instructions(batch.x)
    assert batch.accuracy(mine.answer(fw.simulate("delta", sent).y.values, batch.x)) == mine.accuracy(batch)
    path = mine.save(tmp_path / "mine.nc")
    with pytest.raises(ValueError, match=r"holds parameters of the function send; pass programmer="):
        fw.load_trained(path)
    again = fw.load_trained(path, programmer=own)
    assert np.array_equal(again.params["W_k"], mine.params["W_k"])
    assert again.accuracy(batch) == mine.accuracy(batch)


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({"send": 1}, TypeError, r"^send is a int; pass a function"),
        ({"start": {}}, TypeError, r"^start is a dict; pass a function"),
        ({"read": "y"}, TypeError, r"^read is a str; pass a function"),
        ({"rule": "dleta"}, ValueError, r"unknown rule 'dleta'"),
    ],
)
def test_what_is_no_function_is_refused(fields, kind, words):
    with pytest.raises(kind, match=words):
        fw.FunctionProgrammer(**{"send": send, "start": start, **fields})


def test_a_function_that_sends_no_instructions_is_refused():
    net = fw.FunctionProgrammer(lambda params, x: x, start)
    with pytest.raises(TypeError, match=r"^send gave a ndarray; it gives Instructions"):
        net.scores(net.init(), SMALL(np.random.default_rng(0), 2).x)
    with pytest.raises(TypeError, match=r"^start gave a list; it gives a dict"):
        fw.FunctionProgrammer(send, lambda rng: []).init()


# --- substrates ------------------------------------------------------------------------------------------------------


def test_every_layer_and_head_goes_to_the_substrate(rng):
    net, batch = small(layers=2, residual=True, heads=2), SMALL(rng, 3)
    trained = fw.Trained(net, random_params(net), None)
    found = fw.compare_substrates(trained, batch, {"exact": fw.Exact(), "rate": fw.RateNetwork(flow="instant")})
    assert float(found.agreement.sel(substrate="exact")) == 1
    assert float(found.accuracy.sel(substrate="exact")) == trained.accuracy(batch)
    assert float(found.chance) == batch.chance
    shapes = []

    class Spy(fw.Exact):
        def run(self, rule, q, k, v, beta, decay, seed):
            shapes.append(k.shape)
            return super().run(rule, q, k, v, beta, decay, seed)

    fw.compare_substrates(trained, batch, {"spy": Spy()})
    assert shapes == [(6, 10, 4)] * 2  # two heads of three trials, in each of two layers


def test_a_trained_programmer_answers_alike_exactly_in_rates_and_in_spikes():
    net = fw.train(small(d_key=8, d_value=8), SMALL, steps=300, learning_rate=2e-2, seed=1)
    batch = SMALL(np.random.default_rng(3), 8)
    found = fw.compare_substrates(net, batch)
    assert list(found.substrate.values) == ["exact", "rate", "spiking"]
    assert float(found.accuracy.sel(substrate="exact")) > 0.9
    assert float(found.agreement.sel(substrate="rate")) == 1
    assert float(found.agreement.sel(substrate="spiking")) > 0.9
    shuffled = net.answer(fw.simulate("delta", net.instructions(batch.x).shuffled(0)).y.values)
    assert batch.accuracy(shuffled) < 0.5  # what was sent matters


def test_substrates_are_compared_for_real_targets_too(rng):
    from synfwp.tasks import InContextRegression

    task = InContextRegression()
    net = fw.Programmer(d_in=task.d_in, d_key=4, d_value=4, d_out=task(rng, 1).target.shape[-1])
    batch = task(rng, 2)
    trained = fw.Trained(net, net.init(), None)
    found = fw.compare_substrates(trained, batch, {"exact": fw.Exact()})
    assert float(found.error[0]) == pytest.approx(trained.error(batch), rel=1e-12)


def test_what_sends_nothing_is_not_compared(rng):
    net = fw.PlasticNetwork.hebbff(d_in=9, d_hidden=4, d_out=4)
    with pytest.raises(TypeError, match=r"^a PlasticNetwork sends no instructions"):
        fw.compare_substrates(fw.Trained(net, net.init(), None), SMALL(rng, 2))
    net = small()
    with pytest.raises(ValueError, match=r"^on is empty"):
        fw.compare_substrates(fw.Trained(net, net.init(), None), SMALL(rng, 2), {})


# --- small parts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2 * parts.PART + parts.BLOCK + 17, 16 * parts.PART + 5])
def test_the_weight_gradient_in_blocks_is_the_whole_one(n, rng):
    x, W, g = rng.standard_normal((n, 3)), rng.standard_normal((2, 3)), rng.standard_normal((n, 2))
    value, grads = value_and_grad(lambda p: anp.sum(project(p["x"], p["W"]) * g))({"x": x, "W": W})
    assert value == pytest.approx(np.sum((x @ W.T) * g), rel=1e-13)
    rounding = np.finfo(float).eps * np.abs(g).T @ np.abs(x)  # one eps of what is added up
    assert np.all(np.abs(grads["W"] - g.T @ x) <= 1e-12 * np.abs(g.T @ x) + rounding)
    np.testing.assert_allclose(grads["x"], g @ W, rtol=1e-13)


def test_filters_see_no_later_token_and_longer_filters_than_sequences_are_cut(rng):
    x, w = rng.standard_normal((2, 5, 3)), rng.standard_normal((3, 8))
    y = parts.convolve(x, w)
    want = [sum(w[:, j] * x[:, t - j] for j in range(t + 1)) for t in range(5)]
    np.testing.assert_allclose(y, np.stack(want, axis=1), rtol=1e-12, atol=1e-14)


def test_the_loss_of_one_batch_is_the_same_by_instructions_and_by_scores(rng):
    net, batch = small(), SMALL(rng, 3)
    params = random_params(net)
    from synfwp.programmer.losses import LOSSES

    by_scores = LOSSES["cross_entropy"](net.scores(params, batch.x), batch.target, batch.mask)
    assert real_loss(net, params, batch, "cross_entropy") == pytest.approx(float(by_scores), rel=1e-14)
