"""Delays for each synapse, axonal and dendritic; and which sparse arrays are synapses."""

import dataclasses

import numpy as np
import pytest
import scipy.sparse
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st

import synfwp as fw
from synfwp import plasticity, reference

DT = 0.5
PAIR = plasticity.pair(0.1, 0.1)
RULES = {
    "pair": PAIR,
    "nearest": dataclasses.replace(PAIR, interaction="nearest"),
    "triplet": fw.TripletSTDP("visual_cortex").row(scale=5.0, w_max=5.0),
    "soft, leak": dataclasses.replace(PAIR, soft=0.6, tau_w=80.0, w_max=4.0),
    "constant": plasticity.inhibitory(0.05, 20.0, w_max=5.0),
}


def source(n, spikes, name):
    """A source of (step, unit) pairs."""
    ordered = sorted(set(spikes))
    return fw.SpikeSource(n, [DT * t for t, _ in ordered], np.array([i for _, i in ordered], int), name=name)


def between(pre, post, weight=1.0, **more):
    """Synapses between two prescribed trains."""
    return fw.Circuit([fw.Projection(pre, post, weight, name="p", plasticity=PAIR, **more)], dt=DT)


# --- a pair that is stored twice (F3) --------------------------------------------------------------------------------

TWICE = ([0.5, 0.25, 0.5, 0.25, 0.25], ([1, 0, 1, 0, 0], [2, 1, 2, 1, 1]))


@pytest.mark.parametrize("kind", ["array", "matrix"])
@pytest.mark.parametrize("form", ["coo", "csr", "csc"])
def test_a_pair_of_neurons_that_is_stored_twice_is_refused_with_the_cure(form, kind):  # F3
    make = getattr(scipy.sparse, f"{form}_{kind}")
    data, (rows, columns) = np.array(TWICE[0]), np.array(TWICE[1])
    if form == "coo":
        weight = make((data, (rows, columns)), shape=(2, 3))
    else:
        major, minor, n = (rows, columns, 2) if form == "csr" else (columns, rows, 3)
        order = np.argsort(major, kind="stable")
        ends = np.concatenate([[0], np.cumsum(np.bincount(major, minlength=n))])
        weight = make((data[order], minor[order], ends), shape=(2, 3))
    message = r"'p' stores 3 entries .* first for \(0, 1\); add them up with weight.sum_duplicates\(\), or .* two proj"
    with pytest.raises(ValueError, match=message):
        between(source(2, [], "a"), source(3, [], "b"), weight)
    simulation = between(source(2, [], "a"), source(3, [], "b")).start()
    with pytest.raises(ValueError, match="stores 3 entries"):
        simulation.set_weights("p", weight)
    weight.sum_duplicates()
    assert between(source(2, [], "a"), source(3, [], "b"), weight).projections[0].weight.toarray()[0, 1] == 0.75


def test_two_projections_are_two_synapses_between_one_pair():  # F3
    pre, post = source(1, [(20, 0)], "a"), source(1, [(30, 0)], "b")
    ways = [fw.Projection(pre, post, 0.5, name=name, plasticity=plasticity.pair(0.1, 0.1)) for name in "pq"]
    simulation = fw.Circuit(ways, dt=DT).start()
    simulation.run(30.0)
    total = sum(simulation.weights(name).sum() for name in "pq")
    assert total == pytest.approx(2 * (0.5 + 0.1 * np.exp(-0.25)), rel=1e-14)  # by hand: 1.15576


@pytest.mark.parametrize("form", ["coo", "csr", "csc", "dok", "lil", "bsr", "dia"])
def test_every_format_of_a_sparse_weight_gives_the_same_synapses(form):  # F3
    full = np.array([[1.0, 2.0], [3.0, 4.0]])
    for kind in (scipy.sparse.coo_array, scipy.sparse.coo_matrix):
        p = between(source(2, [], "a"), source(2, [], "b"), kind(full).asformat(form)).projections[0]
        assert p.n_synapses == 4
        assert np.array_equal(p.weight.toarray(), full)


def test_unsorted_rows_are_sorted_and_stored_zeros_are_synapses():  # F3
    weight = scipy.sparse.csr_array(([3.0, 0.0, 1.0], [2, 0, 1], [0, 2, 3]), shape=(2, 3))
    p = between(source(2, [], "a"), source(3, [], "b"), weight).projections[0]
    assert (p.rows.tolist(), p.columns.tolist(), p.weight.data.tolist()) == ([0, 0, 1], [0, 2, 1], [0.0, 3.0, 1.0])
    assert weight.indices.tolist() == [2, 0, 1]  # that of the caller is as it was


@pytest.mark.parametrize("form", ["bsr", "dia"])
def test_zeros_that_may_be_padding_are_refused(form):  # F3
    full = np.array([[1.0, 0.0, 2.0, 0.0], [0.0, 3.0, 0.0, 4.0], [5.0, 0.0, 6.0, 0.0], [0.0, 7.0, 0.0, 8.0]])
    weight = scipy.sparse.bsr_array(full, blocksize=(2, 2)) if form == "bsr" else scipy.sparse.dia_array(full)
    if form == "dia":
        weight.data[0, 0] = 0.0
    with pytest.raises(ValueError, match=rf"format '{form}' and stores zeros, .* pass weight.tocsr\(\), and call"):
        between(source(4, [], "a"), source(4, [], "b"), weight)


def test_what_a_sparse_weight_stores_beside_real_numbers_is_refused():  # F3, F4
    masked = scipy.sparse.coo_array(np.eye(2))
    masked.data = np.ma.array([1.0, 2.0], mask=[False, True])
    with pytest.raises(TypeError, match=r"weight of projection 'p' is a MaskedArray, which carries a mask"):
        between(source(2, [], "a"), source(2, [], "b"), masked)
    with pytest.raises(TypeError, match=r"weight of projection 'p' is an array of shape \(2,\); pass numbers"):
        between(source(2, [], "a"), source(2, [], "b"), scipy.sparse.coo_array(np.eye(2) * 1j))


def test_labelled_weights_and_delays_are_taken_by_their_dims():  # F5
    pre, post, full = source(2, [], "a"), source(3, [], "b"), np.arange(6.0).reshape(2, 3)
    for dims in (("pre", "post"), ("post", "pre"), ("pre_p", "post_p"), ("post_p", "pre_p")):
        values = full if dims[0].startswith("pre") else full.T
        weight = xr.DataArray(values, dims=dims)
        delay = xr.DataArray(values / 1000, dims=dims, attrs={"units": "s"})
        p = between(pre, post, weight, delay=delay).projections[0]
        np.testing.assert_array_equal(p.weight, full)
        np.testing.assert_array_equal(p.delay, full)
        simulation = between(pre, post).start()
        simulation.set_weights("p", weight)
        np.testing.assert_array_equal(simulation.weights("p"), full)
    for dims in (("a", "b"), ("pre", "b")):
        with pytest.raises(ValueError, match=r"weight of projection 'p' has dims .*; pass dims \('pre', 'post'\)"):
            between(pre, post, xr.DataArray(full, dims=dims))


def test_a_neuron_that_is_recorded_twice_and_times_that_stand_twice_are_refused():  # F3
    cells = fw.Population(3, fw.LIF(), name="cells")
    with pytest.raises(ValueError, match="neurons of the record of 'cells' names 1 twice, the first 2; name each once"):
        fw.Circuit([], [cells]).run(1.0, record=fw.Record("cells", "v", neurons=[2, 0, 2]))
    with pytest.raises(ValueError, match="times of Steps start with"):
        fw.Steps([0.0, 5.0, 5.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="latch of projection 'p' has times that do not increase"):
        between(source(1, [], "a"), source(1, [], "b"), latch=[5.0, 5.0], eligibility=1.0)
    p = fw.Projection(source(1, [], "a"), cells, 1.0)
    with pytest.raises(ValueError, match="two projections are named"):
        fw.Circuit([p, p])


# --- what delays are -------------------------------------------------------------------------------------------------


def test_plasticity_sees_spikes_when_they_reach_the_synapse():
    pre, post = source(2, [(20, 0), (24, 1)], "a"), source(2, [(30, 0), (24, 1)], "b")
    axonal, dendritic = np.array([[1.0, 3.0], [2.5, 4.0]]), np.array([[0.5, 2.0], [1.0, 4.0]])
    simulation = between(pre, post, delay=axonal, dendritic_delay=dendritic).start()
    simulation.run(100.0)
    gap = (np.array([15.0, 12.0]) + dendritic) - (np.array([[10.0], [12.0]]) + axonal)  # post at the synapse - pre
    expected = 1 + np.where(gap >= 0, 0.1, -0.1) * np.exp(-np.abs(gap) / 20.0)  # at equal times the arrival is first
    np.testing.assert_allclose(simulation.weights("p"), expected, rtol=1e-14)
    assert (gap == 0).sum() == 1


def test_a_current_reaches_the_soma_after_both_delays_with_the_weight_of_its_arrival():
    pre = source(1, [(10, 0)], "a")
    rule = dataclasses.replace(PAIR, pre_0=100.0, pre_y=0.0, w_max=1e6)  # the arrival itself changes the weight
    cells = fw.Population(3, fw.LIF(v_threshold=1e9))
    p = fw.Projection(pre, cells, 1.0, delay=[[1.0, 2.0, 0.0]], dendritic_delay=[[0.0, 1.5, 4.0]], plasticity=rule)
    record = fw.Record("cells", "current")
    g = fw.Circuit([p], dt=DT).run(20.0, record=record).current_cells.values
    assert [int(np.flatnonzero(column)[0]) - 1 for column in g.T] == [12, 17, 18]  # a sample is taken before its step
    assert g[[13, 18, 19], [0, 1, 2]].tolist() == [1.0, 1.0, 1.0]  # the change comes after the transmission


def test_equal_delays_in_an_array_are_one_delay_bit_by_bit():
    rng = np.random.default_rng(0)
    pre, post = (source(4, zip(*np.nonzero(rng.random((300, 4)) < 0.1), strict=True), name) for name in "ab")
    one, many = between(pre, post, delay=1.5).start(), between(pre, post, delay=np.full((4, 4), 1.5)).start()
    one.run(150.0)
    many.run(150.0)
    assert np.array_equal(one.weights("p"), many.weights("p"))
    assert one.variable("p", "x1").shape == (4,)
    assert np.array_equal(many.variable("p", "x1"), np.repeat(one.variable("p", "x1"), 4))


def test_delays_of_a_sparse_weight_are_those_of_the_full_array():
    rng = np.random.default_rng(1)
    pre, post = (source(5, zip(*np.nonzero(rng.random((300, 5)) < 0.1), strict=True), name) for name in "ab")
    stored = rng.random((5, 5)) < 0.6
    weight, full = scipy.sparse.csr_array(stored.astype(float)), rng.integers(0, 9, (5, 5)) * DT
    sparse = weight.copy()
    sparse.data = full[stored]
    runs = [between(pre, post, weight, delay=d, dendritic_delay=d).start() for d in (full, sparse, sparse.tocoo())]
    whole = between(pre, post, delay=full, dendritic_delay=full).start()
    for run in (*runs, whole):
        run.run(150.0)
    for run in runs:
        np.testing.assert_allclose(run.weights("p").toarray()[stored], whole.weights("p")[stored], rtol=1e-14)
        assert run.variable("p", "y1").shape == (stored.sum(),)


def test_delays_are_refused_with_what_is_wrong():
    pre, post = source(2, [], "a"), source(2, [], "b")
    weight = scipy.sparse.csr_array(np.array([[1.0, 2.0], [3.0, 0.0]]))
    for name in ("delay", "dendritic_delay"):
        for value, message in {
            "shape": (np.ones(2), r"has shape \(2,\); pass a number, \(n_pre, n_post\) = \(2, 2\), or a sparse"),
            "negative": (np.array([[1.0, -1.0], [0.0, 0.0]]), r"\(ms\) holds -1; pass finite numbers of at least 0"),
            "not a number": (np.array([[1.0, np.nan], [0.0, 0.0]]), r"\(ms\) holds nan; pass finite"),
            "sparse": (weight, "is sparse but the weight is full"),
        }.values():
            with pytest.raises(ValueError, match=f"^{name} of projection 'p' {message}"):
                between(pre, post, **{name: value})
        with pytest.raises(ValueError, match=rf"^{name} \(ms\) of projection 'p' is -1.0"):
            between(pre, post, **{name: -1.0})
        with pytest.raises(ValueError, match=f"^{name} of projection 'p' is 0.75 ms, which is not a multiple of dt"):
            between(pre, post, **{name: np.array([[0.5, 0.75], [0.0, 0.0]])})
        other = scipy.sparse.csr_array(np.array([[1.0, 2.0], [0.0, 3.0]]))
        with pytest.raises(ValueError, match=r"has 3 entries, the weight has 3; they first differ .* = \(1, 0\)"):
            between(pre, post, weight, **{name: other})
        twice = scipy.sparse.coo_array(([1.0, 2.0, 3.0, 1.0], ([0, 0, 1, 0], [0, 1, 0, 0])), shape=(2, 2))
        with pytest.raises(ValueError, match=f"{name} of projection 'p' stores 1 entries for pairs"):
            between(pre, post, weight, **{name: twice})
    cells = fw.Population(2, fw.LIF(receptors=(fw.Receptor("e", 5.0), fw.Receptor("error", 5.0, drives=False))))
    with pytest.raises(ValueError, match="reads 'error' of the postsynaptic neuron as it is now; pass dendritic_delay"):
        fw.Projection(pre, cells, 1.0, receptor="e", plasticity=plasticity.pes(0.1), dendritic_delay=1.0)


def test_spikes_on_their_way_are_saved_and_runs_do_not_depend_on_cuts(tmp_path):
    rng = np.random.default_rng(2)
    cells = fw.Population(4, fw.LIF(v_threshold=-60.0, v_reset=-70.0), drive=9.0)
    short = fw.ShortTerm(U=0.4, tau_rec=50.0, tau_facil=20.0)
    far = rng.integers(0, 60, (2, 8, 4)) * DT
    p = fw.Projection(
        fw.PoissonSource(8, 60.0), cells, rng.uniform(1, 5, (8, 4)), delay=far[0], dendritic_delay=far[1],
        plasticity=dataclasses.replace(PAIR, w_max=8.0), short_term=short, name="p",
    )  # fmt: skip
    circuit = fw.Circuit([p], dt=DT)
    whole, cut = circuit.start(3), circuit.start(3)
    whole.run(200.0)
    for part in (0.5, 40.0, 59.5):
        cut.run(part)
    cut = circuit.restore(cut.save(tmp_path / "state.npz"))
    ds = cut.run(100.0, fw.Record("p", "x1", every=50.0), to=tmp_path / "run.nc")
    for a, b in zip(whole.variables, cut.variables, strict=True):
        assert np.array_equal(a, b)
    assert np.abs(whole.variables.soma).max() > 0  # something was on its way to a soma
    assert np.array_equal(ds.W_p_end.values, whole.weights("p"))
    assert ds.x1_p.shape == (2, 32)
    told = str(ds.attrs)
    assert "dendritic_delay" in told
    assert "sha256" in told
    ds.close()
    swapped = fw.Circuit([dataclasses.replace(p, delay=far[0][::-1])], dt=DT)
    with pytest.raises(ValueError, match="state of another circuit"):
        swapped.restore(tmp_path / "state.npz")
    runs = [fw.replicates(circuit, 50.0, range(3), lambda s, _: s.weights("p"), workers=n) for n in (1, 3)]
    assert np.array_equal(*runs)


def test_setting_weights_and_a_projection_without_synapses_keep_the_order_of_rows():
    pre, post = source(3, [], "a"), source(4, [], "b")
    d = np.arange(12).reshape(3, 4)[:, ::-1] * DT
    simulation = between(pre, post, delay=d).start()
    new = np.random.default_rng(0).random((3, 4))
    simulation.set_weights("p", new)
    assert np.array_equal(simulation.weights("p"), new)
    none = between(pre, post, scipy.sparse.csr_array((3, 4)), delay=d, dendritic_delay=d).start()
    none.run(10.0)
    assert none.weights("p").nnz == 0


# --- against the twin ------------------------------------------------------------------------------------------------

TRAIN = st.lists(st.tuples(st.integers(0, 39), st.integers(0, 2)), max_size=25)
STEPS = st.one_of(st.integers(0, 3), st.lists(st.sampled_from([0, 0, 1, 2, 7, 45]), min_size=9, max_size=9))
EMPTY = [False] * 9


@pytest.mark.kernels
@settings(max_examples=60, deadline=None)
@given(
    pre=TRAIN, post=TRAIN, axonal=STEPS, dendritic=STEPS, rule=st.sampled_from(list(RULES)),
    stored=st.lists(st.booleans(), min_size=9, max_size=9), cut=st.integers(0, 40), coupled=st.booleans(),
)  # fmt: skip
@example([(1, 0), (2, 0)], [(3, 0)], [0] * 9, [45] * 9, "pair", EMPTY, 3, True)
@example([(1, 0), (2, 0)], [(3, 0)], 1, [0, 1, 2] * 3, "triplet", [True] + 8 * [False], 3, True)
def test_any_delays_give_what_the_twin_gives(pre, post, axonal, dendritic, rule, stored, cut, coupled):
    """Delays of 0 and past the end, no synapse and one, cut anywhere; with neurons, what reaches them too."""
    mask = np.array(stored).reshape(3, 3)
    steps = [np.reshape(one, (3, 3)) if isinstance(one, list) else one for one in (axonal, dendritic)]
    lif = fw.LIF(v_threshold=-62.0, v_reset=-70.0)
    cells = fw.Population(3, lif, name="b", drive=6.0) if coupled else source(3, post, "b")
    p = fw.Projection(
        source(3, pre, "a"), cells, scipy.sparse.csr_array(2.0 * mask), delay=np.multiply(steps[0], DT),
        dendritic_delay=np.multiply(steps[1], DT), plasticity=RULES[rule], name="p",
    )  # fmt: skip
    simulation = fw.Circuit([p], dt=DT).start()
    simulation.run(cut * DT)
    simulation.run((40 - cut) * DT)
    raster = np.zeros((2, 40, 3), bool)
    for side, train in zip(raster, (pre, post), strict=True):
        for t, i in train:
            side[t, i] = True
    neuron = {f.name: getattr(lif, f.name) for f in dataclasses.fields(fw.LIF)}
    listed = [("current", neuron["tau_syn"], None, True)]
    there = neuron | {"receptors": listed, "v": np.full(3, neuron["v_rest"]), "drive": np.full((40, 3), 6.0)}
    ones = np.ones(40)
    twin = {
        "pre": 0, "post": 1, "receptor": "current" if coupled else None, "W": 2.0 * mask, "mask": mask * 1.0,
        "delay": steps[0], "dendritic": steps[1], "transmit": ones, "gate": ones, "eligible": 0 * ones, "latch": [],
        "rule": dataclasses.asdict(RULES[rule]), "short_term": None, "modulator": None,
    }  # fmt: skip
    groups = [{"raster": raster[0]}, there if coupled else {"raster": raster[1]}]
    reference.circuit(np.random.default_rng(0), groups, [twin], 40, DT)
    expected = twin["W"] * np.exp(-DT / RULES[rule].tau_w)
    np.testing.assert_allclose(simulation.weights("p").toarray(), expected, rtol=0, atol=1e-12)  # of order 1
    if coupled:
        np.testing.assert_allclose(simulation.variable("b", "current"), groups[1]["g"]["current"], rtol=0, atol=1e-12)
