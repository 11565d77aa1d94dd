"""F28: what a user prints is one line, and a circuit is a table."""

import numpy as np
import pytest
import scipy.sparse
import xarray as xr

import synfwp as fw
from synfwp import plasticity, tasks


def circuit(name: str = "cells") -> fw.Circuit:
    """Populations, a source, dense and sparse projections with plasticity."""
    receptors = (fw.Receptor("ampa", reversal=0.0), fw.Receptor("gaba", tau=10.0, reversal=-80.0))
    cells = fw.Population(300, fw.LIF(receptors=receptors, g_leak=10.0), name, drive=np.arange(300.0))
    source = fw.PoissonSource(40, 5.0, "input")
    rule = plasticity.inhibitory(0.01, 5.0)
    sparse = scipy.sparse.csr_array(np.eye(300))
    return fw.Circuit(
        [
            fw.Projection(source, cells, 0.5, "ampa", short_term=fw.ShortTerm(U=0.5, tau_rec=100.0, tau_facil=10.0)),
            fw.Projection(cells, cells, sparse, "gaba", plasticity=rule, delay=1.5),
        ]
    )


task = tasks.Recall(keys=2, values=2, writes=3)
trained = fw.train(fw.Programmer(d_in=5, d_key=4, d_value=4, d_out=2), task, steps=1, batch=2)
many = np.ones((2, 500, 40))
out, back = fw.vjp("hebb", many, many, many)
made = circuit()
OBJECTS = {
    "Circuit": (made, "1 population of 300 neurons, 1 source of 40 units, 2 projections of 12,300 synapses, dt=0.1"),
    "Simulation": (made.start(3), "Simulation(0 ms, seed=3, Circuit(1 population"),
    "Population": (made.group("cells"), "Population(n=300, neuron=LIF("),
    "Projection": (made.projections[1], "weight=sparse(300, 300) of 300 entries, receptor='gaba', delay=1.5"),
    "PoissonSource": (made.group("input"), "PoissonSource(n=40, rate=5.0)"),
    "SpikeSource": (fw.SpikeSource(1, np.arange(9.0), np.zeros(9, int)), "times=array(9), units=array(9)"),
    "Steps": (fw.Steps([0.0, 1.0], [1.0, 2.0]), "Steps(times=array(2), values=array(2))"),
    "Record": (fw.Record("cells", "v", neurons=range(50)), "Record(what='cells', variable='v', neurons=array(50))"),
    "Instructions": (fw.Instructions(many, many, many), "Instructions(q=array(2, 500, 40), k="),
    "Batch": (
        task(np.random.default_rng(0), 2),
        "Batch(x=array(2, 5, 5), target=array(2, 5), mask=array(2, 5), chance=0.5)",
    ),
    "Trained": (trained, "Trained(programmer=Programmer(d_in=5"),
    "Programmer": (trained.programmer, "Programmer(d_in=5, d_key=4, d_value=4, d_out=2)"),
    "PlasticNetwork": (fw.PlasticNetwork.hebbff(3, 4, 2), "PlasticNetwork("),
    "Scan": (out, "Scan(y=array(2, 500, 40), W=array(2, 40, 40))"),
    "Gradients": (back(out.y), "Gradients(q=array(2, 500, 40), k=array(2, 500, 40), v=array(2, 500, 40))"),
    "SpikingNetwork": (fw.SpikingNetwork(engine="lif"), "SpikingNetwork(engine='lif')"),
    "RateNetwork": (fw.RateNetwork(), "RateNetwork()"),
    "LIF": (fw.LIF(tau_m=np.linspace(1.0, 50.0, 1000)), "LIF(tau_m=array(1000))"),
    "AdEx": (fw.AdEx(a=np.ones(1000), noise=1.0), "AdEx(a=array(1000), noise=1.0)"),
    "TwoCompartment": (fw.TwoCompartment(k=np.ones(1000)), "TwoCompartment(k=array(1000))"),
    "Receptor": (fw.Receptor("ampa", tau=np.ones(1000)), "Receptor(name='ampa', tau=array(1000))"),
    "SynapticRule": (plasticity.pair(0.1, 0.2), "SynapticRule(name='pair_stdp', pre_y=-0.2, post_x=0.1"),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_is_shown_in_one_line_by_what_is_not_usual(name: str) -> None:
    """F28."""
    thing, part = OBJECTS[name]
    assert type(thing).__name__ == name
    assert part in repr(thing)
    assert "\n" not in repr(thing)
    assert len(repr(thing)) <= 200


def test_a_subclass_of_a_network_is_shown_in_one_line_too() -> None:
    """F28."""
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Mine(fw.Programmer):
        extra: int = 1

    assert repr(Mine(extra=2)) == "Mine(extra=2)"


def test_a_circuit_is_described_by_the_tables_of_papers() -> None:
    """F28: populations, connectivity, models, plasticity, input, measurements."""
    found = made.describe(fw.Record("cells", "v", every=1.0))
    titles = [one.title for one in found.tables]
    assert titles == [
        "Populations", "Connectivity", "Neuron models", "Synapse models", "Plasticity", "Input", "Measurements",
    ]  # fmt: skip
    assert found.section("Populations").rows == (("input", "PoissonSource", "40"), ("cells", "LIF", "300"))
    assert found.section("Connectivity").rows[1][1:] == ("cells", "cells", "300 synapses, 0.00333 of all pairs", "1.5")
    assert found.section("Synapse models").rows[0][1:] == ("ampa: conductance, reversal 0 mV, tau 5 ms", "0.5 nS")
    assert "tau_m 20" in found.section("Neuron models").rows[0][1]
    assert "short-term" in found.section("Plasticity").rows[0][1]
    assert "tau_rec 100" in found.section("Plasticity").rows[0][2]
    assert found.section("Input").rows[1] == ("cells", "current (pA)", "149.5 (0 to 299)")
    assert found.section("Measurements").rows[1] == ("cells", "v", "1")
    assert all(title in str(found) for title in titles)
    assert "\n" not in repr(found)
    empty = fw.Circuit([], [fw.SpikeSource(1, [], [], "a")])
    assert [one.title for one in empty.describe().tables] == ["Populations", "Input", "Measurements"]


def test_names_are_escaped_in_html() -> None:
    """F28."""
    html = circuit("<script>alert('a')&")._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "&amp;" in html
    assert html.count("<table>") == html.count("</table>") == 7
    assert made.describe()._repr_html_() == made._repr_html_()


def test_what_is_looked_up_is_not_printed_whole() -> None:
    """F24: the type and the size of what came, for names, numbers and units."""
    wide = xr.Dataset({f"v{i}": ("x", np.ones(1000)) for i in range(200)})
    frame = wide.to_dataframe()
    for value in (frame, wide, np.ones((500, 500)), list(range(10_000)), {i: i for i in range(9999)}, "x" * 9999, made):
        for call in (
            lambda value=value: fw.get_rule(value),
            lambda value=value: fw.features.get_feature(value),
            lambda value=value: made.group(value),
            lambda value=value: fw.load_table(value),
            lambda value=value: fw.PlasticNetwork(d_in=2, d=2, d_out=2, phi=value),
            lambda value=value: fw.Population(1, fw.LIF(), name=value if not isinstance(value, str) else "/" + value),
            lambda value=value: fw.scan("delta", [[1.0]], [[1.0]], [[1.0]], form=value),
            lambda value=value: fw.simulate("delta", value),
            lambda value=value: fw.Evaluation(target=value),
            lambda value=value: fw.Evaluation(every=value),
            lambda value=value: fw.PoissonSource(2, rate=value),
            lambda value=value: fw.ShortTerm(U=value, tau_rec=100.0, tau_facil=10.0),
            lambda value=value: fw.PairSTDP("bi_poo", tau_plus=value),
        ):
            with pytest.raises((ValueError, TypeError, AttributeError)) as caught:
                call()
            assert len(str(caught.value)) < 1000


def test_a_negative_weight_of_a_conductance_names_the_cure() -> None:
    """F24: inhibition is a receptor."""
    cells = fw.Population(2, fw.LIF(receptors=(fw.Receptor("ampa", reversal=0.0),)))
    with pytest.raises(ValueError, match=r"runs from -1 to -1.*inhibition is a receptor.*reversal.*receptor="):
        fw.Projection(fw.PoissonSource(2, 1.0), cells, -1.0)
