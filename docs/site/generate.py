"""Pages of the site that are made of the package: rules, mechanisms, models, formulas, gallery, API.

``written(folder)`` writes them all into a folder (``docs/generated``, ignored by git) before the site is built. Nothing
here is a list: rules, mechanisms, programs, formulas and public names are those of the package, figures and numbers
those of ``docs/figures`` and ``docs/results``.
"""

import importlib
import inspect
import json
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import api
import rule_figures

import synfwp as fw
from synfwp import cite, plot, programs, scorecard
from synfwp.rules import Rule
from synfwp.settings import Setting, settings_of
from synfwp.substrates.mechanisms.table import MECHANISMS

DOCS = Path(__file__).parents[1]
RESULTS = DOCS / "results"
FLAGS = ("retrieves", "causal", "into_soma", "into_dendrite", "online")


def written(folder: Path, figures: bool = True) -> None:
    """All pages; ``figures`` of rules take most of the time."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = {
        **section("rules", "Rules", "One row each; the same row runs in every form.", rules()),
        **section("mechanisms", "Mechanisms", "How spiking synapses carry a rule out.", mechanisms()),
        **section("models", "Models and analyses", "What was run, what came out, how to run it.", models()),
        "theory.md": theory(),
        "gallery.md": gallery(),
        "contributing.md": moved((DOCS.parent / "CONTRIBUTING.md").read_text("utf-8")),
        "how_to.md": how_to(),
        "start.md": start((DOCS.parent / "README.md").read_text("utf-8")),
        **api.pages(),
    }
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    shutil.copytree(DOCS.parent / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*"))
    notebooks = sorted(path.stem for path in (folder / "notebooks").glob("*.ipynb"))
    (folder / "notebooks" / "index.md").write_text(
        index("Notebooks", "As committed, with outputs.", notebooks), "utf-8"
    )
    if figures:
        for rule in fw.RULES.values():
            fig = rule_figures.drawn(rule)
            fig.savefig(folder / "rules" / f"{slug(rule.name)}.png", dpi=120)
            plot.close(fig)


def section(folder: str, title: str, text: str, pages: Mapping[str, str]) -> dict[str, str]:
    """Pages of a folder, and the page that lists them."""
    found = {f"{folder}/{slug(name)}.md": page for name, page in pages.items()}
    return {f"{folder}/index.md": index(title, text, [slug(name) for name in pages]), **found}


def index(title: str, text: str, names: Iterable[str]) -> str:
    """A page that lists others."""
    return f"# {title}\n\n{text}\n\n```{{toctree}}\n:maxdepth: 1\n\n" + "\n".join(names) + "\n```\n"


def slug(name: str) -> str:
    """A name as that of a file."""
    return re.sub(r"\W+", "_", name).strip("_")


def equation(latex: str) -> str:
    """A display; commas between statements break the line on narrow screens."""
    parts = re.split(r"(?<=,)\\ (?=[A-Za-z](?:_t)? (?:=|\\leftarrow))", latex)
    return "\n\n".join(f"$$\n{part.strip()}\n$$" for part in parts)


def sources(keys: str) -> str:
    """The papers of some keys, as the command prints them, less BibTeX."""
    known = cite.entries()
    named = [key for key in re.split(r"[ ,]+", keys) if key in known]
    return "\n".join(f"- {cite.citation(key).split(chr(10))[0]}" for key in named)


def rules() -> dict[str, str]:
    """One page for each row of the table."""
    return {name: rule_page(rule) for name, rule in fw.RULES.items()}


def rule_page(rule: Rule) -> str:
    """Equation, loss, spectrum, stability, biology, forms, figure, citation of one rule."""
    carried = [f"[{m.name}](../mechanisms/{slug(m.name)}.md)" for m in MECHANISMS.values() if m.runs(rule)]
    parts = [
        f"# {rule.name}",
        f"{rule.biology[:1].upper()}{rule.biology[1:]}." if rule.biology else "",
        f"Known as: {rule.known_as}." if rule.known_as else "",
        "## Equation",
        equation(rule.equation),
        "W has shape (value, key) = (post, pre).",
        "## Local loss" if rule.loss else "",
        equation(rule.loss) if rule.loss else "",
        "## Spectrum of one step" if rule.eigenvalues else "",
        equation(rule.eigenvalues) if rule.eigenvalues else "",
        "## Stability",
        f"Stable: {escaped(rule.stable)}.",
        "## Forms",
        f"{', '.join(rule.forms)}. In spiking synapses: {', '.join(carried) or 'none'}.",
        "## Figure",
        f"![{rule.name}]({slug(rule.name)}.png)",
        rule_figures.CAPTION,
        "## Run it",
        f'```python\nimport synfwp as fw\n\nrule = fw.get_rule("{rule.name}")\n```',
        "## Papers",
        sources(rule.cite),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    """Prose with bars, stars and carets for Markdown."""
    return re.sub(r"([|*_<>])", r"\\\1", text)


def mechanisms() -> dict[str, str]:
    """One page for each mechanism of spikes."""
    found = {}
    for name, mechanism in MECHANISMS.items():
        run = [rule for rule in fw.RULES.values() if mechanism.runs(rule)]
        network = fw.SpikingNetwork(mechanism=mechanism)
        flags = [flag for flag in FLAGS if getattr(mechanism, flag, False)]
        parts = [
            f"# {name}",
            f"```{{eval-rst}}\n.. autoclass:: synfwp.{type(mechanism).__name__}\n   :noindex:\n```",
            "## One item, on average",
            equation(mechanism.closed_form),
            "## Rules",
            ", ".join(f"[{rule.name}](../rules/{slug(rule.name)}.md)" for rule in run) + ".",
            "## Circuit",
            f"Flags: {', '.join(f'`{flag}`' for flag in flags) or 'none: the value clamps the postsynaptic side'}.",
            f"`fw.SpikingNetwork(mechanism=fw.{type(mechanism).__name__}()).describe({run[0].name!r})`:",
            f"```text\n{network.describe(run[0])}\n```",
            "Bias and price beside the others: [Fast weights in spikes](../../science/fast_weights_in_spikes.md).",
            "## Papers",
            sources(mechanism.cite),
        ]
        found[name] = "\n\n".join(parts) + "\n"
    return found


def models() -> dict[str, str]:
    """One page for each program with committed results."""
    lines = scorecard.lines(RESULTS)
    return {
        name: model_page(name, program, [line for line in lines if line.program == name])
        for name, program in programs.list_programs().items()
        if (RESULTS / f"{name}.json").exists()
    }


def model_page(name: str, program: Any, lines: list[scorecard.Line]) -> str:
    """What is published, what is ours, figure, command, settings and all rows with a verdict."""
    page = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    module = importlib.import_module(program.module)
    doc = inspect.getdoc(module) or ""
    title, _, about = doc.partition("\n")
    about = about.partition("\nCites:")[0].strip()
    count = sum(line.verdict == "reproduced" for line in lines)
    rows = "\n".join(row_of(line) for line in lines)
    parts = [
        f"# {name}",
        f"**{title}** {count} of {len(lines)} rows are reproduced.",
        f"![{title}](../../figures/{name}.png)",
        "## What is published, what is ours",
        f"```{{eval-rst}}\n{api.clean(about)}\n```",
        "## Command",
        f"```text\n{page['command']}\n```\n\n{page['seconds']:.0f} s of one core.",
        "## Settings",
        settings_table(settings_of(module.main)),
        "## Rows",
        "| number | kind | source | expected | obtained | n | verdict |\n|---|---|---|---|---|---|---|\n" + rows,
        f"All rows, as printed: {{download}}`{name}.txt <../../results/{name}.txt>`, "
        f"{{download}}`{name}.json <../../results/{name}.json>`.",
        "## Papers",
        sources(program.cites),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def settings_table(known: Mapping[str, Setting]) -> str:
    """The settings of a program, as ``synfwp list NAME`` prints them."""
    if not known:
        return "None."
    rows = [(f"`{s.name}`", s.shown(s.default), s.shown(s.quick), s.unit, escaped(s.text)) for s in known.values()]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(["| setting | usual | quick | unit | what |", "|---|---|---|---|---|", *lines])


def row_of(line: scorecard.Line) -> str:
    """One row of a program's table."""
    row = line.row
    shown = ["-" if x is None else f"{x:.4g}" for x in (row["expected"], row["obtained"])]
    if row["sd"] is not None:
        shown[1] += f" ± {row['sd']:.2g}"
    claim = {"above": "\\> ", "below": "\\< "}.get(row["claim"], "")
    cells = (escaped(row["quantity"]), row["kind"], escaped(row["source"]), claim + shown[0], shown[1], row["n"])
    return "| " + " | ".join(str(cell) for cell in (*cells, line.verdict)) + " |"


def theory() -> str:
    """Every closed form with its kind, condition, source, band and docstring, which has the steps."""
    parts = [
        "# Theory",
        "Closed forms (`fw.theory.FORMULAS`), NumPy alone; a test compares each with a simulation. *Exact*: an"
        " identity. *Asymptotic*: exact for many units, with the band of what is finite. *Approximate*: with its band.",
    ]
    for name, row in fw.theory.FORMULAS.items():
        band = "" if row.kind == "exact" else f", within {row.band:g}{' of the value' if row.relative else ''}"
        parts += [
            f"## {name}",
            f"*{row.kind}*{band}. Holds for: {escaped(row.condition)}. Source: {escaped(row.source)}.",
            f"```{{eval-rst}}\n.. autofunction:: synfwp.theory.{name}\n```",
        ]
    return "\n\n".join(parts) + "\n"


def gallery() -> str:
    """Every committed figure, with the page of its program."""
    cards = []
    for path in sorted((DOCS / "figures").glob("*.png")):
        known = (RESULTS / f"{path.stem}.json").exists()
        link = f":link: models/{path.stem}\n:link-type: doc\n" if known else ""
        head = f":::{{grid-item-card}} {path.stem}\n:img-top: ../figures/{path.name}\n:img-alt: {path.stem}\n"
        cards.append(f"{head}{link}:::\n")
    grid = "::::{grid} 1 2 2 3\n:gutter: 3\n\n" + "\n".join(cards) + "\n::::\n"
    return f"# Gallery\n\nEvery figure is made by one command: `synfwp run NAME`.\n\n{grid}"


def how_to() -> str:
    """The pages of docs/ that no other list has, new ones too."""
    lists = "\n".join((DOCS / name).read_text("utf-8") for name in ("index.md", "develop.md"))
    listed = set(re.findall(r"^\w+$", lists, re.M))
    names = [path.stem for path in sorted(DOCS.glob("*.md")) if path.stem not in {*listed, "index"}]
    return index("How to", "One page per task.", [f"/{name}" for name in names])


def start(readme: str) -> str:
    """The README as a page of the site, less what other pages have."""
    text = readme[readme.index("## Install") : readme.index("## Results")]
    return "# Start in five minutes\n\n" + moved(text)


def moved(text: str) -> str:
    """A page of the root: its links start two folders below."""
    return re.sub(r"\]\((?![a-z]+:|#)([^)]+)\)", r"](../../\1)", text)
