"""F11: every sample has a name of its own, or the run is refused before it starts."""

import numpy as np
import pytest
import scipy.sparse
import xarray as xr

import synfwp as fw
from synfwp import plasticity
from synfwp.programmer.trained import pack, unpack

RULE = plasticity.pair(0.1, -0.1, 20.0, 20.0)
ODD = [
    "a b", " a ", "\u00a0", "a\u2003b", "1st", "a.b", ".", "..", "-", "é", "e\u0301", "神経細胞", "😀", "n" * 3000,
    "spike", "time", "population",
    "trial", "spike_time", "v", "W", "population_size", "end", "W_start", "nan", "a'b\"c", "%s", "{x}", "a\\b",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_names_keep_every_sample_also_in_a_file(name: str, tmp_path) -> None:
    """F11: names of populations, projections and receptors."""
    neuron = fw.LIF(receptors=(fw.Receptor("r" + name),))
    cells, source = fw.Population(2, neuron, name), fw.SpikeSource(2, [1.0, 2.0], [0, 1], "source")
    sparse = scipy.sparse.csr_array(np.eye(2))
    both = [
        fw.Projection(source, cells, sparse, plasticity=RULE, name=name + "_p"),
        fw.Projection(source, cells, 1.0, plasticity=RULE, name=name + "_q"),
    ]
    records = [fw.Record(name, "v", every=1.0), fw.Record(name, "r" + name, every=2.0)]
    records += [fw.Record(p.name, "W", every=1.0) for p in both]
    circuit = fw.Circuit(both)
    ds = circuit.run(5.0, record=records)
    circuit.run(5.0, record=records, to=tmp_path / "run.nc").close()
    fw.save(ds, tmp_path / "saved.nc")
    for found in (ds, fw.load(tmp_path / "run.nc"), fw.load(tmp_path / "saved.nc")):
        assert [found[one.name].shape for one in records] == [(5, 2), (3, 2), (5, 2), (5, 4)]
        assert fw.spikes(found, "source")[0].tolist() == [0.001, 0.002]
        assert name in found.population.values
        assert fw.weights(found, name + "_p").nnz == 2
        assert fw.weights(found, name + "_q", "start").shape == (2, 2)


@pytest.mark.parametrize("name", ["", "a/b", "/", "a\0", "\n", "a\tb", "\ud800", "\x7f", 3, None, b"a", ("a",)])
def test_names_that_no_file_can_hold_are_refused_where_they_are_given(name) -> None:
    """F11."""
    for make in (
        lambda: fw.Population(1, fw.LIF(), name),
        lambda: fw.PoissonSource(1, 1.0, name),
        lambda: fw.SpikeSource(1, [1.0], [0], name),
        lambda: fw.LIF(receptors=(fw.Receptor(name),)),
    ):
        with pytest.raises((ValueError, TypeError), match=r"pass a text|another text"):
            make()
    if name not in ("", None):  # None and "" stand for the default name
        with pytest.raises((ValueError, TypeError), match="pass a text"):
            fw.Projection(fw.PoissonSource(1, 1.0), fw.Population(1, fw.LIF()), 1.0, name=name)


def collisions() -> dict[str, tuple[list[fw.Projection], list[fw.Record]]]:
    """Circuits in which two things would have one name in the Dataset."""

    def cells(name: str, *receptors: str) -> fw.Population:
        return fw.Population(2, fw.LIF(receptors=tuple(map(fw.Receptor, receptors or ("default",)))), name)

    def projection(name: str, post: fw.Population, plastic: bool = True, receptor: str | None = None) -> fw.Projection:
        return fw.Projection(source, post, 1.0, receptor, plasticity=RULE if plastic else None, name=name)

    source = fw.PoissonSource(3, 100.0, "source")
    a, b = cells("a_b", "x", "default"), cells("b", "x_a", "default")
    timed, of_size = cells("cells", "time_v"), cells("size", "population")
    ended = cells("p_end", "W")
    return {
        "final weights": ([projection("p", cells("a")), projection("p_end", cells("b"), False)],
                          [fw.Record("p_end", "W")]),
        "initial weights": ([projection("p", cells("a")), projection("p_start", cells("b"))],
                            [fw.Record("p_start", "W")]),
        "receptors": ([projection("p", a, receptor="x"), projection("q", b, receptor="x_a")],
                      [fw.Record("a_b", "x"), fw.Record("b", "x_a")]),
        "times": ([projection("p", timed)], [fw.Record("cells", "v"), fw.Record("cells", "time_v")]),
        "spikes": ([projection("p", cells("time", "spike"))], [fw.Record("time", "spike")]),
        "sizes": ([projection("p", of_size)], [fw.Record("size", "population")]),
        "a receptor named W": ([projection("p", ended)], [fw.Record("p_end", "W")]),
        "dims": ([projection("p", cells("a")), projection("W_p", cells("b"))], [fw.Record("p", "W")]),
    }  # fmt: skip


@pytest.mark.parametrize("case", collisions())
def test_two_things_of_one_name_are_refused_before_the_run(case: str, tmp_path) -> None:
    """F11, whose case is "final weights": the simulation has not moved and no file was begun."""
    projections, records = collisions()[case]
    simulation = fw.Circuit(projections).start()
    with pytest.raises(ValueError, match=r"would both be '.*' in the Dataset; rename the"):
        simulation.run(5.0, records, to=tmp_path / "run.nc")
    assert simulation.time == 0
    assert not (tmp_path / "run.nc").exists()
    simulation.run(5.0)  # without the record nothing collides


def test_parameters_of_a_training_keep_their_names_in_files(tmp_path) -> None:
    """F11: names that continue each other, dims that look like names, and a clear refusal of others."""
    names = ["W", "W_0", "W_0_0", "0", "a b", "param_W", "loss", "step", "é", "a.b"]
    params = {name: np.arange(2.0 + place) for place, name in enumerate(names)} | {"M": np.ones((2, 3))}
    ds = pack(xr.Dataset({"loss": ("step", [1.0])}), "param", params)
    fw.save(ds, tmp_path / "a.nc")
    rest, found = unpack(fw.load(tmp_path / "a.nc"), "param")
    assert found.keys() == params.keys()
    assert list(rest.data_vars) == ["loss"]
    for name, value in params.items():
        np.testing.assert_array_equal(found[name], value)
    for wrong in ("a/b", "", "\0"):
        with pytest.raises(ValueError, match="name of a parameter is"):
            pack(xr.Dataset(), "param", {wrong: np.ones(1)})


def test_a_training_refuses_names_of_parameters_before_its_first_step() -> None:
    """F11."""

    class Odd:
        name = "odd"

        def init(self, seed=0):
            return {"a/b": np.zeros(1)}

        def scores(self, params, x):
            raise AssertionError("too late")

    with pytest.raises(ValueError, match="name of a parameter is 'a/b'"):
        fw.train(Odd(), fw.tasks.Recall(keys=2, values=2, writes=3), steps=1)


def test_labels_of_substrates_are_texts() -> None:
    """F11."""
    task = fw.tasks.Recall(keys=2, values=2, writes=3)
    net = fw.train(fw.Programmer(d_in=5, d_key=4, d_value=4, d_out=2, write_channel=-1), task, steps=1, batch=2)
    with pytest.raises(ValueError, match="a name in on is"):
        fw.compare_substrates(net, task(np.random.default_rng(0), 2), {1: fw.RateNetwork()})
