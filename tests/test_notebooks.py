"""Every notebook runs from top to bottom, and is committed with its outputs."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

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
