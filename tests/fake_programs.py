"""Programs that run in a moment, put where synfwp looks for models and analyses."""

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from synfwp import analyses, models

GOOD = '''
    """Counts to three.

    Cites: hebb1949, schlag2021.
    """

    from pathlib import Path

    from matplotlib.figure import Figure

    from synfwp import results
    from synfwp.results import Row


    def main(quick=False, seed=0, size=3):
        ran = Path(__file__).with_name("ran")
        ran.write_text(str(int(ran.read_text()) + 1) if ran.exists() else "1")
        ds = results.comparison([Row("recall of delta", 0.25, 0.5, kind="exact"), Row("size", 2.0)])
        return ds.assign(size=("x", [size] * (1 if quick else 2))).assign_attrs(drawn_with=seed)


    def figure(ds):
        fig = Figure(figsize=(3, 2))
        fig.subplots().plot([0, 1])
        return fig


    def caption(ds):
        return "Three, counted."
'''
FILES = {
    "counting": GOOD,
    "bad_figure": GOOD.replace("def figure(ds):\n", 'def figure(ds):\n        raise ValueError("no\\nink")\n'),
    "interrupted": GOOD.replace(
        "def main(quick=False, seed=0, size=3):\n", "def main(**_):\n        raise KeyboardInterrupt\n"
    ),
    "no_dataset": GOOD.replace(
        "def main(quick=False, seed=0, size=3):\n", "def main(quick, seed):\n        return 3\n"
    ),
    "no_caption": GOOD.replace("def caption", "def title"),
    "unreadable": '"""Never parsed."""\ndef main(:\n',
    "_private": '"""Not a program."""\n',
}


def write(folder: Path, name: str, text: str) -> None:
    """One program file."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(dedent(text), "utf-8")


@pytest.fixture
def fake_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of fake analyses; there is one fake model, ``cell``. Whatever was imported is forgotten afterwards."""
    for name, text in FILES.items():
        write(tmp_path / "fake_analyses", name, text)
    write(tmp_path / "fake_models", "cell", GOOD.replace("Counts to three.", "A cell."))
    monkeypatch.setattr(analyses, "__path__", [str(tmp_path / "fake_analyses")])
    monkeypatch.setattr(models, "__path__", [str(tmp_path / "fake_models")])
    for module in list(sys.modules):  # real ones that are loaded would hide fake ones of their names
        if module.startswith((f"{analyses.__name__}.", f"{models.__name__}.")):
            monkeypatch.delitem(sys.modules, module)
    known = set(sys.modules)
    yield tmp_path / "fake_analyses"
    for module in set(sys.modules) - known:
        for package in (analyses, models):
            if module.startswith(f"{package.__name__}."):
                delattr(package, module.rpartition(".")[2])
                del sys.modules[module]
