"""Every notebook runs from top to bottom, and is committed with its outputs."""

import itertools
import os
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import synfwp as fw
from synfwp.kernels._cache import COMPILING

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_with_its_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count == i for i, cell in enumerate(code, start=1)), "run it from top to bottom"
    kinds = {out.output_type for cell in code for out in cell.outputs}
    assert "error" not in kinds
    pictures = [out for cell in code for out in cell.outputs if "image/png" in out.get("data", {})]
    assert len(pictures) >= 2
    assert not any("stderr" in out.get("name", "") for cell in code for out in cell.outputs), "warnings were printed"
    kept = {kind for cell in code for out in cell.outputs for kind in out.get("data", {})} | set(notebook.metadata)
    assert not any("widget" in kind for kind in kept), "pages would fetch scripts to show widgets: clear their outputs"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_prints_what_is_committed(path, tmp_path, monkeypatch):
    """Text of streams is compared up to its numbers: training gives other last digits on other processors."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    committed = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    client = NotebookClient(fresh, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=os.environ | {"TQDM_DISABLE": "1"})
    for old, new in zip(committed.cells, fresh.cells, strict=True):
        assert _words(old) == _words(new)


def _words(cell):
    """The words that a cell printed, without numbers and without the line that announces a compilation."""
    text = "".join(out.get("text", "") for out in cell.get("outputs", []) if out.output_type == "stream")
    text = text.replace(COMPILING, "")
    return [word for word in text.split() if not any(sign.isdigit() for sign in word)]


def _cells(name: str) -> list[str]:
    """The code of a notebook."""
    path = next(path for path in NOTEBOOKS if path.stem == name)
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def sliders() -> dict[str, Any]:
    """The names that the notebook with sliders defines."""
    space: dict[str, Any] = {}
    for source in _cells("14_explore_a_rule"):
        exec(source, space)
    return space


SETTINGS = [
    {"beta": 0.7, "decay": 0.8, "similarity": 0.4, "pairs": 5},
    {"beta": 1.6, "decay": 0.3, "similarity": 0.9, "pairs": 8},
    {"beta": 1.0, "decay": 1.0, "similarity": 0.0, "pairs": 1},
]


@pytest.mark.parametrize("at", SETTINGS, ids=lambda at: f"beta={at['beta']}")
def test_sliders_show_what_the_equations_of_every_rule_give(sliders: dict[str, Any], at: dict[str, Any]) -> None:
    D, n = sliders["D"], at["pairs"]
    k, v = sliders["keys_and_values"](n, at["similarity"])
    np.testing.assert_allclose(k @ k.T, np.where(np.eye(n) == 1, 1.0, at["similarity"]), atol=1e-12)
    np.testing.assert_allclose(v @ v.T, np.eye(n), atol=1e-12)
    assert len(sliders["RULES"]) == 12
    for rule in sliders["RULES"]:
        W, each, together, values, reads = sliders["explored"](rule, **at)

        def twin(q: Any, W0: Any, tokens: slice = slice(None), rule: str = rule) -> Any:
            """Reads, and W after the last of some tokens."""
            keys = k[tokens]
            decay = np.full(keys.shape if fw.get_rule(rule).retain == "key" else len(keys), at["decay"])
            aux = {"linear_attention": [np.zeros(D)], "covariance": [np.zeros(D + 1)]}.get(rule, [])
            beta = np.full(len(keys), at["beta"])
            y, states = getattr(fw.reference, rule)(q, keys, v[tokens], beta, decay, W0, *aux)[:2]
            return y, states[-1]

        zero, one = np.zeros((D, D)), np.eye(D)
        np.testing.assert_allclose(W, twin(k, zero)[1], atol=1e-12, err_msg=rule)
        expected = [twin(np.repeat(k[i : i + 1], n, axis=0), zero)[0][-1] for i in range(n)]
        np.testing.assert_allclose(reads, expected, atol=1e-12, err_msg=rule)
        np.testing.assert_array_equal(values, v)
        for found, tokens in [(together, slice(None)), *((each[i], slice(i, i + 1)) for i in range(n))]:
            kept = twin(k[tokens], one, tokens)[1] - twin(k[tokens], zero, tokens)[1]
            np.testing.assert_allclose(np.poly(found), np.poly(np.linalg.eigvals(kept)), atol=1e-9, err_msg=rule)


@pytest.mark.filterwarnings("ignore:unstable step:RuntimeWarning")
def test_every_end_of_every_slider_can_be_shown(sliders: dict[str, Any]) -> None:
    scales = [child for child in sliders["controls"].children if hasattr(child, "min")]
    assert [scale.description for scale in scales] == ["beta", "decay", "similarity", "pairs"]
    for rule in sliders["RULES"]:
        for ends in itertools.product(*((scale.min, scale.max) for scale in scales)):
            at = {scale.description: end for scale, end in zip(scales, ends, strict=True)}
            assert all(np.isfinite(x).all() for x in sliders["explored"](rule, **at)), (rule, at)


def test_a_slider_that_is_moved_draws_the_new_setting(sliders: dict[str, Any]) -> None:
    import matplotlib.pyplot as plt

    controls = {child.description: child for child in sliders["controls"].children if hasattr(child, "value")}
    for name, value in (("rule", "gated_delta"), ("similarity", 0.8), ("pairs", 4)):
        controls[name].value = value
    shown = np.asarray(plt.gcf().axes[0].images[0].get_array())
    np.testing.assert_array_equal(shown, sliders["explored"]("gated_delta", similarity=0.8, pairs=4)[0])


def test_coincidences_of_spikes_account_for_where_inhibitory_plasticity_comes_to_rest() -> None:
    """The reason that the notebook of the balanced network gives, on another network and for another target."""
    space: dict[str, Any] = {"np": np, "fw": fw, "TAU": 20.0}
    exec(
        next(source for source in _cells("13_balanced_network") if "def coincidences" in source).split("\n\n\nconn")[0],
        space,
    )
    circuit = fw.ei_network(400, plasticity=fw.plasticity.inhibitory(eta=0.05, rate=6.0, w_max=100.0), seed=5)
    simulation = circuit.start(5)
    simulation.run(60_000.0)
    ds = simulation.run(20_000.0)
    connected = circuit.projections[2].weight.toarray() > 0
    C, r_pre, r_post, lags = space["coincidences"](ds, connected)
    at_rest = 6.0 * 2 * 0.02 * r_pre * r_post / C
    assert np.median(at_rest) > 6.0
    assert np.median(r_post) == pytest.approx(np.median(at_rest), rel=0.1)
    change = (fw.weights(ds, "I_to_E") - fw.weights(ds, "I_to_E", "start")).sum(axis=0)
    assert np.corrcoef(change, 0.05 * 20 * (C - 2 * 6.0 * 0.02 * r_pre))[0, 1] > 0.95
    middle = len(lags) // 2
    assert lags[middle : middle + 10].sum() < 0.5 * lags[middle - 10 : middle].sum()  # after and before the inhibition


def test_what_there_is_to_try_with_the_sliders_comes_out(sliders: dict[str, Any]) -> None:
    def cosines(rule: str, **at: Any) -> Any:
        return sliders["cosines"](*sliders["explored"](rule, **at)[3:])

    np.testing.assert_allclose(cosines("delta", similarity=0.0), 1.0)
    similar = cosines("delta", similarity=0.8)
    assert similar[-1] == pytest.approx(1.0)
    assert similar[:-1].max() < 0.5
    assert sliders["explored"]("delta", beta=1.5)[1].real.min() == pytest.approx(-0.5)
    with pytest.warns(RuntimeWarning, match="unstable step"):
        assert abs(sliders["explored"]("delta", beta=2.3)[1]).max() == pytest.approx(1.3)
    *_, values, reads = sliders["explored"]("gated_delta", similarity=0.0, decay=0.5)
    np.testing.assert_allclose(reads, values * 0.5 ** np.arange(5.0, -1.0, -1.0)[:, None], atol=1e-12)
    assert cosines("gated_delta", similarity=0.8, decay=0.5)[:3].max() < 0.1
    covariance = cosines("covariance", similarity=0.9)
    assert (covariance > cosines("hebb", similarity=0.9)).all()
    assert (np.diff(covariance) > 0).all()
