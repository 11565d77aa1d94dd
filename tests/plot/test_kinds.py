"""Every kind of plot once: what is drawn, from which input, and nothing that a reviewer would complain about."""

import warnings

import numpy as np
import pytest
import scipy.sparse
import xarray as xr
from figure_checks import DIMENSIONLESS, complaints
from plot_examples import spikes as two_populations

import synfwp as fw
from synfwp import measures, plot

rng = np.random.default_rng(0)
TRAINS = np.sort(rng.uniform(0, 2, 200)), rng.integers(0, 5, 200)
EVENTS, EDGES = np.arange(0.2, 1.8, 0.2), np.arange(-0.1, 0.11, 0.02)
STDP = fw.plasticity.pair(0.01, 0.012, w_max=1.0)
X = rng.gamma(2.0, 2.0, (24, 4))
KEYS = rng.standard_normal((24, 4)) / 2
VOLTAGE = xr.DataArray(
    rng.normal(-60, 3, (50, 2)), dims=("time", "neuron"), coords={"time": np.linspace(0, 2, 50), "neuron": [0, 3]},
    attrs={"units": "mV"},
)  # fmt: skip
MAP = xr.DataArray(
    rng.random((3, 4, 2)), dims=("beta", "rule", "seed"), name="recall",
    coords={"beta": [0.1, 0.5, 1.0], "rule": ["hebb", "delta", "oja", "leaky_hebb"]},
)  # fmt: skip


def run():
    """A short run with plastic synapses and a record."""
    circuit = fw.ei_network(50, inputs=10, plasticity={"E_to_E": STDP})
    return circuit.run(200.0, record=fw.Record("E", "v", neurons=[0, 1]))


KINDS = {
    "rate": lambda: plot.rate(TRAINS, bin=0.05, smooth=0.1),
    "rate of populations": lambda: plot.rate(two_populations(), bin=0.05, colours={"key": "green"}),
    "raster": lambda: plot.raster(TRAINS),
    "raster in an order": lambda: plot.raster(two_populations(), order={"key": [2, 0, 1]}, colours={"key": "red"}),
    "psth": lambda: plot.psth(TRAINS, EVENTS, EDGES, smooth=0.02),
    "psth of neurons": lambda: plot.psth(TRAINS, EVENTS, EDGES, neurons=[0, 2]),
    "event_raster": lambda: plot.event_raster(TRAINS, EVENTS, (-0.1, 0.1), neuron=1),
    "intervals": lambda: plot.intervals(TRAINS),
    "correlogram": lambda: plot.correlogram(TRAINS, bin=0.01),
    "correlogram of a pair": lambda: plot.correlogram(TRAINS, neurons=(0, 1), bin=0.01),
    "weight_histogram": lambda: plot.weight_histogram(run()),
    "weight_matrix": lambda: plot.weight_matrix(rng.standard_normal((5, 7)), unit="nS", order=np.arange(5)[::-1]),
    "weight_matrix, sparse": lambda: plot.weight_matrix(scipy.sparse.random_array((3000, 10), density=0.1, rng=0)),
    "connectivity": lambda: plot.connectivity(fw.ei_network(50, inputs=10)),
    "stdp_window": lambda: plot.stdp_window({"pair": fw.PairSTDP("bi_poo"), "triplet": fw.TripletSTDP("hippocampus")}),
    "stdp_window with data": lambda: plot.stdp_window(
        fw.PairSTDP("bi_poo"), dt=[-40.0, -10.0, 10.0, 40.0], band=(np.full(4, -0.1), np.full(4, 0.1)),
        table=fw.read_table({"dt_ms": [5, -5], "dw_percent": [80, -30], "sem": [9, 9]}, dt="dt_ms", dw="dw_percent",
                            sem="sem", rate=1.0),
    ),
    "frequency_dependence": lambda: plot.frequency_dependence(fw.TripletSTDP("visual_cortex"), rates=[1.0, 20.0]),
    "short_term": lambda: plot.short_term(
        fw.ShortTerm(U=0.5, tau_rec=800.0, tau_facil=20.0), data=([0.0, 50.0], [1.0, 0.6], [0.1, 0.1])
    ),
    "voltage": lambda: plot.voltage(VOLTAGE, spikes=([0.5, 1.0], [3, 3]), neuron=3),
    "voltage of a run": lambda: plot.voltage(run(), variable="v_E", population="E", neuron=1),
    "tuning": lambda: plot.tuning(measures.tuning_curves(X, np.repeat(["left", "right", "up"], 8)), neurons=[0, 1]),
    "rdm": lambda: plot.rdm(measures.rdm(X[:3]), labels=["a", "b", "c"]),
    "lagged": lambda: plot.lagged(measures.lagged_correlation(rng.random(200), rng.random(200), 5), unit="s"),
    "paired": lambda: plot.paired({"hebb": X[:, 0], "delta": X[:, 1] + 1}, name="recall"),
    "paired, labelled": lambda: plot.paired(MAP.mean("beta")),
    "sweep_map": lambda: plot.sweep_map(MAP),
    "spectrum": lambda: plot.spectrum(
        fw.spectra(fw.Instructions(KEYS, KEYS, KEYS, beta=np.full(24, 0.5)), "delta", states=8)
    ),
    "contributions": lambda: plot.contributions(fw.attention("delta", KEYS, KEYS, beta=0.5)),
}  # fmt: skip
NAMED = DIMENSIONLESS | {
    "beta", "condition", "contribution", "correlation", "distance", "event", "from", "imaginary part",
    "mean response", "postsynaptic neuron", "presynaptic neuron", "real part", "rule", "share of synapses", "stimulus",
    "synapses per neuron", "to", "token that reads", "token that wrote", "transition",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_reviewer_has_nothing_to_complain_about(kind):
    fig = KINDS[kind]().figure
    found = [one for one in complaints(fig, NAMED) if not (kind.startswith("paired") and "x axis" in one)]
    assert found == []


def test_rasters_and_rates_share_their_time():
    fig = plot.raster_with_rate(two_populations(), window=(0.0, 0.48), bin=0.02)
    above, below = fig.axes
    assert above.get_xlim() == below.get_xlim()
    assert below.get_legend() is None
    assert complaints(fig, NAMED) == ["the x axis of axes 0 (a) has no label"]  # it is that of the axes below


def test_an_order_puts_neurons_where_it_has_them():
    ds = two_populations()
    rows = {}
    for name, order in (("plain", None), ("ordered", {"key": [2, 0, 1]})):
        segments = plot.raster(ds, order=order, populations=["key"]).collections[0].get_segments()
        rows[name] = {round(float(s[0, 0]), 9): round(float(s.mean(axis=0)[1])) for s in segments}
    assert {row: rows["ordered"][t] for t, row in rows["plain"].items()} == {0: 1, 1: 2, 2: 0}


def test_brian2_monitors_are_drawn_as_their_spikes_are():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import brian2 as b2
    b2.prefs.codegen.target, b2.prefs.logging.file_log = "numpy", False
    group = b2.NeuronGroup(3, "dv/dt = (1.5 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact")
    monitor, states = b2.SpikeMonitor(group), b2.StateMonitor(group, "v", record=[0])
    net = b2.Network(group, monitor, states)
    net.run(50 * b2.ms)
    ax = plot.raster(monitor)
    assert len(ax.collections[0].get_segments()) == monitor.num_spikes > 0
    line = plot.rate(monitor, bin=0.05).lines[0]
    np.testing.assert_allclose(line.get_ydata(), monitor.num_spikes / (3 * 0.05))
    strokes = plot.voltage(states, spikes=monitor).collections[0].get_segments()
    assert len(strokes) == (np.asarray(monitor.i) == 0).sum()


def test_a_correlogram_finds_a_lag_and_the_mean_rate():
    train = np.sort(np.random.default_rng(1).uniform(0, 100, 3000))
    times, unit = np.concatenate([train, train + 0.0052]), np.repeat([0, 1], 3000)
    order = np.argsort(times)
    pair = plot.correlogram((times[order], unit[order]), neurons=(0, 1), longest=0.02).patches[0].get_data()
    assert pair.edges[pair.values.argmax()] <= 5.2 <= pair.edges[pair.values.argmax() + 1]
    away = np.delete(pair.values, pair.values.argmax())
    assert away.mean() == pytest.approx(30.0, rel=0.1)
    alone = plot.correlogram((train, np.zeros(3000, int)), longest=0.02).patches[0].get_data()
    assert alone.values.mean() == pytest.approx(30.0, rel=0.1)  # a spike is not counted with itself


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.rate(3), "rate got int; pass a Dataset with spikes"),
        (lambda: plot.raster(([0.1, 0.2], [0])), "pass one index per spike"),
        (lambda: plot.raster(two_populations(), order={"key": [0, 0, 1]}), "is no order of its 3 neurons"),
        (lambda: plot.raster(two_populations(), order={"keys": [0, 1, 2]}), "population of order"),
        (
            lambda: plot.psth(two_populations(), [0.1], [0.0, 0.1]),
            "psth needs a population; pass one of",
        ),
        (lambda: plot.event_raster(TRAINS, [0.5], (0.0, 0.1), neuron=9), "neuron is 9"),
        (lambda: plot.intervals(([0.1], [0])), "there is none"),
        (lambda: plot.weight_histogram({}), "pass the Dataset of a run"),
        (lambda: plot.weight_histogram({"a": [np.nan]}), "empty or not finite"),
        (lambda: plot.weight_matrix(np.zeros((2, 2)), order=[0, 0]), "no order of 2 rows"),
        (lambda: plot.connectivity("x"), "pass a Circuit"),
        (lambda: plot.stdp_window("pair"), "with a method dw"),
        (lambda: plot.short_term("tm"), "pass ShortTerm"),
        (lambda: plot.voltage(VOLTAGE, neuron=1), "neuron 1 was not recorded; these were: \\[0, 3\\]"),
        (lambda: plot.rdm(np.zeros((2, 3))), "pass a square one"),
        (lambda: plot.rdm(np.zeros((2, 2)), labels=["a"]), "labels are 1 for 2"),
        (lambda: plot.paired({"a": [1.0], "b": [2.0]}), "at least two seeds"),
        (lambda: plot.sweep_map(MAP.expand_dims("more")), "choose two"),
        (lambda: plot.spectrum(np.array([])), "empty or not finite"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()
