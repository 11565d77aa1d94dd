"""Rules with states at synapses on projections: twins, the rules that stand alone, cuts, saved states, errors."""

import dataclasses

import numpy as np
import pytest
import scipy.sparse

import synfwp as fw
from synfwp import plasticity, reference
from synfwp.plasticity import BTSP, BinaryBTSP, CalciumPlasticity, SpikeResponse, VoltagePlasticity, protocols
from synfwp.spiking.brian2 import brian2_synapses

DT, N_PRE, N_POST = 0.5, 4, 3
FAST = VoltagePlasticity("visual_cortex", A_LTD=2e-3, A_LTP=4e-4)
HOMEOSTATIC = dataclasses.replace(FAST, u_ref=8.0, v_rest=-70.0, tau_mean=50.0)
PLACE = BTSP("milstein2021_fig5", tau_ET=60.0, tau_IS=40.0, k_plus=8.0, k_minus=2.0)
CALCIUM = CalciumPlasticity("DP", tau=8e3, delay=13.5)
CORTEX = CalciumPlasticity("cortical_slices", tau=9e3, delay=4.5)
AXONAL = np.random.default_rng(11).integers(0, 9, (N_PRE, N_POST)) * DT
DENDRITIC = np.random.default_rng(12).integers(0, 5, (N_PRE, N_POST)) * DT
GATE = fw.Steps([0.0, 50.0, 120.0], [0.3, 1.0, 0.5])
SPIKE = {"spike_level": 33.0, "spike_width": 2.0}


def source(n, name, rate=50.0, duration=200.0, seed=0):
    """A source of random but prescribed spikes."""
    steps, unit = np.nonzero(np.random.default_rng(seed).random((round(duration / DT), n)) < rate * DT / 1000)
    return fw.SpikeSource(n, steps * DT, unit, name=name)


def cells(neuron=None, drive=13.0):
    return fw.Population(N_POST, neuron or fw.LIF(t_ref=2.0, v_threshold=-55.0), "cells", drive=drive)


def weights(row, sparse=False, seed=1):
    rng = np.random.default_rng(seed)
    w = rng.uniform(row.w_min, min(row.w_max, row.w_min + 2.0), (N_PRE, N_POST))
    if isinstance(row.rule, BinaryBTSP):
        w = np.where(w > 0.5, row.w_max, row.w_min)
    return scipy.sparse.csr_array(np.where(rng.random(w.shape) < 0.7, w, 0.0)) if sparse else w


def one(row, sparse=False, post=None, n=N_POST, **more):
    more = {"delay": 1.0, "plasticity": row} | more
    if row.by_plateaus:
        more["modulator"] = source(n, "plateaus", 20.0, seed=7)
    p = fw.Projection(source(N_PRE, "input"), post or cells(), weights(row, sparse), name="p", **more)
    return fw.Circuit([p], dt=DT)


CIRCUITS = {
    "calcium": lambda: one(CALCIUM.row(scale=0.5)),
    "calcium, sparse, gated": lambda: one(CORTEX.row(scale=1.0), sparse=True, gate=GATE),
    "calcium, onto a source": lambda: one(CORTEX.row(scale=1.0), post=source(N_POST, "out", seed=3)),
    "calcium, delays": lambda: one(CALCIUM.row(scale=0.5), delay=AXONAL, dendritic_delay=DENDRITIC),
    "voltage": lambda: one(FAST.row(w_max=3.0, **SPIKE)),
    "voltage, gated, delays": lambda: one(FAST.row(w_max=3.0, **SPIKE), delay=AXONAL, gate=GATE),
    "voltage, homeostasis": lambda: one(HOMEOSTATIC.row(w_max=3.0, **SPIKE)),
    "voltage, exponential": lambda: one(
        FAST.row(w_max=3.0, spike_level=20.0, spike_width=DT), post=cells(fw.AdEx(t_ref=1.0), 900.0)
    ),
    "btsp": lambda: one(PLACE.row(2.0, lap=50.0, peak=2.0, every=5.0, plateau=15.0)),
    "btsp, sparse, delays": lambda: one(
        PLACE.row(2.0, lap=30.0, peak=2.0, every=5.0, plateau=15.0), sparse=True, delay=2.5, gate=GATE
    ),
    "btsp, axons": lambda: one(PLACE.row(2.0, lap=50.0, peak=2.0, every=5.0, plateau=15.0), delay=AXONAL, n=1),
    "binary": lambda: one(BinaryBTSP().row(1.5, window=20.0)),
    "binary, for all, sparse": lambda: one(BinaryBTSP(flip=0.7).row(1.5, window=20.0), sparse=True, n=1, delay=AXONAL),
}  # fmt: skip


def reached(raster, delay, axis):
    """Which synapses spikes of a raster reach in each step."""
    full = delay.toarray() if scipy.sparse.issparse(delay) else np.asarray(delay)
    steps = np.broadcast_to(np.round(full / DT).astype(int), (N_PRE, N_POST))
    found = np.zeros((len(raster), N_PRE, N_POST), bool)
    for i, j in np.ndindex(N_PRE, N_POST):
        late, unit = steps[i, j], (i, j)[axis]
        found[late:, i, j] = raster[: len(raster) - late, unit]
    return found


def raster_of(ds, group, steps):
    found = np.zeros((steps, group.n), bool)
    times, unit = fw.spikes(ds, group.name)
    found[np.round(times * 1000 / DT).astype(int), unit] = True
    return found


def read(ds, p, steps):
    """The voltage that a rule reads: of a step before its reset, and of spikes their level."""
    v, fired, row = ds.v_cells.values, raster_of(ds, p.post, steps + 1), p.plasticity
    v = v[1:]  # the sample of a step is taken before the neurons are advanced
    width = round(row.spike_width / DT)
    on = np.array([fired[max(t - width + 1, 0) : t + 1].any(axis=0) for t in range(steps)])
    return np.where(on, row.spike_level, v)


def twin(circuit, ds, root, steps):
    """Weights after each step."""
    p = circuit.projections[0]
    row, pre = p.plasticity, raster_of(ds, p.pre, steps + 1)[:steps]
    post = raster_of(ds, p.post, steps + 1)[:steps]
    f = dataclasses.asdict(row.rule) | {"low": row.w_min, "high": row.w_max} | {
        name: getattr(row, name) for name in ("every", "lap", "plateau", "peak", "window")
    }  # fmt: skip
    f["homeostasis"] = getattr(row.rule, "homeostasis", None)
    late = p.delay + (row.rule.delay if row.kind == "CalciumPlasticity" else 0.0)
    v = read(ds, p, steps) if row.kind == "VoltagePlasticity" else None
    plateaus = np.zeros((steps, N_POST), bool)
    if p.modulators:
        plateaus |= raster_of(ds, p.modulators[0][0], steps + 1)[:steps]
    kind = {"binary_btsp": "binary"}.get(row.name, row.name)
    W = np.full(p.shape, np.nan)
    W[p.rows, p.columns] = p.weight.ravel() if p.dense else p.weight.data
    gate = np.array([p.gate.at(t, DT) for t in range(steps)])
    spikes = reached(post, p.dendritic_delay, 1)
    rng = fw.seeds.generator(root, "neurons")
    return reference.state_rule(kind, f, W, reached(pre, late, 0), spikes, v, plateaus, DT, gate, rng)


def duration(name, small):
    return 60.0 if small else 200.0


@pytest.mark.kernels
@pytest.mark.parametrize("name", CIRCUITS)
def test_every_rule_is_its_twin_step_for_step(name, small):
    circuit, T = CIRCUITS[name](), duration(name, small)
    simulation, steps, p = circuit.start(3), round(T / DT), circuit.projections[0]
    record = [fw.Record("p", "W", every=5 * DT)] + ([fw.Record("cells", "v")] if hasattr(p.post, "neuron") else [])
    ds = simulation.run(T + DT, record)
    expected = twin(circuit, ds, simulation.root, steps)[:, p.rows, p.columns]
    # a sample at step t is what the step before has left; of calcium, in the twin, what the step begins with
    at = np.round(ds["time_W_p"].values * 1000 / DT).astype(int)
    at = at[(at > 0) & (at < steps)]
    found = ds["W_p"].values[1 : 1 + len(at)]
    back = 0 if "calcium" in name else 1
    np.testing.assert_allclose(found, expected[at - back], rtol=0, atol=1e-10)
    assert np.abs(found[-1] - found[0]).max() > 1e-3


@pytest.mark.kernels
@pytest.mark.parametrize("name", CIRCUITS)
def test_runs_do_not_depend_on_cuts_on_what_is_recorded_or_on_files(name, tmp_path, small):
    T = duration(name, small)
    circuit = CIRCUITS[name]()
    whole = circuit.start(3)
    whole.run(T, fw.Record("p", "W", every=2.5))
    cut = circuit.start(3)
    for part in (17.5, 32.5):  # the second ends where a gate changes
        cut.run(part)
        cut.weights("p")
    path = cut.save(tmp_path / "state.npz")
    loaded = circuit.restore(path)
    loaded.run(T - 50.0)
    cut.run(T - 50.0)
    assert whole.digest() == cut.digest() == loaded.digest()
    np.testing.assert_array_equal(*(
        s.weights("p") if circuit.projections[0].dense else s.weights("p").toarray() for s in (whole, loaded)
    ))  # fmt: skip


# --- the rules that stand alone ---

PROTOCOLS = {
    "pairs": protocols.pairs(n=6, rate=5.0, dt=10.0),
    "pairs, post first": protocols.pairs(n=6, rate=20.0, dt=-8.0),
    "triplets": protocols.triplets("pre-post-pre", 5.0, -10.0, n=4, rate=2.0),
    "poisson": protocols.poisson_pairs(600.0, 40.0, 30.0, seed=2),
}


def on_grid(times, dt=0.1):
    """Times on the grid of a circuit, each step once."""
    return np.unique(np.round(np.asarray(times) / dt)) * dt


def trains(name):
    """Two trains on the grid that begin after 50 ms."""
    run = PROTOCOLS[name]
    return tuple(
        on_grid(np.asarray(train) + 50.0 - min(run.pre.min(), run.post.min())) for train in (run.pre, run.post)
    )


def lone(row, pre, post, w, duration, record=(), seed=0, **more):
    """One synapse between given trains (or onto given neurons)."""
    first = fw.SpikeSource(1, pre, np.zeros(len(pre), int), name="first")
    if not isinstance(post, fw.Population):
        post = fw.SpikeSource(1, post, np.zeros(len(post), int), name="second")
    p = fw.Projection(first, post, w, plasticity=row, name="p", **more)
    return fw.Circuit([p]).run(duration, seed=seed, record=record)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("axonal", "dendritic"), [(0.0, 0.0), (1.3, 0.4)])
def test_one_synapse_in_a_circuit_changes_as_the_rule_alone(protocol, axonal, dendritic):
    pre, post = trains(protocol)
    T = float(np.round(max(pre.max(), post.max()) + 300.0))  # after the calcium of the last spike has decayed
    late = {"delay": axonal, "dendritic_delay": dendritic}
    arrivals, backs = pre + axonal, post + dendritic
    for rule in (CALCIUM, CORTEX, CalciumPlasticity("DPD", delay=4.6), CalciumPlasticity("hippocampal_cultures")):
        W = lone(rule.row(scale=2.0), pre, post, 5.0, T, **late).W_p_end.item()
        rho = (5.0 - 2.0) / (2.0 * (rule.b - 1))
        expected = rule.above(arrivals, backs, rho=rho)[2]
        assert (W / 2.0 - 1) / (rule.b - 1) == pytest.approx(expected, abs=1e-12)
        assert abs(expected - rho) > 1e-6
    for row in (
        fw.TripletSTDP("hippocampus").row(scale=1.0, w_max=9.0),
        fw.PairSTDP("bi_poo").row(scale=1.0, w_max=9.0),
        dataclasses.replace(fw.PairSTDP("bi_poo").row(scale=1.0, w_max=2.0), soft=0.5),
    ):
        W = lone(row, pre, post, 1.0, T, **late).W_p_end.item()
        assert 1 + row.dw(arrivals, backs, w=1.0) == pytest.approx(W, abs=1e-12)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("delay", [0.0, 1.3])
@pytest.mark.parametrize("rule", [FAST, HOMEOSTATIC, VoltagePlasticity("hippocampus", A_LTP=3e-4)])
def test_one_synapse_onto_a_neuron_changes_as_the_rule_alone_along_its_voltage(protocol, delay, rule):
    """A teacher makes the neuron fire at given times; what the rule read is what was recorded, and spikes."""
    pre, post = trains(protocol)
    T = float(np.round(max(pre.max(), post.max()) + 200.0))
    neuron = fw.LIF(t_ref=2.0, v_threshold=-50.0, v_reset=-60.0)
    cell = fw.Population(1, neuron, "cell")
    row = rule.row(w_min=-np.inf, spike_level=33.0, spike_width=1.0)
    first = fw.SpikeSource(1, pre, np.zeros(len(pre), int), name="first")
    teacher = fw.SpikeSource(1, post, np.zeros(len(post), int), name="teacher")
    p = fw.Projection(first, cell, 2.0, plasticity=row, name="p", delay=delay)
    ds = fw.Circuit([fw.Projection(teacher, cell, 900.0), p]).run(T, record=fw.Record("cell", "v"))
    v = ds.v_cell.values[1:, 0].copy()  # after each step
    fired = np.round(fw.spikes(ds, "cell")[0] * 1e4).astype(int)
    for t in fired:
        v[t : t + 10] = 33.0
    inside = pre[pre + delay < T - 0.1] + delay
    ltd, ltp = rule.parts(inside, v, dt=0.1)
    assert ltd + ltp > 1e-3
    # the last step, whose voltage is not sampled any more, comes long after the last spike
    assert ds.W_p_end.item() - 2.0 == pytest.approx(ltp - ltd, abs=1e-11)


@pytest.mark.parametrize("delay", [0.0, 25.0])
@pytest.mark.parametrize("laps", [1, 3])
def test_laps_of_a_circuit_are_those_of_btsp(delay, laps):
    rng = np.random.default_rng(5)
    rule, every, T = BTSP("milstein2021_network"), 10.0, 3000.0
    n, steps = 5, int(laps * T / 10)
    units, at = [], []
    for i in range(n):  # a place field each
        times = [lap * T + 500 * (i + 1) + 200 * rng.standard_normal(12) for lap in range(laps)]
        for t in on_grid(np.sort(np.clip(np.concatenate(times), 0, laps * T - 30)), 0.5):
            units.append(i)
            at.append(t)
    plateaus = np.array([lap * T + 1200.0 for lap in range(laps)])
    order = np.argsort(at, kind="stable")
    pre = fw.SpikeSource(n, np.array(at)[order], np.array(units)[order], name="place")
    inducer = fw.SpikeSource(1, plateaus, np.zeros(laps, int), name="plateaus")
    w = rng.uniform(0, 1, n)
    row = rule.row(scale=4.0, lap=T, peak=8.0, every=every, plateau=300.0)
    p = fw.Projection(
        pre, cells(), np.tile(4 * w[:, None], N_POST), plasticity=row, modulator=inducer, name="p", delay=delay
    )
    ds = fw.Circuit([p], dt=0.5).run(laps * T, record=fw.Record("p", "W", every=T))
    rate, plateau = np.zeros((n, steps)), np.zeros(steps)
    np.add.at(rate, (np.array(units), ((np.array(at) + delay) // every).astype(int)), 1)
    for t in plateaus:
        plateau[int(t / every) : int((t + 300) / every)] = 1
    keep = np.exp(-every / rule.tau_IS)
    expected = rule.run(rate, plateau, w, dt=every, laps=laps, peaks=(8.0, (1 - keep**30) / (1 - keep)))
    found = np.concatenate([ds.W_p.values[1:], ds.W_p_end.values.reshape(1, -1)]).reshape(laps, n, N_POST) / 4
    for post in range(N_POST):
        np.testing.assert_allclose(found[..., post], expected, atol=1e-12)
    assert np.abs(expected - w).max() > 0.05


def test_plateaus_of_a_circuit_flip_as_binary_btsp():
    rule, rng = BinaryBTSP(flip=1.0), np.random.default_rng(1)
    pre, plateaus = source(8, "pre", 20.0, seed=4), source(3, "plateaus", 20.0, seed=6)
    w = rng.integers(0, 2, (8, 3)).astype(float)
    p = fw.Projection(
        pre, cells(), 2 * w, plasticity=rule.row(2.0, window=10.0), modulator=plateaus, delay=2.0, name="p"
    )
    found = fw.Circuit([p], dt=DT).run(200.0).W_p_end.values / 2
    W = w.T
    for t in np.unique(plateaus.times):
        active = [
            np.any((pre.times[pre.units == j] + 2 <= t) & (pre.times[pre.units == j] + 2 >= t - 10)) for j in range(8)
        ]
        event = np.isin(np.arange(3), plateaus.units[plateaus.times == t]).astype(float)
        W = rule.write(W, np.array(active, float), event)
    np.testing.assert_array_equal(found, W.T)
    assert (found != w).any()


@pytest.mark.kernels
@pytest.mark.parametrize("name", ["rossbroich2021_both", "rossbroich2021_facilitating", "rossbroich2021_low_calcium"])
@pytest.mark.parametrize("delay", [0.0, 3.5])
def test_spike_responses_of_a_circuit_are_those_of_the_filter_and_are_saved(name, delay, tmp_path):
    rule = SpikeResponse.preset(name)
    times = on_grid(np.cumsum(np.random.default_rng(3).exponential(30.0, 12)), DT)
    T = float(np.ceil(times[-1])) + 20.0
    pre = fw.SpikeSource(1, times, np.zeros(len(times), int), name="pre")
    cell = fw.Population(1, fw.LIF(v_threshold=1e3, receptors=(fw.Receptor("e", 5.0),)), "cell")
    circuit = fw.Circuit([fw.Projection(pre, cell, 7.0, short_term=rule, delay=delay, name="p")], dt=DT)
    simulation = circuit.start(1)
    first = simulation.run(round(T / 2), record=fw.Record("cell", "e"))
    restored = circuit.restore(simulation.save(tmp_path / "state.npz"))
    second = restored.run(T - round(T / 2), record=fw.Record("cell", "e"))
    e = np.concatenate([first.e_cell.values[:, 0], second.e_cell.values[:, 0]])
    jumps = e[1:] - e[:-1] * np.exp(-DT / 5.0)  # a sample follows the arrivals of the step before, decayed
    at = np.round((times + delay) / DT).astype(int)
    released = rule.responses(times, A=7.0)
    np.testing.assert_allclose(
        released, 7 * reference.spike_responses(times, rule.baseline, rule.amplitudes, rule.taus)
    )
    np.testing.assert_allclose(jumps[at] * 1.0, released, rtol=1e-9, atol=1e-9)
    assert np.abs(np.delete(jumps, at)).max() < 1e-9
    assert restored.variable("p", "u").item() == pytest.approx(released[-1] / 7)


def test_what_a_rule_needs_and_a_circuit_lacks_is_named():
    calcium, voltage = CALCIUM.row(scale=1.0), FAST.row(w_max=3.0)
    btsp = PLACE.row(2.0, lap=50.0, peak=2.0, every=5.0, plateau=15.0)
    pre, out = source(N_PRE, "in"), source(N_POST, "out")

    def project(row, post=None, w=1.0, **more):
        return fw.Projection(pre, post or cells(), w, plasticity=row, name="p", **more)

    for match, call in {
        "reads a voltage, and 'out' is a SpikeSource; pass a Population": lambda: project(voltage, out),
        "needs a modulator whose spikes are plateaus: one group of 3 neurons": lambda: project(btsp),
        "or of 1 for all, with gain 1": lambda: project(btsp, modulator=source(2, "two")),
        "takes none; leave it out": lambda: project(calcium, modulator=out),
        "pass dendritic_delay=0.0": lambda: project(voltage, dendritic_delay=1.0),
        "no changes that eligibility and latch could collect": lambda: project(calcium, eligibility=1.0),
        r"runs from 9 to 9, outside \[1.0, 5.0\]": lambda: project(calcium, w=9.0),
        "other numbers than 0 and 2": lambda: project(BinaryBTSP().row(2.0, window=5.0), modulator=out),
        "b is 1, so that an UP synapse": lambda: CalciumPlasticity("DP", b=1.0).row(scale=1.0),
        "lap is 12 ms, no multiple of samples of 5 ms": lambda: PLACE.row(1.0, lap=12.0, peak=1.0, every=5.0),
        "spike_level and spike_width go together": lambda: FAST.row(spike_level=30.0),
        "delay of the rule of projection 'p' is 18.8008 ms, which is not a multiple": lambda: fw.Circuit(
            [project(CalciumPlasticity("hippocampal_slices").row(scale=1.0))]
        ),
        "u_ref of its homeostasis; pass u_ref, v_rest and tau_mean": lambda: dataclasses.replace(FAST, u_ref=8.0),
        "the row of a BTSP lacks every": lambda: plasticity.StateRow(rule=PLACE, w_max=1.0),
    }.items():
        with pytest.raises(ValueError, match=match):
            call()
    with pytest.raises(ValueError, match="no equations of Brian2"):
        brian2_synapses(calcium)
    for match, call in {
        "pass its row": lambda: project(PLACE),
        "rule is a float; pass one of CalciumPlasticity": lambda: plasticity.StateRow(rule=1.0),
        "pass a ShortTerm or a SpikeResponse": lambda: project(None, short_term=PLACE),
    }.items():
        with pytest.raises(TypeError, match=match):
            call()
