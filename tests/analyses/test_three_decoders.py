"""Decoders in quick mode: what is computed, drawn and printed, and what is laid over it."""

import json

import model_checks
import numpy as np
import pytest

from synfwp import programs

program = programs.load_program("decoders")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return model_checks.run_quick("decoders", tmp_path_factory)


def test_the_run_prints_its_table_and_caption_and_is_labelled(quick):
    model_checks.check_output(*quick, ("keys of 16 features", "3 seeds", "50 unit values", "the best of 64 values"))
    model_checks.check_labels(quick[1])
    model_checks.check_figure("decoders", quick[1], "abcdef", (183, 118))


def test_all_decoders_read_the_same_matrices(monkeypatch):
    seen = []

    def watch(k, v, q, rng):
        seen.append((k, v, q))
        return q @ k.T @ v

    monkeypatch.setattr(program, "systems", lambda: {"seen": watch})
    size = program.QUICK._replace(loads=(8,), seeds=2)
    for name in program.DECODERS:
        program.decoded(size, name, 0)
    one, two, three = np.array_split(np.arange(len(seen)), 3)
    assert len(one) >= 2
    for other in (two, three):
        for i, j in zip(one, other, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(seen[i], seen[j], strict=True))


def test_the_best_of_many_values_is_right_where_the_cosine_is_low(quick):
    at = quick[1]["mean"].sel(system="hebb", pairs=16)
    assert at.sel(decoder="cosine") < 0.8
    assert at.sel(decoder="argmax") > at.sel(decoder="cosine") + 0.1


def test_loads_at_the_criterion_grow_with_the_features_and_least_squares_holds_most(quick):
    load = quick[1].critical_load
    assert (load.sel(grows="least squares") > load.sel(grows="hebb")).all()
    assert load.sel(grows="hebb", d_key=12) > load.sel(grows="hebb", d_key=8)


def test_both_closed_forms_of_the_share_of_right_values_are_within_their_bands(quick):
    rows = [row for row in program.rows(quick[1]) if row.quantity.endswith(("_accuracy", "not stored"))]
    assert len(rows) == 12
    for row in rows:
        error = row.values.std(ddof=1) / row.values.size**0.5
        assert abs(row.values.mean() - row.targets.mean()) < row.band + 6 * error + 0.02, row.quantity


def test_trained_nets_are_taken_from_the_committed_table_and_left_out_where_there_is_none(tmp_path):
    path = tmp_path / "arora2024.json"
    assert program.trained(path) is None
    rows = [
        {"quantity": "hebb, width 16, 1024 bytes, against spread codes", "obtained": 0.9, "n": 10},
        {"quantity": "softmax, width 12, 7680 bytes", "obtained": 1.0, "n": 3},
        {"quantity": "softmax, width 12, 7680 bytes, nets that reach the line, of 3", "obtained": 3.0, "n": 1},
        {"quantity": "hebb, learning rate chosen", "obtained": 0.01, "n": 1},
        {"quantity": "delta, width 16, 1024 bytes, against spread codes", "obtained": None, "n": 1},
    ]
    path.write_text(json.dumps({"rows": rows}))
    found = program.trained(path)
    assert found.net_rule.values.tolist() == ["hebb", "softmax"]
    assert found.net_accuracy.values.tolist() == [0.9, 1.0]
    assert found.net_bytes.values.tolist() == [1024, 7680]
    path.write_text(json.dumps({"rows": rows[3:]}))
    assert program.trained(path) is None


def test_the_figure_and_the_caption_hold_without_trained_nets(quick):
    ds = quick[1].drop_dims("net", errors="ignore")
    assert "trained nets are left out" in program.caption(ds)
    model_checks.check_figure("decoders", ds, "abcdef", (183, 118))
