"""The public cases of spike-timing-dependent plasticity: the simulator, the twin and what is known by hand."""

import json
import math

import numpy as np
import pytest
import stdp_cases

import synfwp as fw

CASES = {one["name"]: one for one in json.loads(stdp_cases.FILE.read_text(encoding="utf-8"))["cases"]}


def source(trains, name):
    """A source of these trains."""
    spikes = sorted((t, unit) for unit, times in enumerate(trains) for t in times)
    return fw.SpikeSource(len(trains), [t for t, _ in spikes], np.array([i for _, i in spikes], int), name=name)


def projections(case, post, receptor):
    """The synapses of a case: one projection with arrays of delays, or one for each that stands between one pair."""
    pre, row = source(case["pre_spikes"], "pre"), case["rule"]
    more = {"receptor": receptor}
    if row:
        more["plasticity"] = fw.SynapticRule(name="case", **stdp_cases._bounds(row))
    if case["short_term"]:
        more["short_term"] = fw.ShortTerm(**case["short_term"])
    shape = len(case["pre_spikes"]), len(case["post_spikes"])
    pairs = [(one["pre"], one["post"]) for one in case["synapses"]]
    if len(pairs) == shape[0] * shape[1] and len(set(pairs)) == len(pairs):
        arrays = {name: np.zeros(shape) for name in ("weight", "delay", "dendritic_delay")}
        for one, pair in zip(case["synapses"], pairs, strict=True):
            for name, array in arrays.items():
                array[pair] = one[name]
        return [fw.Projection(pre, post, **arrays, **more, name="s")], True
    ways = []
    for s, one in enumerate(case["synapses"]):
        delays = {name: one[name] for name in ("delay", "dendritic_delay")}
        ways.append(fw.Projection(pre, post, one["weight"], **delays, **more, name=f"s{s}"))
    return ways, False


@pytest.mark.parametrize("name", CASES)
def test_the_simulator_gives_the_weights_of_the_case(name):
    case = CASES[name]
    made, whole = projections(case, source(case["post_spikes"], "post"), None)
    simulation = fw.Circuit(made, dt=stdp_cases.DT).start()
    simulation.run(case["duration"])
    found = np.concatenate([simulation.variable(p.name, "W") for p in made])
    order = np.argsort([(one["pre"], one["post"]) for one in case["synapses"]], axis=0)[:, 0] if whole else slice(None)
    np.testing.assert_allclose(found, np.array(case["weights"])[order], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_the_file_holds_what_the_twin_gives(name):
    case = CASES[name]
    given = next(one for one in stdp_cases.cases() if one["name"] == name)
    assert given == {key: case[key] for key in given}
    found = stdp_cases.solve(given)
    np.testing.assert_allclose(found["weights"], case["weights"], rtol=0, atol=1e-12)
    for ours, there in zip(found["transmitted"], case["transmitted"], strict=True):
        assert ours == pytest.approx(there, abs=1e-12)


@pytest.mark.parametrize("name", [name for name, one in CASES.items() if one["by_hand"]])
def test_weights_that_are_known_by_hand(name):
    for value, text in zip(CASES[name]["weights"], CASES[name]["by_hand"], strict=True):
        if text is not None:
            assert value == pytest.approx(eval(text, {"exp": math.exp}), abs=1e-12)


@pytest.mark.parametrize("name", [name for name, one in CASES.items() if one["transmitted"]])
def test_the_simulator_transmits_the_amplitudes_of_the_case(name):
    """Into a receptor that has decayed when the next step comes; the cell fires the postsynaptic spikes of the case."""
    case = CASES[name]
    neuron = fw.LIF(t_ref=0.0, receptors=(fw.Receptor("g", 1e-3, drives=False),))
    fired = np.round(np.array((case["post_spikes"] or [[]])[0]) / stdp_cases.DT)
    n = round(case["duration"] / stdp_cases.DT)
    drive = fw.Steps(np.arange(n) * stdp_cases.DT, np.where(np.isin(np.arange(n), fired), 1e5, 0.0))
    cells = fw.Population(1, neuron, name="post", drive=drive)
    made, _ = projections(case, cells, "g")
    ds = fw.Circuit(made, dt=stdp_cases.DT).run(case["duration"], record=fw.Record("post", "g"))
    assert np.round(fw.spikes(ds, "post")[0] * 1000 / stdp_cases.DT).tolist() == fired.tolist()
    g = ds.g_post.values[:, 0]
    expected = np.zeros(len(g) + 1)
    for one in case["transmitted"]:
        expected[round(one["time"] / stdp_cases.DT) + 1] += one["amplitude"]  # a sample is taken before its step
    np.testing.assert_allclose(g, expected[:-1], rtol=0, atol=1e-12)


def test_release_of_a_regular_train_is_the_closed_form_of_the_papers():
    case = CASES["depressing"]
    short = fw.ShortTerm(**case["short_term"])
    released = short.released(np.diff([0.0, *case["pre_spikes"][0]]))
    assert [one["amplitude"] for one in case["transmitted"]] == pytest.approx(released.tolist(), abs=1e-12)
    first = case["transmitted"][0]
    assert (first["amplitude"], first["u"], first["x"]) == (0.5, 0.5, 0.5)  # by hand
