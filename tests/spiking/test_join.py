"""F26 and F27: runs that were cut are one again, and the weights of a file are matrices again."""

import itertools
import json

import numpy as np
import pytest
import scipy.sparse
import xarray as xr

import synfwp as fw
from synfwp import plasticity

RECORDS = [
    fw.Record("cells", "v", every=0.3),
    fw.Record("cells", "default", neurons=[1]),
    fw.Record("cells", "v_2", readout=np.ones((1, 3))),
    fw.Record("sparse", "W", every=7.0),
    fw.Record("dense", "W", every=4.0, readout=(np.ones((1, 3)), np.ones((2, 4)))),
    fw.Record("dense", "E", every=5.0, neurons=[0, 3]),
    fw.Record("dense", "y1", every=5.0),
    fw.Record("sparse", "x1"),
]


def circuit(weight: float = 1.0, rate: float = 200.0) -> fw.Circuit:
    """Plastic projections, dense and sparse, and one that stays."""
    receptors = (fw.Receptor("default"), fw.Receptor("v_2"))
    cells = fw.Population(3, fw.LIF(noise=5.0, receptors=receptors), "cells", drive=15.0)
    source = fw.PoissonSource(4, rate, "source")
    rule = plasticity.pair(0.05, -0.04, 20.0, 20.0, w_min=0.0)
    entries = np.array([1.0, 0.5, 1.0, 1.0, 0.0]), (np.array([0, 0, 2, 2, 3]), np.array([0, 2, 1, 2, 2]))
    sparse = scipy.sparse.csr_array(scipy.sparse.coo_array(entries, shape=(4, 3)))  # one synapse stores 0
    return fw.Circuit(
        [
            fw.Projection(source, cells, sparse, "default", plasticity=rule, name="sparse", delay=1.0),
            fw.Projection(
                source, cells, 1.0, "v_2", plasticity=rule, name="dense", eligibility=0.5, latch=[11.0, 40.0]
            ),
            fw.Projection(source, cells, weight, "default", name="fixed"),
        ]
    )


def assert_same(a: xr.Dataset, b: xr.Dataset) -> None:
    """Bit by bit, but for the time of creation."""
    xr.testing.assert_equal(a, b)
    for name, x in b.variables.items():
        assert (a.variables[name].attrs, a.variables[name].dtype) == (x.attrs, x.dtype), name
    assert set(a.coords) == set(b.coords)
    assert {**a.attrs, "created": ""} == {**b.attrs, "created": ""}


@pytest.mark.parametrize("cuts", [(20.0, 30.0), (0.1, 49.9), (40.0, 0.0, 10.0), (7.0, 7.0, 21.0, 15.0), (50.0,)])
def test_joined_runs_are_one_run_bit_for_bit(cuts: tuple[float, ...]) -> None:
    """F26: spikes, records of neurons, synapses and read-outs, weights at both ends, attributes."""
    whole = circuit().run(50.0, seed=4, record=RECORDS)
    simulation = circuit().start(seed=4)
    parts = [simulation.run(length, RECORDS) for length in cuts]
    assert whole.sizes["spike"] > 20
    assert_same(fw.join(*parts), whole)
    if len(cuts) > 2:
        assert_same(fw.join(fw.join(*parts[:2]), *parts[2:]), whole)


def test_joined_files_and_restored_simulations_are_one_run(tmp_path) -> None:
    """F26: what was written on the way, saved and restored in between."""
    simulation = circuit().start(seed=4)
    first = simulation.run(20.0, RECORDS, to=tmp_path / "a.nc")
    again = circuit().restore(simulation.save(tmp_path / "state.npz"))
    again.run(30.0, RECORDS, to=tmp_path / "b.nc").close()
    joined = fw.join(first, fw.load(tmp_path / "b.nc"))
    assert_same(joined, circuit().run(50.0, seed=4, record=RECORDS))
    fw.save(joined, tmp_path / "joined.nc")
    xr.testing.assert_equal(fw.load(tmp_path / "joined.nc"), joined)
    first.close()


def test_a_variable_that_only_some_runs_record_keeps_its_samples() -> None:
    """F26."""
    simulation = circuit().start(seed=4)
    a, b = simulation.run(20.0), simulation.run(30.0, RECORDS[:1])
    joined = fw.join(a, b)
    assert joined.time_v_cells.equals(b.time_v_cells)
    assert joined.sizes["spike"] == a.sizes["spike"] + b.sizes["spike"]


def test_weights_are_not_broadcast() -> None:
    """F26, the case: two runs stay as small as they are."""
    simulation = circuit().start(seed=4)
    a, b = simulation.run(20.0), simulation.run(30.0)
    joined = fw.join(a, b)
    assert joined.W_dense_end.dims == ("pre_dense", "post_dense")
    assert joined.W_dense_end.shape == joined.W_dense_start.shape == (4, 3)


def test_runs_that_do_not_follow_on_each_other_are_refused() -> None:
    """F26: order, gaps, twice, seeds, circuits, weights set in between, other records, what is no run."""
    simulation = circuit().start(seed=4)
    a, b, c = (simulation.run(10.0, RECORDS[:1]) for _ in range(3))
    for wrong in list(itertools.permutations((a, b, c)))[1:]:
        with pytest.raises(ValueError, match="join them in order"):
            fw.join(*wrong)
    with pytest.raises(ValueError, match="there is a gap"):
        fw.join(a, c)
    with pytest.raises(ValueError, match="overlap"):
        fw.join(a, a)
    for other, why in (
        (circuit().start(seed=5), "differ in their seed"),
        (circuit(rate=201.0).start(seed=4), "differ in their circuit"),
    ):
        other.run(10.0)
        with pytest.raises(ValueError, match=why):
            fw.join(a, other.run(10.0, RECORDS[:1]))
    heavier = circuit(weight=2.0).start(seed=4)
    heavier.run(10.0)
    with pytest.raises(ValueError, match="other weights"):
        fw.join(a, heavier.run(10.0))
    simulation.set_weights("fixed", 3.0)
    with pytest.raises(ValueError, match="weights were set in between"):
        fw.join(a, b, c, simulation.run(10.0))
    one = circuit().start(seed=4)
    with pytest.raises(ValueError, match="record the same"):
        fw.join(
            one.run(10.0, fw.Record("cells", "v", neurons=[0])), one.run(10.0, fw.Record("cells", "v", neurons=[1]))
        )
    with pytest.raises(ValueError, match="got nothing"):
        fw.join()
    with pytest.raises(TypeError, match="one by one"):
        fw.join([a, b])
    with pytest.raises(ValueError, match=r"pass what Simulation\.run"):
        fw.join(xr.Dataset())


@pytest.mark.parametrize("name", ["sparse", "dense"])
def test_the_weights_of_a_run_are_matrices_again_from_the_file_alone(name: str, tmp_path) -> None:
    """F27: before and after, of dense and sparse projections, with synapses that store 0."""
    simulation = circuit().start(seed=4)
    before = simulation.weights(name)
    fw.save(simulation.run(50.0), tmp_path / "a.nc")
    ds = fw.load(tmp_path / "a.nc")
    simulation.run(5.0, to=tmp_path / "b.nc").close()
    after = fw.weights(ds, name)
    for found, expected in (
        (fw.weights(ds, name, "start"), before),
        (fw.weights(fw.load(tmp_path / "b.nc"), name, "start"), after),
    ):
        assert type(found) is type(expected)
        assert found.shape == (4, 3)
        full, right = (x.toarray() if scipy.sparse.issparse(x) else x for x in (found, expected))
        np.testing.assert_array_equal(full, right)
    if name == "sparse":
        assert after.nnz == 5
        assert ds.pre_sparse.values.tolist() == [0, 0, 2, 2, 3]
        np.testing.assert_array_equal(after.indices, ds.post_sparse)
    assert "W_fixed_end" not in ds
    assert (fw.weights(ds, name) != before).sum() > 0


def test_recorded_weights_name_the_neurons_of_each_synapse() -> None:
    """F27."""
    ds = circuit().run(10.0, record=[fw.Record("sparse", "W", neurons=[1, 4]), fw.Record("dense", "W", every=1.0)])
    assert ds.pre_W_sparse.values.tolist() == [0, 3]
    assert ds.post_W_sparse.values.tolist() == [2, 2]
    assert ds.pre_W_dense.values.tolist() == np.repeat(range(4), 3).tolist()


def test_weights_that_a_run_does_not_have_are_refused() -> None:
    """F27."""
    ds = circuit().run(1.0)
    with pytest.raises(ValueError, match=r"only those of plastic projections.*choose one of 'sparse', 'dense'"):
        fw.weights(ds, "fixed")
    with pytest.raises(ValueError, match="did you mean 'dense'"):
        fw.weights(ds, "dence")
    with pytest.raises(ValueError, match="unknown when"):
        fw.weights(ds, "dense", "middle")


def test_a_joined_run_keeps_what_was_set_between_its_parts() -> None:
    """F26: gates that were set and rewards that were given, of all parts."""
    simulation = circuit().start()
    first = simulation.run(5.0)
    simulation.set_gate("dense", 0.0)
    second = simulation.run(5.0)
    simulation.set_gate("dense", 0.5)
    third = simulation.run(5.0)
    assert "changes" not in first.attrs
    expected = [[5.0, "gate", "dense", 0.0], [10.0, "gate", "dense", 0.5]]
    assert json.loads(fw.join(first, second, third).attrs["changes"]) == expected
