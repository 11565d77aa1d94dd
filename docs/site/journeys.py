"""Pictures of the journeys: ``docs/journeys/NAME.png`` is what the code of ``NAME.md`` draws, and holds a hash of it.

``python docs/site/journeys.py`` runs every page and draws all of them anew (half a minute).
"""

import hashlib
import os
import re
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "journeys"
WIDE = 900  # pixels


def block(page: Path) -> str:
    """The Python of a page."""
    (found,) = re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)
    return str(found)


def name_of(code: str) -> str:
    """A hash of some code."""
    return hashlib.sha256(code.encode()).hexdigest()


def draw(page: Path) -> None:
    """Run a page and keep its figure."""
    from matplotlib import pyplot as plt

    code = block(page)
    if "import brian2" in code:
        import brian2

        brian2.prefs.codegen.target = "numpy"
        brian2.seed(0)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        exec(compile(code, page.stem, "exec"), {})
        os.chdir(FOLDER)
    fig = plt.figure(plt.get_fignums()[-1])
    fig.savefig(page.with_suffix(".png"), dpi=WIDE / fig.get_size_inches()[0], metadata={"Comment": name_of(code)})
    plt.close(fig)


if __name__ == "__main__":
    os.environ["MPLBACKEND"] = "Agg"
    for path in sorted(FOLDER.glob("*.md")):
        if path.stem != "index":
            draw(path)
