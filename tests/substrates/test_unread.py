"""F12: what was not read is NaN and never a wrong answer; what is silent is 0."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import synfwp as fw
from synfwp import measures, plot
from synfwp.tasks import Batch, InContextRegression, Recall

TASK = Recall(keys=4, values=4, writes=5)
EVERY = {"steps": 400, "batch": 32, "learning_rate": 0.02, "seed": 0}


@pytest.fixture(scope="module")
def trained():
    """A net that writes at every token, so that no token only asks."""
    return fw.train(fw.Programmer(d_in=TASK.d_in, d_key=16, d_value=16, d_out=TASK.d_out), TASK, **EVERY)


@pytest.fixture(scope="module")
def batch():
    return TASK(np.random.default_rng(1), 20)


def test_a_net_that_writes_at_every_token_is_as_good_in_spikes_as_exactly(trained, batch):  # F12
    assert trained.accuracy(batch) == 1.0
    assert trained.accuracy(batch, on=fw.SpikingNetwork()) == 1.0
    found = fw.compare_substrates(trained, batch, {"exact": fw.Exact(), "spiking": fw.SpikingNetwork()})
    assert found.accuracy.values.tolist() == [1.0, 1.0]
    assert found.agreement.values.tolist() == [1.0, 1.0]


def test_where_the_schedule_does_not_read_what_is_scored_there_is_an_error_and_no_score(trained, batch):  # F12
    end = fw.SpikingNetwork(schedule=fw.ThetaCycle(read="end"))
    words = r"^answer is NaN at index \(\d+, \d+\), a token that counts and was not read; NaN is not 0\. Mark"
    with pytest.raises(ValueError, match=words):
        trained.accuracy(batch, on=end)
    with pytest.raises(ValueError, match=words):
        fw.compare_substrates(trained, batch, {"spiking": end})
    ds = fw.simulate("delta", trained.instructions(batch.x), on=end)
    answer = trained.answer(ds.y_spikes)
    assert np.array_equal(np.isnan(answer), ds.y_spikes.isnull().all("value"))
    with pytest.raises(ValueError, match=words):
        batch.accuracy(answer)


def test_auto_reads_what_is_marked_or_else_every_query_and_the_others_stay(trained, batch):  # F12
    def read(how, sent):
        found = fw.simulate("delta", sent, on=fw.SpikingNetwork(schedule=fw.ThetaCycle(read=how))).y_spikes
        return found.notnull().all("value").values

    assert fw.ThetaCycle().read == "auto"
    sent = trained.instructions(batch.x)
    asks = (np.asarray(sent.q) > 0).any(axis=-1)
    marked = trained.instructions(batch.x, scored=batch.mask)
    assert np.array_equal(read("auto", marked), batch.mask)
    assert np.array_equal(read("auto", sent), asks)
    assert np.array_equal(read("auto", replace(sent, scored=np.zeros_like(batch.mask))), asks)
    assert np.array_equal(read("every", sent), asks)
    assert np.array_equal(read("end", sent), asks & ~sent.writes)
    only = replace(sent, beta=np.where(batch.x[..., -1] > 0, sent.beta, 0))
    assert np.array_equal(read("end", only), asks & ~only.writes)
    assert np.array_equal(read("end", only.marked(batch.mask)), (asks | batch.mask) & ~only.writes)


@pytest.mark.parametrize("engine", ["counts", "poisson"])
def test_a_marked_token_with_a_silent_query_reads_0_and_one_that_is_not_read_nan(engine):  # F12
    q = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    sent = fw.Instructions(q, q, np.ones((3, 1)), scored=np.array([True, True, False]))
    y = fw.simulate("hebb", sent, on=fw.SpikingNetwork(engine=engine)).y_spikes.values[:, 0]
    assert y[0] > 0
    assert y[1] == 0
    assert np.isnan(y[2])


def test_layers_below_the_last_are_read_at_every_token_and_heads_at_the_same(batch):  # F12
    seen = []

    class Spy(fw.SpikingNetwork):
        def run(self, *args, scored=None, **more):
            seen.append(scored)
            return super().run(*args, scored=scored, **more)

    deep = fw.Programmer(
        d_in=TASK.d_in, d_key=4, d_value=4, d_out=4, heads=2, layers=2, residual=True, write_channel=-1
    )
    net = fw.Trained(deep, deep.init(), xr.Dataset())
    accuracy = net.accuracy(batch, on=Spy(schedule=fw.ThetaCycle(gap=10.0)), seed=3)
    assert [x.shape for x in seen] == [(40, 9), (40, 9)]
    assert seen[0].all()
    assert np.array_equal(seen[1], np.repeat(batch.mask, 2, axis=0))
    same = fw.compare_substrates(net, batch, {"one": fw.SpikingNetwork(schedule=fw.ThetaCycle(gap=10.0))}, seed=3)
    assert float(same.accuracy[0]) == accuracy


def test_a_function_may_mark_what_it_reads_itself(batch):  # F12
    def send(params, x):
        return fw.Instructions(x, x, x @ params["W"], x[..., -1], scored=np.ones(x.shape[:2], bool))

    def read(params, y, x):
        return y - y.mean(axis=-2, keepdims=True)

    own = fw.FunctionProgrammer(send, lambda rng: {"W": rng.uniform(size=(9, 4))}, rule="hebb", read=read)
    net = fw.Trained(own, own.init(), xr.Dataset())
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="stand at a bound"):
        assert 0 <= net.accuracy(batch, on=fw.SpikingNetwork()) <= 1


def test_real_targets_have_an_error_on_a_substrate(rng):  # F12
    task = InContextRegression(d_x=2, pairs=3)
    programmer = fw.Programmer(d_in=task.d_in, d_key=4, d_value=2, d_out=1)
    net = fw.Trained(programmer, programmer.init(), xr.Dataset())
    drawn = task(rng, 3)
    assert net.error(drawn, on=fw.Exact()) == pytest.approx(net.error(drawn), rel=1e-12)  # rounding
    assert np.isfinite(net.error(drawn, on=fw.SpikingNetwork()))
    with pytest.raises(ValueError, match=r"^answer is NaN"):
        net.error(drawn, on=fw.SpikingNetwork(schedule=fw.ThetaCycle(read="end")))


def test_a_plastic_network_has_no_substrate(batch):
    net = fw.PlasticNetwork.hebbff(d_in=TASK.d_in, d_hidden=3, d_out=4)
    with pytest.raises(TypeError, match="a PlasticNetwork sends no instructions"):
        fw.Trained(net, net.init(), xr.Dataset()).accuracy(batch, on=fw.Exact())


def test_every_measure_refuses_what_was_not_read_or_passes_nan_on():  # F12
    y = np.arange(12.0).reshape(4, 3) ** 2
    gone = y.copy()
    gone[1] = np.nan
    read = np.array([True, False, True, True])
    assert measures.recall_agreement(gone, y, read) == measures.recall_agreement(y, y, read) == pytest.approx(1)
    for one, other in ((gone, y), (y, gone)):
        with pytest.raises(ValueError, match=r"^(y|reference) is NaN at index \(1, 0\), a token that counts"):
            measures.recall_agreement(one, other)
    with pytest.raises(ValueError, match=r"^score is NaN at index \(1,\)"):
        measures.auc([0.0, np.nan, 1.0], [True, False, True])
    assert np.isnan(measures.centred_correlation(gone, y))
    assert np.isnan(measures.norm_ratio(gone, y))


def test_tasks_that_score_by_themselves_refuse_it_too(rng):  # F12
    lags = fw.tasks.Familiarity(d=30, lags=3, length=20)
    drawn = lags(rng, 2)
    with pytest.raises(ValueError, match=r"^answer is NaN"):
        lags.rates(drawn.x, np.full(drawn.target.shape, np.nan))
    patterns = fw.tasks.PatternCompletion(d=20, patterns=2)
    drawn = patterns(rng, 2)
    with pytest.raises(ValueError, match=r"^answer is NaN"):
        patterns.wrong(drawn.x, np.full(drawn.x.shape, np.nan))


def test_a_figure_leaves_out_what_is_nan():  # F12
    cells = xr.Dataset({"accuracy": ("substrate", [1.0, np.nan])}, coords={"substrate": ["exact", "spiking"]})
    assert plot.recall(cells).collections[0].get_offsets()[:, 1].tolist() == [100.0]


def test_nan_where_nothing_is_scored_is_no_error():  # F12
    one = Batch(np.zeros((1, 2, 1)), np.array([[1, -1]]), np.array([[True, False]]), 0.5)
    assert one.accuracy(np.array([[1.0, np.nan]])) == 1.0
    with pytest.raises(ValueError, match=r"^answer has shape \(2,\); pass \(1, 2\), as the targets"):
        one.accuracy(np.array([1.0, 0.0]))


def test_marks_go_to_a_dataset_to_one_axis_and_back(rng):
    q = rng.uniform(size=(2, 3, 4, 5))
    mask = rng.random((2, 4)) < 0.5
    sent = fw.Instructions(q, q, q).marked(mask)
    again = fw.Instructions.from_dataset(sent.to_dataset().transpose(..., "trial"))
    assert np.array_equal(again.scored, np.broadcast_to(mask[:, None], (2, 3, 4)))
    assert np.array_equal(sent.one_axis().scored, np.repeat(mask, 3, axis=0))
    with pytest.raises(TypeError, match=r"^scored has dtype float64; pass booleans"):
        fw.Instructions(q, q, q, scored=np.ones(4))
    with pytest.raises(ValueError, match=r"^scored has shape \(3,\); it must broadcast to \(2, 3, 4\)"):
        fw.Instructions(q, q, q, scored=np.ones(3, bool))
