"""The public cases of docs/cases: that they are the twin's, and that every run of ours gives them."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import synfwp as fw
from synfwp import conventions

pytestmark = pytest.mark.kernels
CASES = Path(__file__).parents[2] / "docs" / "cases"
FILE = json.loads((CASES / "gated_delta_vectors.json").read_text(encoding="utf-8"))
NAMES = [case["name"] for case in FILE["cases"]]


def arrays(case, dtype):
    size = {x: case[x] for x in ("heads", "T", "d_k", "d_v")}
    lead = (size["heads"], size["T"])
    shapes = {
        "q": (*lead, size["d_k"]),
        "k": (*lead, size["d_k"]),
        "v": (*lead, size["d_v"]),
        "y": (*lead, size["d_v"]),
    }
    shapes |= dict.fromkeys(("S0", "S", "S_cut"), (size["heads"], size["d_k"], size["d_v"]))
    found = {**case["inputs"], **case[np.dtype(dtype).name]}
    return {x: np.array(value, dtype).reshape(shapes.get(x, lead)) for x, value in found.items()}


def run(x, steps=slice(None), S0=None):
    S0 = x["S0"] if S0 is None else S0
    cut = [np.ascontiguousarray(x[name][:, steps]) for name in ("q", "k", "v", "beta", "decay")]
    out = fw.scan("gated_delta", *cut[:4], decay=cut[4], W0=np.swapaxes(S0, 1, 2))
    return out.y, np.swapaxes(out.W, 1, 2)


def near(found, want):
    allowed = FILE["tolerance"][want.dtype.name] * (1 + np.abs(want).max(initial=0))
    return found.dtype == want.dtype and np.abs(found - want).max(initial=0) <= allowed


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", FILE["cases"], ids=NAMES)
def test_scan_gives_the_public_vectors_of_the_gated_delta_rule_whole_and_cut(case, dtype):
    x = arrays(case, dtype)
    y, S = run(x)
    assert near(y, x["y"])
    assert near(S, x["S"])
    first, middle = run(x, slice(case["cut"]))
    second, last = run(x, slice(case["cut"], None), middle)
    assert near(middle, x["S_cut"])
    assert near(last, x["S"])
    assert near(np.concatenate([first, second], axis=1), x["y"])


@pytest.mark.parametrize("case", FILE["cases"], ids=NAMES)
def test_the_logarithms_are_those_of_the_decays_and_fla_layout_gives_the_same(case):
    x = arrays(case, np.float64)
    np.testing.assert_allclose(np.exp(x["g"]), x["decay"], rtol=1e-15)
    there = {name: np.swapaxes(x[name], 0, 1)[None] for name in ("q", "k", "v", "g", "beta")}
    out = fw.scan("gated_delta", **conventions.from_fla(**there, scale=1.0, initial_state=x["S0"][None]))
    assert near(out.y[0], x["y"])
    assert near(np.swapaxes(out.W[0], 1, 2), x["S"])


def test_the_file_is_what_its_script_writes_and_stays_small():
    spec = importlib.util.spec_from_file_location("make_gated_delta", CASES / "make_gated_delta.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made, path = json.loads(module.text()), CASES / "gated_delta_vectors.json"
    for one, two in zip(made["cases"], FILE["cases"], strict=True):
        assert one["inputs"].keys() == two["inputs"].keys()
        assert one["inputs"]["q"] == two["inputs"]["q"]
        for name, value in arrays(one, np.float64).items():  # exp, log and sums may differ by the machine
            np.testing.assert_allclose(value, arrays(two, np.float64)[name], rtol=1e-13, atol=1e-15)
    assert path.stat().st_size < 1e6
    edges = {case["name"]: case["inputs"] for case in FILE["cases"]}
    assert "-inf" in edges["decay 0"]["g"][0]
    assert set(edges["decay 1"]["decay"][0]) == {1.0}
    assert 0 in edges["beta 0"]["beta"][0]
