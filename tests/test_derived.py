"""Frozen objects: a copy with another field is what would be built anew, and nothing that was derived stays behind."""

import copy
import dataclasses
import inspect
import pickle

import numpy as np
import public_names
import pytest
import scipy.sparse
import xarray as xr

import synfwp as fw
from synfwp import plasticity


def send(params, x):
    """An instruction from a token."""
    return params, x


def start(rng):
    """No parameters."""
    return {}


CELLS, OTHERS = fw.Population(3, fw.LIF(v_rest=-65.0)), fw.Population(4, fw.LIF(tau_syn=3.0), name="others")
FEED = fw.PoissonSource(2, 10.0)
TWO = fw.Population(3, fw.LIF(receptors=(fw.Receptor("e"), fw.Receptor("i"))), name="two")
REWARD = plasticity.reward(0.1, 0.1)
# arguments of one object of each class that cannot do without
GIVEN = {
    "Checkpoint": {"path": "x.npz"},
    "Circuit": {"projections": [fw.Projection(FEED, CELLS, 1.0)]},
    "FunctionProgrammer": {"send": send, "start": start},
    "Gradients": {"q": np.ones(2)},
    "Instructions": {"q": np.ones((2, 3)), "k": np.ones((2, 3)), "v": np.ones((2, 1))},
    "LayerProgrammer": {"kind": "gla", "d_model": 6, "heads": 2, "d_key": 2, "d_value": 2},
    "PairSTDP": {"preset": "bi_poo"},
    "PlasticNetwork": {"d_in": 2, "d_hidden": 3},
    "PoissonSource": {"n": 2, "rate": 10.0},
    "Population": {"n": 3, "neuron": fw.LIF(v_rest=-65.0)},
    "Projection": {"pre": FEED, "post": CELLS, "weight": 0.5},
    "Receptor": {"name": "e"},
    "Record": {"what": "cells", "variable": "v"},
    "Rule": {"name": "mine"},
    "Scan": {"y": np.ones(2), "W": np.ones((2, 2))},
    "ShortTerm": {"U": 0.2, "tau_rec": 100.0, "tau_facil": 50.0},
    "SpikeSource": {"n": 2, "times": [1.0, 2.0], "units": [0, 1]},
    "Steps": {"times": [0.0, 1.0], "values": [1.0, 2.0]},
    "SynapticRule": {"name": "mine"},
    "Trained": {"programmer": fw.Programmer(), "params": {"W": np.ones(2)}, "history": xr.Dataset({"a": 1})},
    "TripletSTDP": {"preset": "visual_cortex"},
    "features.Feature": {"name": "mine", "apply": send, "adjoint": start, "width": start},
    "memory.CuedRecall": {"system": "hebb"},
    "memory.Decoder": {"name": "mine", "score": send, "chance": start},
    "memory.Kalman": {"noise": 0.3, "drift": 0.02},
    "theory.Formula": {"function": send, "kind": "exact", "condition": "none", "source": "mine"},
    "plasticity.CalciumPlasticity": {"preset": "DP"},
    "plasticity.SpikeResponse": {"baseline": -2.0, "amplitudes": (700.0,), "taus": (100.0,)},
    "plasticity.StateRow": {"rule": plasticity.CalciumPlasticity("DP"), "w_max": 3.0},
    "plasticity.VoltagePlasticity": {"preset": "visual_cortex"},
    "inference.Fit": {"estimate": 0.5, "intervals": {}, "family": send, "data": xr.Dataset({"a": 1})},
    "inference.ModelFit": {"estimate": 0.5, "intervals": {}, "make": send},
    "inference.TraceFit": {"estimate": 0.5, "intervals": {}, "make": send},
    "plasticity.BTSP": {"preset": "milstein2021_fig5"},
    "plasticity.protocols.Protocol": {"pre_motif": (0.0,), "post_motif": (10.0,)},
    "tasks.Reflections": {"group": "S3"},
    "tasks.Batch": {"x": np.ones((1, 2, 3)), "target": np.zeros((1, 2), int), "mask": np.ones((1, 2), bool),
                    "chance": 0.5},
}  # fmt: skip
# further values of fields, beside those that are tried everywhere
MORE = {
    ("Population", "neuron"): [fw.LIF(v_rest=-60.0), fw.AdEx(), fw.LIF(v_rest=[-60.0, -61.0, -62.0])],
    ("Projection", "pre"): [fw.PoissonSource(5, 1.0, name="other"), CELLS],
    ("Projection", "post"): [OTHERS, TWO, FEED],
    ("Projection", "plasticity"): [plasticity.pair(0.1, 0.1), REWARD],
    ("Projection", "short_term"): [fw.ShortTerm(U=0.2, tau_rec=100.0, tau_facil=50.0)],
    ("Projection", "receptor"): ["none", "current"],
    ("Projection", "modulator"): [FEED, [(FEED, -1.0)]],
    ("Circuit", "projections"): [[fw.Projection(FEED, OTHERS, 1.0)]],
    ("Circuit", "populations"): [[OTHERS]],
    ("tasks.Reflections", "group"): ["D8"],
    ("Rule", "solver"): ["mesa", "momentum", "self_referential"],
    ("ShortTerm", "release"): ["before"],
    ("TripletSTDP", "preset"): ["hippocampus", "visual_cortex_minimal"],
    ("PairSTDP", "interaction"): ["nearest"],
    ("AdEx", "receptors"): [(fw.Receptor("e"),)],
    ("LIF", "receptors"): [(fw.Receptor("e"),)],
    ("Specification", "feature"): ["relu"],
}
ANYWHERE = [1, 2, 3, 5, 0.5, 0.02, 7.0, -1.5, True, "delta", "relu", "other", None, (1.0, 2.0), [0.0, 3.0]]
ANYWHERE.append(np.array([-60.0, -61.0, -62.0]))


def classes():
    """Every public frozen dataclass."""
    return {
        name: thing
        for name, thing in public_names.public().items()
        if inspect.isclass(thing) and dataclasses.is_dataclass(thing) and thing.__dataclass_params__.frozen
    }


NAMES = sorted(classes())


def same(a, b):
    """Whether two objects hold the same, all that is derived from their fields included."""
    if dataclasses.is_dataclass(a) and not isinstance(a, type):
        shown = [f.name for f in dataclasses.fields(a)]
        shown += [
            n for n, member in inspect.getmembers(type(a)) if isinstance(member, property) and not n.startswith("_")
        ]
        return type(a) is type(b) and all(same(read(a, name), read(b, name)) for name in shown)
    if scipy.sparse.issparse(a):
        return a.shape == b.shape and (a != b).nnz == 0
    if isinstance(a, np.ndarray):
        return np.shape(a) == np.shape(b) and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, xr.Dataset):
        return a.identical(b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or (isinstance(a, float) and np.isnan(a) and np.isnan(b))


def read(x, name):
    """An attribute, or the kind of error that reading it gives."""
    try:
        return getattr(x, name)
    except Exception as error:
        return type(error)


def attempt(make):
    """What is made, or the kind of error."""
    try:
        return make()
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore")
def test_a_copy_with_another_field_is_what_would_be_built_anew(name):  # F8
    cls, given = classes()[name], GIVEN.get(name, {})
    x, tried = cls(**given), 0
    assert same(dataclasses.replace(x), x)
    assert same(dataclasses.replace(dataclasses.replace(x)), x)
    for field in dataclasses.fields(cls):
        for other in [*ANYWHERE, *MORE.get((name, field.name), [])] if field.init else []:
            if field.name == "preset" and other is None:
                continue  # these numbers, of no preset
            anew = attempt(lambda field=field, other=other: cls(**given | {field.name: other}))
            found = attempt(lambda field=field, other=other: dataclasses.replace(x, **{field.name: other}))
            assert same(anew, found), (field.name, other, anew, found)
            tried += not isinstance(anew, type)
            if not isinstance(anew, type) and "preset" not in GIVEN.get(name, {}):  # a preset once left reads None
                back = attempt(
                    lambda field=field, found=found: dataclasses.replace(found, **{field.name: getattr(x, field.name)})
                )
                assert same(back, x), (field.name, other, back)
    assert tried or not dataclasses.fields(cls)


@pytest.mark.parametrize("name", NAMES)
def test_pickles_and_deep_copies_are_equal(name):  # F8, F21
    x = classes()[name](**GIVEN.get(name, {}))
    for y in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
        assert same(x, y)
        assert same(dataclasses.replace(y), x)


def test_a_population_starts_at_the_rest_of_its_new_neurons():  # F8
    population = fw.Population(3, fw.LIF())
    other = dataclasses.replace(population, neuron=fw.LIF(v_rest=-60.0))
    assert fw.Circuit([], [other]).start().variable("cells", "v").tolist() == [-60.0] * 3
    assert dataclasses.replace(population, n=5).start_potential.tolist() == [-70.0] * 5
    assert dataclasses.replace(fw.Population(3, fw.LIF(), v_init=-66.0), n=2).start_potential.tolist() == [-66.0] * 2
    with pytest.raises(ValueError, match=r"v_init of 'cells' has shape \(3,\); pass a finite number, or 5 of them"):
        dataclasses.replace(fw.Population(3, fw.LIF(), v_init=[-66.0] * 3), n=5)


def test_names_receptors_and_weights_of_a_projection_follow_its_groups():  # F8
    feed = fw.Projection(FEED, CELLS, 0.5)
    for one in (feed, pickle.loads(pickle.dumps(feed)), copy.deepcopy(feed), dataclasses.replace(feed, delay=1.0)):
        other = dataclasses.replace(one, post=dataclasses.replace(TWO, neuron=fw.LIF(receptors=(fw.Receptor("e"),))))
        assert (other.name, other.receptor) == ("input_to_two", "e")
        wide = dataclasses.replace(one, pre=fw.PoissonSource(7, 1.0, name="noise"))
        assert (wide.name, wide.weight.tolist()) == ("noise_to_cells", [[0.5] * 3] * 7)
        assert dataclasses.replace(one, post=FEED).receptor == "none"
    named = fw.Projection(FEED, CELLS, 0.5, receptor="current", name="mine")
    assert dataclasses.replace(named, pre=fw.PoissonSource(7, 1.0)).name == "mine"
    with pytest.raises(ValueError, match="receptor of projection 'mine' 'current'"):
        dataclasses.replace(named, post=TWO)
    with pytest.raises(ValueError, match="projection 'input_to_two' has no receptor; pass one of 'two': e, i"):
        dataclasses.replace(feed, post=TWO)


def test_a_weight_of_another_shape_is_refused_unless_it_was_one_number():  # F8
    for weight in (np.full((2, 3), 0.5), np.broadcast_to(0.5, (2, 3)), fw.Projection(FEED, CELLS, 0.5).weight + 0):
        with pytest.raises(ValueError, match=r"has shape \(2, 3\); pass \(n_pre, n_post\) = \(7, 3\)"):
            dataclasses.replace(fw.Projection(FEED, CELLS, weight), pre=fw.PoissonSource(7, 1.0))
    changed = fw.Projection(FEED, CELLS, 0.5).weight.copy()
    changed[0, 0] = 2.0
    assert fw.Projection(FEED, CELLS, changed).weight[0, 0] == 2.0


def test_the_numbers_of_a_preset_follow_the_preset():  # F8
    rule = dataclasses.replace(fw.TripletSTDP("visual_cortex"), preset="hippocampus")
    assert rule == fw.TripletSTDP("hippocampus")
    mine = dataclasses.replace(fw.TripletSTDP("visual_cortex", tau_x=50.0), preset="hippocampus")
    assert (mine.tau_x, mine.tau_y) == (50.0, 27.0)
    assert dataclasses.replace(mine) == mine


def test_the_forms_of_a_rule_follow_its_solver():  # F8
    more = {"solver": "momentum", "erase": "beta", "order": "undecayed"}
    rule = dataclasses.replace(fw.Rule(name="mine"), **more)
    assert rule.forms == fw.Rule(name="mine", **more).forms != fw.Rule(name="mine").forms
    assert dataclasses.replace(fw.Rule(name="mine", forms=("recurrent",)), **more).forms == ("recurrent",)
