"""The documentation as a site: `make docs`. Pages that are made of the package are written before it is built."""

import os
import re
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("MPLBACKEND", "Agg")
DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "site"))

import api  # noqa: E402
import generate  # noqa: E402

import synfwp  # noqa: E402

project, author, version = "synfwp", "The synfwp developers", synfwp.__version__
copyright = author
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx_design",
    "mathml",
]
exclude_patterns = ["_build", "site", "results", "cells", "cases/*.json", "**.ipynb_checkpoints"]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "synfwp"
html_static_path = ["site/static"]
html_css_files = ["synfwp.css"]
html_show_sourcelink = False
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
    "pygments_light_style": "a11y-high-contrast-light",
}


def at_home(app: Any, name: str, source: list[str]) -> None:
    """Links of the repository as links of the site: notebooks, the README and CONTRIBUTING stand elsewhere there."""
    if name.startswith("generated/notebooks") or name.startswith("generated/api"):
        return
    text = source[0]
    text = re.sub(r"\]\((?:\.\./)+notebooks/(\w+)\.ipynb\)", r"](/generated/notebooks/\1.ipynb)", text)
    text = re.sub(r"\]\((?:\.\./)+CONTRIBUTING\.md(#[\w-]+)?\)", r"](/generated/contributing.md\1)", text)
    text = re.sub(r"\]\((?:\.\./)+README\.md(#[\w-]+)?\)", r"](/generated/start.md\1)", text)
    source[0] = text


def setup(app: Any) -> None:
    """Write the generated pages, and read docstrings as they are meant."""
    generate.written(DOCS / "generated")
    app.connect("source-read", at_home)
    app.connect("autodoc-process-docstring", api.process, priority=100)
