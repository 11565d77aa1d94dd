"""One call of every public function and class that takes numbers: what the tests of this folder wrap and compare.

A row is a callable and its arguments by name. `test_every_public_callable_has_a_row` fails for a name without one, so
that a new name joins every test of the border.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import synfwp as fw
from synfwp import results
from synfwp.plasticity import rows

Row = tuple[Callable[..., Any], dict[str, Any]]
rng = np.random.default_rng(0)
K, V, Q = (rng.standard_normal((2, 4, 3)) / 2 for _ in range(3))
BETA, DECAY = np.full((2, 4), 0.5), np.full((2, 4), 0.9)
CELLS = fw.Population(3, fw.LIF(), "cells", drive=25.0)
FEED = fw.PoissonSource(2, 50.0, "feed")
W = np.arange(6.0).reshape(2, 3)
SQUARE = rng.standard_normal((2, 4, 3, 3)) / 2
RECORDED = np.random.default_rng(1)
KEYS, VALUES = RECORDED.random((20, 4)), RECORDED.random((20, 3))
WEIGHTS = RECORDED.standard_normal((21, 3, 4))
ACTIVE = RECORDED.random((3, 4, 2)), RECORDED.random((3, 4, 3))


def circuit() -> fw.Circuit:
    """Two sources on three neurons."""
    return fw.Circuit([fw.Projection(FEED, CELLS, W, name="p")])


def started(**arguments: Any) -> Any:
    """The spikes of a run."""
    return circuit().run(**arguments)


def plastic(**arguments: Any) -> Any:
    """Weights that were set in a simulation."""
    simulation = circuit().start(0)
    simulation.set_weights(**arguments)
    return simulation.weights("p")


def recorded(**arguments: Any) -> Any:
    """A run with a record."""
    return circuit().run(5.0, record=fw.Record("cells", "v", **arguments))


def function(rule: str, name: str) -> Callable[..., Any]:
    """`scan` or `vjp` of one rule; of vjp, its outputs and gradients."""
    if name == "vjp":
        return lambda **a: fw.vjp(rule, **a)[1](np.ones((2, 4, 3)))
    return lambda **a: getattr(fw, name)(rule, **a)


def train(**arguments: Any) -> Any:
    """Two steps."""
    net = fw.Programmer(d_in=7, d_key=3, d_value=2, d_out=3)
    return fw.train(net, fw.tasks.Recall(keys=3, values=3, writes=2), batch=2, **arguments).params


SCAN = {"q": Q, "k": K, "v": V, "beta": BETA, "decay": DECAY, "W0": np.zeros((3, 3))}
TRAIN = [1.0, 20.0, 40.0]
COUNTED = {
    "time": np.arange(12.0),
    "unit": np.zeros(12, int) + np.arange(12) % 3,
    "edges": np.arange(0, 13.0, 2.0),
    "n": 3,
}
RESPONSES, CLASS = rng.normal(size=(12, 3)), np.arange(12) % 2
RECORDED = results.dataset(results.spike_variables({"cells": (np.arange(12.0), np.arange(12) % 3, 3)}))
ROWS: Mapping[str, Row] = {
    "AdEx": (
        fw.AdEx,
        {
            "C_m": 200.0,
            "g_leak": 10.0,
            "v_rest": -70.0,
            "v_threshold": -50.0,
            "v_reset": -60.0,
            "v_peak": 0.0,
            "delta": 2.0,
            "a": 2.0,
            "b": 50.0,
            "tau_w": 100.0,
            "t_ref": 2.0,
        },
    ),
    "Circuit": (fw.Circuit, {"projections": [], "populations": [CELLS], "dt": 0.1}),
    "Circuit.run": (started, {"duration": 5.0, "seed": 1}),
    "Simulation.set_weights": (plastic, {"name": "p", "weight": W}),
    "Record": (recorded, {"neurons": np.array([0, 2]), "every": 0.5}),
    "Dendritic": (fw.Dendritic, {"tau": 20.0}),
    "Dendritic.synapse": (fw.Dendritic().synapse, {"eta": 0.1}),
    "Evaluation": (fw.Evaluation, {"every": 10, "sequences": 4, "patience": 2, "target": 0.5}),
    "GatedTrace": (fw.GatedTrace, {"tau": 20.0}),
    "GatedTrace.synapse": (fw.GatedTrace().synapse, {"eta": 0.1}),
    "InhibitoryCancellation": (fw.InhibitoryCancellation, {"tau": 20.0, "rho0": 5.0}),
    "InhibitoryCancellation.synapse": (fw.InhibitoryCancellation().synapse, {"eta": 0.1}),
    "Instructions": (
        lambda **a: fw.Instructions(**a).to_dataset(),
        {"q": Q, "k": K, "v": V, "beta": BETA, "decay": DECAY},
    ),
    "LIF": (
        fw.LIF,
        {
            "tau_m": 20.0,
            "t_ref": 2.0,
            "tau_syn": 5.0,
            "v_rest": -70.0,
            "v_threshold": -50.0,
            "v_reset": -60.0,
            "noise": 1.0,
            "g_leak": 2.0,
        },
    ),
    "LayerProgrammer": (
        fw.LayerProgrammer,
        {"kind": "delta_net", "key_norm": "l2", "d_model": 4, "heads": 2, "d_key": 2, "d_value": 2},
    ),
    "PES": (fw.PES, {"tau": 20.0}),
    "PES.synapse": (fw.PES().synapse, {"eta": 0.1}),
    "PairSTDP": (fw.PairSTDP, {"A_plus": 0.01, "A_minus": 0.02, "tau_plus": 20.0, "tau_minus": 30.0}),
    "PairSTDP.dw": (fw.PairSTDP("bi_poo").dw, {"pre": TRAIN, "post": [5.0, 33.0]}),
    "PairSTDP.row": (fw.PairSTDP("bi_poo").row, {"scale": 2.0}),
    "PlasticNetwork": (fw.PlasticNetwork, {"d_in": 3, "d_hidden": 4, "d_out": 2, "lam": 0.9, "eta": 0.1}),
    "Poisson": (fw.Poisson, {"tau_syn": 5.0}),
    "PoissonSource": (fw.PoissonSource, {"n": 2, "rate": np.array([10.0, 20.0])}),
    "Population": (
        lambda **a: fw.Circuit([], [fw.Population(neuron=fw.LIF(), **a)]).run(3.0, record=fw.Record("cells", "v")),
        {"n": 2, "drive": np.array([5.0, 30.0]), "v_init": np.array([-60.0, -65.0])},
    ),
    "Programmer": (fw.Programmer, {"d_in": 6, "d_key": 3, "d_value": 2, "d_out": 3, "beta_max": 1.0}),
    "Programmer.__call__": (
        lambda **a: fw.Programmer(d_in=3, d_key=2, d_value=2, d_out=2)(
            fw.Programmer(d_in=3, d_key=2, d_value=2, d_out=2).init(0), **a
        ).to_dataset(),
        {"x": np.abs(Q)},
    ),
    "Projection": (
        lambda **a: fw.Circuit([fw.Projection(FEED, CELLS, name="p", **a)]).start(0).weights("p"),
        {"weight": W, "delay": 1.0},
    ),
    "RateCode": (fw.RateCode, {"peak": 100.0, "neurons_per_feature": 4}),
    "RateNetwork": (fw.RateNetwork, {"tau": 10.0, "T_write": 100.0, "T_read": 80.0, "gap": 40.0}),
    "Receptor": (fw.Receptor, {"name": "g", "tau": 5.0, "reversal": -80.0}),
    "Rule": (fw.Rule, {"name": "mine", "retain": "scalar", "write": 0.5}),
    "ShortTerm": (fw.ShortTerm, {"U": 0.5, "tau_rec": 800.0, "tau_facil": 20.0, "u_rest": 0.1}),
    "ShortTerm.released": (
        fw.ShortTerm(U=0.5, tau_rec=800.0, tau_facil=20.0).released,
        {"intervals": [0.0, 20.0, 50.0]},
    ),
    "ShortTerm.amplitudes": (
        fw.ShortTerm(U=0.5, tau_rec=800.0, tau_facil=20.0).amplitudes,
        {"times": [0.0, 20.0, 50.0], "A": 2.0},
    ),
    "ShortTerm.steady": (fw.ShortTerm(U=0.5, tau_rec=800.0, tau_facil=20.0).steady, {"rate": [5.0, 20.0]}),
    "SpikeNoise": (fw.SpikeNoise, {"spikes": 20.0, "seed": 1}),
    "SpikeSource": (
        lambda **a: fw.Circuit([], [fw.SpikeSource(**a)]).run(50.0),
        {"n": 2, "times": np.array(TRAIN), "units": np.array([0, 1, 0])},
    ),
    "brian2_synapses": (
        lambda **a: fw.brian2_synapses("gated_delta", **a).phases,
        {"items": 2, "beta": np.array([1.0, 0.5]), "decay": 0.5, "tau_syn": 5.0, "dt": 0.5},
    ),
    "ei_network": (
        lambda **a: fw.ei_network(**a).run(20.0, seed=0),
        {"n": 20, "inputs": 5.0, "w_e": 0.5, "w_i": 5.0, "drive": np.full(20, 250.0), "delay": 1.0, "dt": 0.1},
    ),
    "rates": (
        lambda **a: fw.rates(started(duration=20.0), **a),
        {"bin": 0.005, "window": np.array([0.0, 0.02]), "smooth": 0.005},
    ),
    "SpikingNetwork": (fw.SpikingNetwork, {"delay": 1.0, "dt": 0.5, "w0": 2.0}),
    "Steps": (
        lambda **a: fw.Circuit([], [fw.PoissonSource(1, fw.Steps(**a), "s")]).run(20.0, seed=3),
        {"times": np.array([0.0, 10.0]), "values": np.array([50.0, 500.0])},
    ),
    "SynapticRule": (
        fw.SynapticRule,
        {
            "name": "r",
            "pre_0": 0.1,
            "post_x": 0.1,
            "tau_x1": 20.0,
            "tau_x2": 30.0,
            "tau_y1": 25.0,
            "tau_y2": 40.0,
            "w_min": 0.0,
            "w_max": 1.0,
            "soft": 0.5,
            "tau_w": 100.0,
        },
    ),
    "SynapticRule.dw": (rows.pair(0.1, 0.1).dw, {"pre": TRAIN, "post": [5.0, 33.0], "w": 0.5}),
    "ThetaCycle": (fw.ThetaCycle, {"retrieve": 100.0, "encode": 80.0, "gap": 40.0}),
    "TripletSTDP": (fw.TripletSTDP, {"preset": "hippocampus", "A2_plus": 0.01, "tau_x": 900.0}),
    "TripletSTDP.dw": (fw.TripletSTDP("hippocampus").dw, {"pre": TRAIN, "post": [5.0, 33.0]}),
    "TwoCompartment": (fw.TwoCompartment, {"tau_m": 20.0, "g_dendrite": 0.5, "phi_max": 100.0}),
    "TwoPhase": (fw.TwoPhase, {"tau": 20.0}),
    "TwoPhase.synapse": (fw.TwoPhase().synapse, {"eta": 0.1}),
    "attention": (function("delta", "attention"), {"q": Q, "k": K, "beta": BETA}),
    "scan": (function("gated_delta", "scan"), SCAN),
    "vjp": (function("gated_delta", "vjp"), SCAN),
    "dynamics.effective_rank": (fw.dynamics.effective_rank, {"W": W}),
    "dynamics.lyapunov_exponents": (fw.dynamics.lyapunov_exponents, {"M": SQUARE}),
    "dynamics.ordered_product": (fw.dynamics.ordered_product, {"M": SQUARE}),
    "dynamics.participation_ratio": (fw.dynamics.participation_ratio, {"W": W}),
    "dynamics.time_constants": (fw.dynamics.time_constants, {"exponents": np.array([-0.1, -0.5])}),
    "dynamics.transition_eigenvalues": (fw.dynamics.transition_eigenvalues, {"M": SQUARE}),
    "dynamics.transition_matrices": (
        lambda **a: fw.dynamics.transition_matrices("gated_delta", **a),
        {"k": K, "beta": BETA, "decay": DECAY},
    ),
    "dynamics.fixed_points": (
        lambda **a: fw.dynamics.fixed_points(fw.PlasticRateNetwork(), {"W": np.eye(2), "lam": 0.5, "eta": 0.1}, **a),
        {"x": np.array([0.5, -0.2]), "starts": 2},
    ),
    "infer_rule": (
        lambda **a: fw.infer_rule(**a).coefficient,
        {"pre": KEYS, "post": VALUES, "W": WEIGHTS, "W_split": WEIGHTS[:, ::-1], "trace": KEYS / 2},
    ),
    "inference.FromWeights": (fw.inference.FromWeights, {"level": 0.02, "smallest": 0.1}),
    "inference.FromActivity": (
        lambda **a: fw.infer_rule(*ACTIVE, how=fw.inference.FromActivity(**a)).coefficient,
        {"order": 1, "left_out": 1},
    ),
    "fastest_form": (fw.fastest_form, {"rule": "delta", "T": 64, "d_k": 8, "d_v": 8}),
    "measures.aligned_counts": (
        fw.measures.aligned_counts,
        {"time": np.arange(12.0), "unit": np.arange(12) % 3, "events": np.array([2.0, 5.0]), "edges": W[0], "n": 3},
    ),
    "measures.aligned_spikes": (
        fw.measures.aligned_spikes,
        {
            "time": np.arange(12.0),
            "unit": np.arange(12) % 3,
            "events": np.array([2.0, 5.0]),
            "window": np.array([-1.0, 2.0]),
        },
    ),
    "measures.compare_decoding": (
        lambda **a: fw.measures.compare_decoding({"activity": RESPONSES}, **a),
        {"labels": CLASS, "folds": 3, "shuffles": 2},
    ),
    "measures.decode": (
        fw.measures.decode,
        {"X": RESPONSES, "labels": CLASS, "folds": 3, "groups": np.arange(12) // 2, "shuffles": 2, "strength": 1.0},
    ),
    "measures.decode_across_times": (
        fw.measures.decode_across_times,
        {"X": np.stack([RESPONSES, RESPONSES**2], axis=2), "labels": CLASS, "folds": 3, "shuffles": 2},
    ),
    "measures.detection_power": (
        fw.measures.detection_power,
        {
            "X": RESPONSES,
            "labels": CLASS,
            "sizes": np.array([0.5, 1.0]),
            "code": rng.normal(size=(2, 3)),
            "repeats": 19,
            "folds": 3,
        },
    ),
    "measures.lagged_correlation": (
        fw.measures.lagged_correlation,
        {
            "x": rng.normal(size=40),
            "y": rng.normal(size=40),
            "max_lag": 2,
            "margin": 9,
            "shuffles": 5,
            "dt": 0.5,
        },
    ),
    "measures.event_counts": (
        lambda **a: fw.measures.event_counts(RECORDED, **a),
        {"events": np.array([2.0, 5.0]), "window": (0.0, 1.5)},
    ),
    "measures.linear_cka": (fw.measures.linear_cka, {"X": RESPONSES, "Y": RESPONSES[:, :2] ** 2}),
    "measures.procrustes_distance": (fw.measures.procrustes_distance, {"X": RESPONSES, "Y": RESPONSES[:, :2] ** 2}),
    "measures.psth": (
        lambda **a: fw.measures.psth(RECORDED, **a),
        {"events": np.array([2.0, 5.0]), "edges": np.array([0.0, 1.0, 2.0]), "smooth": 0.5},
    ),
    "measures.rdm": (fw.measures.rdm, {"X": RESPONSES}),
    "measures.repetition_suppression": (
        fw.measures.repetition_suppression,
        {"first": RESPONSES**2, "repeated": RESPONSES**2 / 2, "stimulus": CLASS, "share": 0.5, "splits": 2},
    ),
    "measures.rsa": (
        fw.measures.rsa,
        {"one": np.cov(RESPONSES), "other": np.corrcoef(RESPONSES), "permutations": 9},
    ),
    "measures.selectivity": (
        lambda **a: fw.measures.selectivity(kind="direction", **a),
        {"curve": RESPONSES[:4] ** 2, "angles": np.arange(4.0)},
    ),
    "measures.tuning_curves": (fw.measures.tuning_curves, {"response": RESPONSES, "stimulus": CLASS}),
    "fit": (
        lambda **a: list(
            fw.fit(fw.PairSTDP, "nevian_sakmann2006_bursts", free=["A_plus", "A_minus"], **a).estimate.values.values()
        ),
        {"fixed": {"tau_plus": 15.0, "tau_minus": 30.0}, "level": 0.9, "starts": 2, "seed": 1},
    ),
    "read_table": (
        lambda **a: fw.read_table({"dt_ms": [10.0, -10.0], "dw_percent": [40.0, -20.0]}, **a),
        {"rate": 0.5, "n": 30},
    ),
    "measures.auc": (fw.measures.auc, {"score": np.array([1.0, 2.0, 3.0]), "positive": np.array([False, True, True])}),
    "measures.binned_rate": (
        fw.measures.binned_rate,
        {"time": np.array([0.1, 0.2, 1.0]), "edges": np.array([0.0, 1.0, 2.0]), "n": 2},
    ),
    "measures.centred_correlation": (fw.measures.centred_correlation, {"W": K, "reference": V}),
    "measures.chi": (fw.measures.chi, COUNTED),
    "measures.count_correlation": (fw.measures.count_correlation, COUNTED),
    "measures.crossing": (
        fw.measures.crossing,
        {"x": np.array([1.0, 10.0, 100.0]), "y": np.array([0.1, 0.4, 0.9]), "wanted": 0.5},
    ),
    "measures.slope": (fw.measures.slope, {"W": K, "reference": V}),
    "measures.interval_cv": (
        fw.measures.interval_cv,
        {"time": np.arange(12.0) ** 1.5, "unit": np.zeros(12, int), "least": 5},
    ),
    "measures.norm_ratio": (fw.measures.norm_ratio, {"W": K, "reference": V}),
    "measures.recall_agreement": (fw.measures.recall_agreement, {"y": K, "reference": V, "read": BETA}),
    "capacity": (
        lambda **a: fw.capacity({"delta": "delta"}, **a)["mean"],
        {"loads": [2, 3], "d_key": 4, "d_value": 3, "candidates": 5, "beta": 0.5, "seeds": 2, "seed": 1, "queries": 2},
    ),
    "critical_load": (
        lambda **a: fw.critical_load({"delta": "delta"}, **a).critical_load,
        {"criterion": 0.7, "most": 8, "d_key": 4, "d_value": 3, "beta": 0.5, "seeds": 2, "queries": 4},
    ),
    "overwriting": (
        lambda **a: fw.overwriting({"delta": "delta"}, **a)["mean"],
        {"writes": [1, 2], "pairs": 3, "d_key": 4, "d_value": 3, "beta": 0.5, "seeds": 2, "queries": 2},
    ),
    "retention": (
        lambda **a: fw.retention({"delta": "delta"}, **a).lifetime,
        {"thresholds": [0.5, 1.0], "writes": 20, "oldest": 5, "d_key": 4, "d_value": 3, "beta": 0.5, "seeds": 2},
    ),
    "tracking": (
        lambda **a: fw.tracking({"delta": "delta"}, **a).error,
        {
            "drift": [0.1],
            "noise": 0.3,
            "reversion": 0.9,
            "d_key": 4,
            "d_value": 3,
            "writes": 20,
            "beta": 0.5,
            "seeds": 2,
        },
    ),
    "predict_capacity": (
        lambda **a: fw.predict_capacity(**a).capacity,
        {"keys": np.array([[1.0, 0.2], [0.5, 1.0], [0.1, 0.7]]), "cosine": 0.8, "threshold": 0.5},
    ),
    "memory.Kalman": (fw.memory.Kalman, {"noise": 0.3, "drift": 0.02, "reversion": 0.99}),
    "memory.Kernel": (fw.memory.Kernel, {"parameter": 2.0}),
    "memory.System": (
        lambda **a: fw.memory.System("gated_delta", **a).knobs,
        {"beta": 0.5, "decay": np.array([0.5, 0.9])},
    ),
    "inference.fit_btsp": (
        lambda **a: (
            fw.inference.fit_btsp(
                **a,
                fixed={"a_plus": 0.5, "b_plus": 4.0, "a_minus": 0.1, "b_minus": 9.0, "tau_IS": 900.0},
                starts=1,
                intervals="none",
            ).values
        ),
        {
            "delay": np.array([-2000.0, -500.0, 500.0, 2000.0]),
            "change": np.array([0.5, 1.0, 0.8, 0.1]),
            "before": np.array([0.2, 0.4, 1.0, 0.1]),
            "sem": np.full(4, 0.1),
            "width": 500.0,
            "plateau": 200.0,
            "dt": 100.0,
        },
    ),
    "inference.fit_short_term": (
        lambda **a: fw.inference.fit_short_term(**a, starts=1, intervals="none", fixed={"tau_facil": 20.0}).values,
        {
            "times": np.array([0.0, 20.0, 40.0, 90.0]),
            "amplitudes": np.array([1.0, 0.7, 0.6, 0.7]),
            "sem": np.full(4, 0.1),
            "cells": np.full(4, 7.0),
        },
    ),
    "inference.fit_short_term_trace": (
        lambda **a: (
            fw.inference.fit_short_term_trace(
                **a,
                starts=1,
                intervals="none",
                fixed={"U": 0.5, "tau_rec": 100.0, "tau_facil": 20.0, "delay": 0.0, "tau_syn": 2.0},
            ).values
        ),
        {
            "time": np.arange(0.0, 80.0),
            "voltage": np.sin(np.arange(80.0)),
            "spikes": np.array([10.0, 40.0]),
        },
    ),
    "plasticity.BCM": (fw.plasticity.BCM, {"eta": 0.02, "tau": 20.0}),
    "plasticity.BCM.run": (
        fw.plasticity.BCM(eta=0.01).run,
        {"x": np.abs(W), "w": [0.1, 0.2, 0.3], "theta": 0.5},
    ),
    "plasticity.CalciumPlasticity": (
        fw.plasticity.CalciumPlasticity,
        {"preset": "DP", "tau_Ca": 25.0, "C_pre": 1.1, "sigma": 2.0, "beta": 0.4, "delay": 10.0},
    ),
    "plasticity.CalciumPlasticity.above": (
        fw.plasticity.CalciumPlasticity("DP").above,
        {"pre": TRAIN, "post": [5.0, 33.0], "rho": 0.4},
    ),
    "plasticity.CalciumPlasticity.dw": (
        fw.plasticity.CalciumPlasticity("DP").dw,
        {"pre": TRAIN, "post": [5.0, 33.0]},
    ),
    "plasticity.CalciumPlasticity.row": (fw.plasticity.CalciumPlasticity("DP").row, {"scale": 0.5}),
    "plasticity.CalciumPlasticity.transitions": (
        fw.plasticity.CalciumPlasticity("DP").transitions,
        {"pre": TRAIN, "post": [5.0, 33.0]},
    ),
    "plasticity.SpikeResponse": (
        fw.plasticity.SpikeResponse,
        {"baseline": -2.0, "amplitudes": (700.0, -500.0), "taus": (100.0, 200.0)},
    ),
    "plasticity.SpikeResponse.responses": (
        fw.plasticity.SpikeResponse.preset("rossbroich2021_both").responses,
        {"times": TRAIN, "A": 2.0},
    ),
    "plasticity.VoltagePlasticity": (
        fw.plasticity.VoltagePlasticity,
        {"preset": "visual_cortex", "A_LTD": 1e-4, "theta_plus": -50.0, "tau_x": 12.0}
        | {"u_ref": 8.0, "v_rest": -70.0, "tau_mean": 1200.0},
    ),
    "plasticity.StateRow": (
        fw.plasticity.StateRow,
        {
            "rule": fw.plasticity.VoltagePlasticity("visual_cortex"),
            "w_max": 3.0,
            "spike_level": 30.0,
            "spike_width": 2.0,
        },
    ),
    "plasticity.VoltagePlasticity.row": (
        fw.plasticity.VoltagePlasticity("visual_cortex").row,
        {"w_min": 0.1, "w_max": 3.0, "spike_level": 30.0, "spike_width": 2.0},
    ),
    "plasticity.VoltagePlasticity.dw": (
        fw.plasticity.VoltagePlasticity("visual_cortex").dw,
        {"pre": TRAIN, "v": [-60.0, -20.0, -50.0], "dt": 20.0, "start": -5.0},
    ),
    "plasticity.VoltagePlasticity.parts": (
        fw.plasticity.VoltagePlasticity("visual_cortex").parts,
        {"pre": TRAIN, "v": [-60.0, -20.0, -50.0], "dt": 20.0, "start": -5.0},
    ),
    "plasticity.BTSP": (fw.plasticity.BTSP, {"preset": "milstein2021_fig5", "tau_ET": 2000.0, "k_plus": 1.5}),
    "plasticity.BTSP.integrals": (
        fw.plasticity.BTSP("milstein2021_fig5").integrals,
        {"delay": [-1000.0, 500.0], "width": 500.0, "plateau": 200.0, "dt": 50.0},
    ),
    "plasticity.BTSP.row": (
        fw.plasticity.BTSP("milstein2021_fig5").row,
        {"scale": 2.0, "lap": 3000.0, "peak": 20.0, "every": 10.0, "plateau": 200.0},
    ),
    "plasticity.BTSP.run": (
        fw.plasticity.BTSP("milstein2021_fig5").run,
        {"rate": np.abs(W), "plateau": [0.0, 1.0, 0.0], "w": [0.2, 0.7], "dt": 500.0, "peaks": [5.0, 1.5]},
    ),
    "plasticity.BTSP.window": (
        fw.plasticity.BTSP("milstein2021_fig5").window,
        {"delay": [-1000.0, 500.0], "w": [0.2, 0.7], "width": 500.0, "plateau": 200.0, "dt": 50.0},
    ),
    "plasticity.BinaryBTSP": (fw.plasticity.BinaryBTSP, {"flip": 0.25}),
    "plasticity.BinaryBTSP.row": (fw.plasticity.BinaryBTSP().row, {"scale": 2.0, "window": 50.0}),
    "plasticity.BinaryBTSP.write": (
        fw.plasticity.BinaryBTSP().write,
        {"W": np.array([[0, 1, 1], [1, 0, 1]]), "x": np.array([1, 0, 1]), "plateau": np.array([1, 1]), "seed": 3},
    ),
    "plasticity.dendritic": (rows.dendritic, {"eta": 0.1, "tau_m": 10.0, "tau_syn": 3.0}),
    "plasticity.gated_trace": (rows.gated_trace, {"eta": 0.1, "tau": 20.0}),
    "plasticity.inhibitory": (rows.inhibitory, {"eta": 0.1, "rate": 5.0, "tau": 20.0}),
    "plasticity.pair": (rows.pair, {"A_plus": 0.1, "A_minus": 0.2, "tau_plus": 20.0, "tau_minus": 30.0}),
    "plasticity.pes": (rows.pes, {"eta": 0.1, "tau": 20.0}),
    "plasticity.reward": (
        rows.reward,
        {"A_plus": 0.1, "A_minus": 0.2, "tau_plus": 20.0, "tau_minus": 30.0, "tau_e": 500.0, "tau_reward": 100.0},
    ),
    "plasticity.two_phase": (rows.two_phase, {"eta": 0.1, "tau": 20.0}),
    "memory.BCPNN": (fw.memory.BCPNN, {"prior": 0.5}),
    "memory.CovarianceMemory": (fw.memory.CovarianceMemory, {"mean": 0.2}),
    "memory.CuedRecall": (lambda **a: fw.memory.CuedRecall("hebb", **a), {"moved": 2, "steps": 3}),
    "memory.WinnerCode": (fw.memory.WinnerCode, {"active": 3, "units": 4}),
    "memory.BennaFusi": (
        fw.memory.BennaFusi,
        {"variables": 3, "coupling": 0.125, "ratio": 2.0, "variable_bits": 4, "span": 2.0},
    ),
    "memory.Binary": (fw.memory.Binary, {"scale": 2.0, "weight": 0.5}),
    "memory.Bits": (fw.memory.Bits, {"bits": 3, "span": 2.0}),
    "memory.Bounds": (fw.memory.Bounds, {"low": -1.0, "high": 1.0}),
    "memory.Cascade": (fw.memory.Cascade, {"levels": 3, "x": 0.5, "scale": 2.0, "weight": 0.5}),
    "memory.Dale": (fw.memory.Dale, {"signs": np.array([1, -1]), "excitatory": 0.8}),
    "memory.MultiDecay": (fw.memory.MultiDecay, {"decays": np.array([0.5, 0.9])}),
    "memory.scan_through": (
        lambda **a: fw.memory.scan_through(fw.memory.Bounds(), "gated_delta", **a),
        {"q": Q, "k": K, "v": V, "beta": BETA, "decay": DECAY, "seed": 1},
    ),
    "plasticity.protocols.Protocol": (
        fw.protocols.Protocol,
        {"pre_motif": (0.0, 5.0), "post_motif": (10.0,), "n": 3, "rate": 2.0},
    ),
    "plasticity.protocols.bursts": (
        fw.protocols.bursts,
        {"n": 2, "size": 3, "rate": 50.0, "dt": 10.0, "interval": 5000.0},
    ),
    "plasticity.protocols.pairs": (fw.protocols.pairs, {"n": 3, "rate": 2.0, "dt": 10.0}),
    "plasticity.protocols.Trains": (
        fw.protocols.Trains,
        {"pre_times": (0.0, 5.0), "post_times": (10.0,), "plateaus": ((0.0, 20.0),)},
    ),
    "plasticity.protocols.Trains.sampled": (
        fw.protocols.Trains((0.0, 5.0), plateaus=((4.0, 5.0),)).sampled,
        {"dt": 2.0, "duration": 20.0},
    ),
    "plasticity.protocols.frequency_sweep": (fw.protocols.frequency_sweep, {"rates": [5.0, 20.0], "dt": 10.0, "n": 3}),
    "plasticity.protocols.jitter": (
        lambda **a: fw.protocols.jitter(fw.protocols.pairs(3), **a),
        {"sd": 2.0, "seed": 1},
    ),
    "plasticity.protocols.plateaus": (
        fw.protocols.plateaus,
        {"delay": 500.0, "n": 2, "interval": 5000.0, "duration": 200.0, "size": 3, "rate": 20.0},
    ),
    "plasticity.protocols.poisson_pairs": (
        fw.protocols.poisson_pairs,
        {"duration": 500.0, "rate": 20.0, "post_rate": 30.0, "share": 0.5, "dt": 5.0, "seed": 2},
    ),
    "plasticity.protocols.quadruplets": (
        fw.protocols.quadruplets,
        {"dt1": -5.0, "dt2": 5.0, "between": 20.0, "n": 3, "rate": 2.0},
    ),
    "plasticity.protocols.repeated": (
        lambda **a: fw.protocols.repeated(fw.protocols.pairs(3, 20.0), **a),
        {"n": 2, "interval": 5000.0},
    ),
    "plasticity.protocols.theta_bursts": (
        fw.protocols.theta_bursts,
        {"bursts": 2, "size": 3, "rate": 100.0, "theta": 5.0, "dt": 5.0, "trains": 2, "interval": 5000.0},
    ),
    "plasticity.protocols.triplets": (
        fw.protocols.triplets,
        {"kind": "pre-post-pre", "dt1": 5.0, "dt2": -10.0, "n": 3, "rate": 2.0},
    ),
    "random_synapses": (fw.random_synapses, {"n_pre": 4, "n_post": 3, "probability": 0.5, "weight": 2.0, "seed": 0}),
    "seeds.generator": (lambda **a: fw.seeds.generator(**a).integers(1000), {"seed": 3}),
    "tasks.Recall": (fw.tasks.Recall, {"keys": 3, "values": 3, "writes": 4}),
    "tasks.Familiarity": (fw.tasks.Familiarity, {"d": 10, "lags": 2, "length": 20, "repeat": 0.5}),
    "tasks.MQAR": (fw.tasks.MQAR, {"keys": 8, "values": 8, "pairs": 2, "slots": 8, "power": 0.01}),
    "tasks.InContextRegression": (fw.tasks.InContextRegression, {"d_x": 2, "d_y": 1, "pairs": 4, "noise": 0.1}),
    "tasks.PatternCompletion": (
        fw.tasks.PatternCompletion,
        {"d": 10, "patterns": 2, "cycles": 1, "show": 2, "gap": 1, "zeroed": 0.5},
    ),
    "theory.argmax_accuracy": (
        fw.theory.argmax_accuracy,
        {"pairs": 20, "d_key": 16, "d_value": 16, "candidates": 30},
    ),
    "theory.ball_overlap": (fw.theory.ball_overlap, {"distance": 2, "bits": 8, "radius": 3}),
    "theory.ball_sharpness": (fw.theory.ball_sharpness, {"bits": 16, "radius": 4}),
    "theory.benna_fusi_lifetime": (fw.theory.benna_fusi_lifetime, {"synapses": 1000.0, "variables": 3}),
    "theory.benna_fusi_snr": (fw.theory.benna_fusi_snr, {"age": np.array([0, 8]), "synapses": 1000.0, "variables": 3}),
    "theory.best_step": (fw.theory.best_step, {"d_key": 8, "noise": 0.3, "drift": 0.02, "keep": 0.9}),
    "theory.binary_lifetime": (fw.theory.binary_lifetime, {"synapses": 1000.0, "flip": 0.1}),
    "theory.sparse_lifetime": (fw.theory.sparse_lifetime, {"synapses": 1e6, "coding": 0.1}),
    "theory.binary_snr": (fw.theory.binary_snr, {"age": np.array([0, 8]), "synapses": 1000.0, "flip": 0.1}),
    "theory.sparse_snr": (fw.theory.sparse_snr, {"age": np.array([0, 8]), "synapses": 1e6, "coding": 0.1}),
    "theory.btsp_correlation": (
        fw.theory.btsp_correlation,
        {"age": np.array([0, 8]), "f_input": 0.1, "f_plateau": 0.1},
    ),
    "theory.cascade_lifetime": (fw.theory.cascade_lifetime, {"synapses": 1000.0, "levels": 4, "x": 0.5}),
    "theory.cascade_snr": (fw.theory.cascade_snr, {"age": np.array([0, 8]), "synapses": 1000.0, "levels": 4, "x": 0.5}),
    "theory.dale_feasible": (fw.theory.dale_feasible, {"pairs": 8, "d_key": 8}),
    "theory.delta_cosine": (fw.theory.delta_cosine, {"pairs": 9, "d_key": 8, "beta": 0.5}),
    "theory.delta_sign_error": (fw.theory.delta_sign_error, {"pairs": 9, "d_key": 8, "beta": 0.5}),
    "theory.delta_lifetime": (fw.theory.delta_lifetime, {"threshold": 1.0, "d_key": 8}),
    "theory.delta_noise": (fw.theory.delta_noise, {"age": np.array([0, 4]), "d_key": 8, "beta": 0.5, "writes": 9}),
    "theory.delta_tracking_error": (
        fw.theory.delta_tracking_error,
        {"beta": 0.5, "d_key": 8, "noise": 0.3, "drift": 0.02, "keep": 0.9, "decay": 0.9},
    ),
    "theory.familiarity_capacity": (fw.theory.familiarity_capacity, {"units": 100, "error": 0.01}),
    "theory.frontier_lifetime": (fw.theory.frontier_lifetime, {"synapses": 1000.0, "states": 4.0}),
    "theory.kalman_tracking_error": (
        fw.theory.kalman_tracking_error,
        {"d_key": 8, "noise": 0.3, "drift": 0.02, "keep": 0.9},
    ),
    "theory.leaky_lifetime": (fw.theory.leaky_lifetime, {"threshold": 1.0, "d_key": 8, "decay": 0.9}),
    "theory.leaky_snr": (fw.theory.leaky_snr, {"age": np.array([0, 4]), "d_key": 8, "decay": 0.9}),
    "theory.leaky_tracking_error": (
        fw.theory.leaky_tracking_error,
        {"beta": 0.5, "d_key": 8, "noise": 0.3, "drift": 0.02, "keep": 0.9, "decay": 0.9},
    ),
    "theory.lyapunov_sum": (
        fw.theory.lyapunov_sum,
        {"squared_norms": np.array([0.5, 1.5]), "beta": 0.5, "decay": 0.9, "d_key": 8},
    ),
    "theory.multi_decay": (fw.theory.multi_decay, {"age": np.array([0, 8]), "heads": 4}),
    "theory.overwriting_accuracy": (fw.theory.overwriting_accuracy, {"writes": 3, "values": 8}),
    "theory.palimpsest_capacity": (fw.theory.palimpsest_capacity, {"strength": 4.0}),
    "theory.palimpsest_overlap": (fw.theory.palimpsest_overlap, {"age": 0.03, "strength": 4.0}),
    "theory.perceptron_feasible": (fw.theory.perceptron_feasible, {"pairs": 16, "d_key": 8}),
    "theory.scalar_kalman_error": (
        fw.theory.scalar_kalman_error,
        {"d_key": 8, "noise": 0.3, "drift": 0.02, "keep": 0.9},
    ),
    "theory.willshaw_fill": (fw.theory.willshaw_fill, {"pairs": 20, "units": 32, "active": 4}),
    "theory.willshaw_spurious": (fw.theory.willshaw_spurious, {"pairs": 20, "units": 32, "active": 4}),
    "theory.bits_per_synapse": (
        fw.theory.bits_per_synapse,
        {"pairs": np.array([2, 8]), "d_key": 8, "error": 0.1},
    ),
    "theory.count_cosine": (fw.theory.count_cosine, {"spikes": 10.0}),
    "theory.covariance_cosine": (
        fw.theory.covariance_cosine,
        {"pairs": np.array([2, 8]), "d_key": 8, "overlap": 0.3},
    ),
    "theory.delta_norm": (fw.theory.delta_norm, {"beta": 0.5, "d_key": 8}),
    "theory.delta_signal": (fw.theory.delta_signal, {"age": 4, "d_key": 8, "beta": 0.5}),
    "theory.delta_squared_error": (
        fw.theory.delta_squared_error,
        {"age": 3, "writes": 8, "d_key": 8, "beta": 0.5},
    ),
    "theory.distinct_keys_floor": (
        fw.theory.distinct_keys_floor,
        {"distinct": np.array([6, 8]), "values": 8, "d_dot": 4},
    ),
    "theory.effective_dimension": (fw.theory.effective_dimension, {"keys": K[0]}),
    "theory.exponential_interference": (fw.theory.exponential_interference, {"d_key": 8, "sharpness": 2.0}),
    "theory.hebb_agreement": (
        fw.theory.hebb_agreement,
        {"k": np.abs(K[0]), "v": V[0], "spikes": 10.0, "tau": 20.0, "T": 100.0},
    ),
    "theory.hebb_cosine": (
        fw.theory.hebb_cosine,
        {"pairs": np.array([2, 8]), "d_key": 8, "overlap": 0.3},
    ),
    "theory.hebb_sign_error": (
        fw.theory.hebb_sign_error,
        {"pairs": np.array([2, 8]), "d_key": 8, "overlap": 0.3},
    ),
    "theory.hebb_squared_error": (fw.theory.hebb_squared_error, {"pairs": np.array([2, 8]), "d_key": 8}),
    "theory.kernel_interference": (lambda **a: fw.theory.kernel_interference(np.exp, **a), {"d_key": 8}),
    "theory.kernel_load": (fw.theory.kernel_load, {"snr": 2.0, "interference": 0.1}),
    "theory.kernel_snr": (fw.theory.kernel_snr, {"pairs": np.array([2, 8]), "interference": 0.1}),
    "theory.key_interference": (fw.theory.key_interference, {"keys": K[0]}),
    "theory.key_overlap": (fw.theory.key_overlap, {"keys": K[0]}),
    "theory.least_squares_cosine": (fw.theory.least_squares_cosine, {"pairs": np.array([2, 9]), "d_key": 8}),
    "theory.least_squares_sign_error": (
        fw.theory.least_squares_sign_error,
        {"pairs": np.array([2, 9]), "d_key": 8},
    ),
    "theory.matrix_floor": (fw.theory.matrix_floor, {"keys": 8, "d_dot": 4, "weights": np.arange(1.0, 9.0)}),
    "theory.mean_sum": (lambda **a: fw.theory.mean_sum(np.sqrt, **a), {"rows": 2, "columns": 5}),
    "theory.order_blind_accuracy": (
        fw.theory.order_blind_accuracy,
        {"counts": np.array([[1.0, 1.0], [0.0, 2.0]])},
    ),
    "theory.order_blind_loss": (fw.theory.order_blind_loss, {"counts": np.array([[1.0, 1.0], [0.0, 2.0]])}),
    "theory.power_interference": (fw.theory.power_interference, {"d_key": 8, "degree": 2}),
    "theory.repeated_bound": (fw.theory.repeated_bound, {"spikes": 10.0, "neurons": 8}),
    "theory.sign_weights_error": (fw.theory.sign_weights_error, {"pairs": np.array([2, 9]), "d_key": 9}),
    "theory.snr_cosine": (fw.theory.snr_cosine, {"snr": 2.0}),
    "theory.stability_bound": (fw.theory.stability_bound, {"k": np.array([0.6, 0.8]), "spikes": 10.0}),
    "theory.stored_accuracy": (fw.theory.stored_accuracy, {"pairs": 20, "d_key": 16, "d_value": 16}),
    "theory.trace_cosine": (fw.theory.trace_cosine, {"rho": 15.0, "T": 100.0, "tau": 20.0}),
    "theory.transition": (
        lambda **a: fw.theory.transition("gated_delta", **a),
        {"k": np.array([0.6, 0.8]), "beta": 0.5, "decay": 0.9},
    ),
    "theory.unequal_cosine": (
        fw.theory.unequal_cosine,
        {"keys": np.random.default_rng(0).standard_normal((9, 4)), "pairs": np.array([2, 9])},
    ),
    "train": (train, {"steps": 2, "learning_rate": 0.01, "seed": 0}),
    "units.per_ms": (fw.units.per_ms, {"hz": np.array([10.0, 20.0])}),
    "plot.figure": (lambda **a: fw.plot.figure(**a)[0].get_size_inches().tolist(), {"width": 80.0, "height": 50.0}),
}

# Names that take no number of the user's, or whose every number another row passes on as it is.
# Groups of names without a border of their own.
GROUPS = (
    "reference.",
    "plot.",
    "conventions.",
    "autograd.",
    "features.",
    "rules.",
    "data.",
    "tasks.",
    "results.",
    "units.",
)

WITHOUT = {
    "Checkpoint": "a path and a count, of `train`",
    "DELTA_PRODUCT": "a count: rows of rules",
    "Exact": "nothing",
    "FunctionProgrammer": "functions",
    "Gradients": "a result",
    "Mechanism": "a base: its subclasses",
    "PlasticRateNetwork": "no number",
    "Scan": "a result",
    "Simulation": "a circuit: Circuit.run",
    "Trained": "a result",
    "ShortTerm.preset": "a name",
    "inference.ModelFit": "a result",
    "inference.TraceFit": "a result",
    "plasticity.SpikeResponse.preset": "a name",
    "plasticity.SpikeRule": "a protocol of typing",
    "citation": "a name",
    "compare_substrates": "trained nets",
    "dynamics.Response": "a result",
    "dynamics.measured_transitions": "instructions, and weights that are checked as those of `simulate`",
    "compare": "fits",
    "to_brian2": "a circuit",
    "get_rule": "a name",
    "inference.Fit": "a result",
    "join": "Datasets",
    "list_programs": "a name",
    "load": "a path",
    "load_layer": "a path",
    "load_table": "a name",
    "load_trained": "a path",
    "memory.Synapse": "no number",
    "memory.Willshaw": "nothing",
    "memory.exact_recall": "a truth value",
    "plasticity.check_row": "a row",
    "plasticity.compare_with_table": "a rule and a table",
    "plasticity.protocols.from_table": "a name",
    "fetch": "a name",
    "read_hdf5": "a path",
    "read_neo": "a path",
    "read_npz": "a path",
    "read_nwb": "a path",
    "read_pynapple": "a path",
    "read_text": "a path",
    "to_neo": "a Dataset",
    "to_pynapple": "a Dataset",
    "write_nwb": "a Dataset",
    "data.File": "a row of a table",
    "plasticity.protocols.from_times": "a table",
    "replicates": "those of Circuit.run",
    "run": "a name",
    "save": "a Dataset",
    "seeds.of_cell": "JSON values",
    "sweep": "functions",
    "sweeps.Cost": "a result",
    "sweeps.cost": "functions",
    "sweeps.failures": "a path",
    "memory.Attention": "nothing",
    "memory.Decoder": "functions",
    "memory.Episode": "what a draw gives",
    "memory.Mapped": "nothing",
    "memory.Ridge": "nothing",
    "scaling": "those of critical_load",
    "simulate": "instructions",
    "spectra": "a run",
    "spikes": "a Dataset",
    "weights": "a Dataset",
    "theory.Formula": "a row of a table",
    "theory.step_ratio": "arrays of `scan`, checked there",
    "theory.transitions": "coefficients of `theory.transition`",
}
