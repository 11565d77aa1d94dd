"""Borders of programmers and trainings: degenerate sizes, labels and masks, tasks that return something else."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from programmers import SMALL, small

import synfwp as fw
from synfwp.programmer.losses import LOSSES
from synfwp.tasks import Batch, InContextRegression, Recall

LEAST = {"d_in": 3, "d_key": 1, "d_value": 1, "d_out": 1}
KINDS = {
    "programmer": fw.Programmer(**LEAST, key_norm="sum"),
    "gated": fw.Programmer(**LEAST, rule="gated_delta"),
    "heads": fw.Programmer(**LEAST, heads=3, convolution=4),
    "layers": fw.Programmer(**LEAST, layers=2, residual=True, norm=True, hidden=1, modulators=1),
    "recurrent": fw.Programmer(**LEAST, recurrent="instructions"),
    "delta rnn": fw.Programmer(**LEAST, recurrent="reads"),
    "softmax": fw.Programmer(**LEAST, rule="softmax", key_norm="none"),
    "self-referential": fw.Programmer(**LEAST, rule="self_referential"),
    "two writes": fw.Programmer(**LEAST, rule="delta_product(2)"),
    "layer": fw.LayerProgrammer.preset("delta_net", d_model=3, heads=1, d_key=1, d_value=1),
    "gla": fw.LayerProgrammer.preset("gla", d_model=3, heads=2, d_key=1, d_value=1, key_value_heads=1),
    "hebbff": fw.PlasticNetwork.hebbff(d_in=3, d_hidden=1, d_out=1),
    "fast weights": fw.PlasticNetwork.fast_weights(d_in=3, d_hidden=1, d_out=1),
}


@pytest.mark.parametrize("name", KINDS)
def test_one_token_of_one_sequence_with_one_class_trains_in_every_programmer(name):
    def task(rng, batch):
        return Batch(rng.standard_normal((batch, 1, 3)), np.zeros((batch, 1), int), np.ones((batch, 1), bool), 1.0)

    trained = fw.train(KINDS[name], task, steps=2, batch=1)
    assert np.isfinite(trained.history.loss).all()
    assert trained.history.gradient_norm.notnull().all()
    assert trained.history.accuracy.values.tolist()[-1] in (0.0, 1.0)
    one = np.asarray(KINDS[name].scores(trained.params, np.ones((1, 3))))  # no batch
    assert one.shape[0] == 1
    assert np.isfinite(one).all()


@pytest.mark.parametrize("name", KINDS)
def test_no_token_gives_no_score(name):
    params = KINDS[name].init()
    if name in ("recurrent", "delta rnn"):
        with pytest.raises(ValueError, match=r"^x holds no token; a recurrent programmer runs token by token"):
            KINDS[name].scores(params, np.ones((2, 0, 3)))
    else:
        assert np.shape(KINDS[name].scores(params, np.ones((2, 0, 3))))[:2] == (2, 0)


@pytest.mark.parametrize("name", [name for name in KINDS if name not in ("hebbff", "fast weights")])
def test_labels_and_masks_of_tokens_are_not_lost_in_silence(name):  # F4, F5
    params, x = KINDS[name].init(), np.ones((2, 4, 3))
    for wrapped in (xr.DataArray(x), np.ma.masked_array(x, mask=x > 2)):
        with pytest.raises(TypeError, match=r"^x is a (DataArray|MaskedArray), which carries"):
            KINDS[name].scores(params, wrapped)


@pytest.mark.parametrize("field", ["q", "k", "v", "beta", "decay", "momentum", "ridge", "scored"])
@pytest.mark.parametrize("wrap", [xr.DataArray, np.ma.masked_array])
def test_instructions_with_labels_or_masks_are_refused(field, wrap):  # F4, F5
    fields = {"q": np.ones((3, 2)), "k": np.ones((3, 2)), "v": np.ones((3, 2))}
    with pytest.raises(TypeError, match=rf"^{field} is a (DataArray|MaskedArray), which carries"):
        fw.Instructions(**{**fields, field: wrap(fields.get(field, np.ones(3)))})


@pytest.mark.parametrize("name", ["x", "modulation", "A0", "W", "b"])
def test_a_plastic_network_of_rates_refuses_labels_and_masks(name):  # F4, F5
    weights = {"W": np.eye(2), "lam": 0.9, "eta": 0.1, "b": np.zeros(2)}
    given = {"x": np.ones((3, 2)), "modulation": np.ones(3), "A0": np.zeros((2, 2))}
    network = fw.PlasticRateNetwork(recurrent=False)
    network.simulate(weights, **given)
    for wrap in (xr.DataArray, np.ma.masked_array):
        w = {key: wrap(one) if key == name else one for key, one in weights.items()}
        g = {key: wrap(one) if key == name else one for key, one in given.items()}
        with pytest.raises(TypeError, match=rf"^{name} is a (DataArray|MaskedArray), which carries"):
            network.simulate(w, **g)


def test_labelled_reads_are_taken_by_their_dims_and_others_refused():  # F5
    programmer = small()
    trained = fw.Trained(programmer, programmer.init(), xr.Dataset())
    batch = SMALL(np.random.default_rng(0), 3)
    y = fw.simulate("delta", trained.instructions(batch.x)).y
    answer = trained.answer(y.values)
    assert np.array_equal(trained.answer(y), answer)
    assert np.array_equal(trained.answer(y.transpose("value", "time", "trial")), answer)
    with pytest.raises(
        ValueError, match=r"^y has dims \('trial', 'time', 'unit'\); pass reads with dims time and value"
    ):
        trained.answer(y.rename(value="unit"))
    with pytest.raises(TypeError, match=r"^y is a MaskedArray, which carries"):
        trained.answer(np.ma.masked_array(y.values))


# --- what a batch and a task may be -----------------------------------------------------------------------------------

X, TARGET, MASK = np.zeros((2, 3, 4)), np.array([[0, 1, -1]] * 2), np.array([[True, True, False]] * 2)
REAL = np.zeros((2, 3, 2))


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"target": np.array([[-1, 1, -1]] * 2)}, ValueError, r"^target is -1 at \(0, 0\), which the mask scores"),
        ({"target": TARGET[:, :2]}, ValueError, r"^target has shape \(2, 2\), but mask \(2, 3\)"),
        ({"target": TARGET[:1]}, ValueError, r"^target has shape \(1, 3\), but mask"),
        ({"target": TARGET > 0}, TypeError, r"^target has dtype bool; pass integer classes"),
        ({"target": TARGET.astype(float)}, ValueError, r"pass \(batch, T, d_out\) for real numbers"),
        ({"target": REAL * np.nan}, ValueError, r"^target holds nan at index \(0, 0, 0\)"),
        ({"target": REAL.astype(int)}, ValueError, r"pass \(batch, T\) for classes"),
        ({"target": REAL.astype(complex)}, TypeError, r"^target has dtype complex128"),
        ({"target": np.ma.masked_array(TARGET)}, TypeError, r"^target is a MaskedArray, which carries a mask"),
        ({"mask": MASK.astype(int)}, TypeError, r"^mask has dtype int64; pass booleans"),
        ({"mask": MASK.T}, ValueError, r"^mask has shape \(3, 2\), but x \(2, 3, 4\)"),
        ({"mask": xr.DataArray(MASK)}, TypeError, r"^mask is a DataArray, which carries labels"),
        ({"x": X - np.inf}, ValueError, r"^x holds -inf at index \(0, 0, 0\)"),
        ({"x": X.astype(np.float16)}, TypeError, r"^x has dtype float16"),
        ({"x": X[0, 0]}, ValueError, r"^x has shape \(4,\)"),
        ({"x": [[1.0], [1.0, 2.0]]}, ValueError, r"^x is a ragged list"),
        ({"chance": 1.5}, ValueError, r"^chance is 1\.5; pass a finite number .*of at most 1"),
        ({"chance": np.nan}, ValueError, r"^chance is nan"),
        ({"chance": "half"}, TypeError, r"^chance is 'half'"),
    ],
)  # fmt: skip
def test_a_batch_that_is_wrong_is_refused_by_name_also_from_a_task(change, kind, words):  # F14
    fields = {"x": X, "target": TARGET, "mask": MASK, "chance": 0.5}
    Batch(**fields)
    with pytest.raises(kind, match=words):
        Batch(**fields | change)

    def mine(rng, batch):
        return Batch(**fields | change)

    with pytest.raises(kind, match="^task .*mine: " + words.removeprefix("^") if words[0] == "^" else words):
        fw.train(fw.Programmer(d_in=4, d_out=2), mine, steps=1, batch=2)


def train_on(change=None, programmer=None, returns=None, **settings):
    """A training on a batch of the small task that was changed."""

    def mine(rng, batch):
        drawn = SMALL(rng, batch)
        return returns(drawn) if returns else replace(drawn, **{k: f(getattr(drawn, k)) for k, f in change.items()})

    return fw.train(programmer or small(), mine, **{"steps": 1, "batch": 2, **settings})


@pytest.mark.parametrize("loss", LOSSES)
def test_a_class_beyond_the_scores_is_refused_in_the_step_that_meets_it_and_names_the_task(loss):  # F14
    words = r"^task .*mine: target holds classes from \d to 7, but the programmer scores 4, from 0 to 3; pass d_out=8"
    with pytest.raises(ValueError, match=words):
        train_on({"target": lambda x: np.where(x >= 0, 7 - (np.arange(x.shape[1]) % 2), -1)}, loss=loss)
    calls = []

    def later(x):
        calls.append(1)
        return np.where(x >= 0, 7, -1) if len(calls) == 3 else x

    with pytest.raises(ValueError, match=r"^task .*mine: target holds classes from 7 to 7"):
        train_on({"target": later}, loss=loss, steps=5)
    assert len(calls) == 3


@pytest.mark.parametrize("loss", LOSSES)
def test_what_stands_as_target_where_nothing_is_scored_does_not_matter(loss):
    one = train_on({"target": lambda x: x}, loss=loss, steps=2)
    other = train_on({"target": lambda x: np.where(x < 0, -100, x)}, loss=loss, steps=2)
    assert np.array_equal(one.params["W_k"], other.params["W_k"])


def test_real_targets_of_another_width_are_refused(rng):  # F14
    task = InContextRegression(d_x=2, d_y=3, pairs=2)
    words = r"target has shape \(2, 5, 3\), but the programmer answers \(2, 5, 1\); pass d_out=3"
    with pytest.raises(ValueError, match=r"^task InContextRegression: " + words):
        fw.train(fw.Programmer(d_in=task.d_in, d_out=1), task, steps=1, batch=2, loss="squared")


@pytest.mark.parametrize(
    ("returns", "kind", "words"),
    [
        (lambda b: (b.x, b.target, b.mask), TypeError, r"returned a tuple; return synfwp\.tasks\.Batch"),
        (lambda b: None, TypeError, r"returned a NoneType; return"),
        (
            lambda b: Batch(b.x[:1], b.target[:1], b.mask[:1], 0.2),
            ValueError,
            r"returned 1 sequences where 2",
        ),
        (
            lambda b: replace(b, mask=np.zeros_like(b.mask)),
            ValueError,
            r"returned a mask without a True",
        ),
    ],
)
def test_a_task_that_returns_something_else_is_named(returns, kind, words):  # F14
    with pytest.raises(kind, match=r"^task train_on\.<locals>\.mine " + words):
        train_on(returns=returns)


def test_scores_of_other_tokens_than_the_task_has_are_refused():  # F14
    own = fw.FunctionProgrammer(
        lambda params, x: fw.Instructions(x, x, x), lambda rng: {"w": np.ones(2)}, rule="hebb",
        read=lambda params, y, x: y[:, :-1] * params["w"][0],
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"^task .*mine: scores have shape \(2, 9, 9\), but the mask \(2, 10\)"):
        train_on({}, programmer=own, loss="squared")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_features_of_either_precision_train_in_that_of_the_parameters(dtype):  # F14
    own = fw.FunctionProgrammer(
        lambda params, x: fw.Instructions(x, x, x @ params["W"]), lambda rng: {"W": np.ones((9, 4))}, rule="hebb"
    )
    settings = {"loss": "squared", "steps": 2, "dtype": dtype, "programmer": own, "learning_rate": 1e-3}
    found = [train_on({"x": lambda x, t=t: x.astype(t)}, **settings) for t in (np.float32, np.float64)]
    assert found[0].params["W"].dtype == dtype
    assert np.array_equal(found[0].params["W"], found[1].params["W"])  # zeros and ones are exact in both


def test_zero_steps_and_zero_sequences_are_refused_by_name():
    with pytest.raises(ValueError, match=r"^steps is 0; pass an integer of at least 1"):
        fw.train(small(), SMALL, steps=0)
    with pytest.raises(ValueError, match=r"^batch is 0; pass an integer of at least 1"):
        fw.train(small(), SMALL, steps=1, batch=0)


def test_nothing_scored_has_no_accuracy():
    batch = Batch(X, TARGET, np.zeros_like(MASK), 0.5)
    with pytest.raises(ValueError, match=r"^mask holds no True, so nothing is scored"):
        batch.accuracy(TARGET)


def test_a_task_with_one_key_and_one_value_is_learned():
    task = Recall(keys=1, values=1, writes=1)
    trained = fw.train(fw.Programmer(d_in=task.d_in, d_key=1, d_value=1, d_out=1), task, steps=1, batch=1)
    assert trained.accuracy(task(np.random.default_rng(0), 1)) == 1.0


def test_targets_that_the_scores_have_no_place_for_are_refused_where_a_net_is_scored_too():  # F14
    net = fw.Programmer(d_in=SMALL.d_in, d_key=2, d_value=2, d_out=SMALL.d_out)
    trained, batch = fw.Trained(net, net.init(0), None), SMALL(np.random.default_rng(0), 2)
    wrong = fw.tasks.Batch(batch.x, np.full(batch.mask.shape, SMALL.d_out), batch.mask, batch.chance)
    for score in (
        lambda: trained.accuracy(wrong),
        lambda: trained.accuracy(wrong, on=fw.RateNetwork()),
        lambda: fw.compare_substrates(trained, wrong, {"exact": fw.Exact()}),
    ):
        with pytest.raises(ValueError, match=r"^target holds classes from \d+ to \d+, but the programmer scores"):
            score()
