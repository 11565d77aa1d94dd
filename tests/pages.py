"""The pages: README.md and every Markdown page under ``docs/``; their numbers are those of the committed full runs.

``python tests/pages.py`` writes them anew, on every page: the table of a section that names ``docs/results/NAME.txt``
(which rows it has is decided there), and what stands between the comments ``<!-- NAME -->`` and ``<!-- end -->``.
Nobody lists the pages: a new one is read too. It also writes what `synfwp list --long` shows of each program.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from synfwp import rules, scorecard

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
PROGRAMS = ROOT / "synfwp" / "programs.csv"
MADE = ("_build", "generated")  # by `make docs`
HEAD = "| what | kind | expected | obtained |\n|---|---|---|---|\n"
CLAIM = {"equal": "", "above": "> ", "below": "< "}


def pages() -> dict[str, Path]:
    """Every page, by its path from the root."""
    docs = sorted((ROOT / "docs").rglob("*.md"))
    found = [path for path in docs if path.relative_to(ROOT / "docs").parts[0] not in MADE]
    return {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "README.md", *found)}


def headings(text: str) -> list[str]:
    """The headings of a page; what begins with a # inside a block is none."""
    return re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)


def anchors(text: str) -> set[str]:
    """What links can name on a page: its headings, as GitHub and MyST write them, and its own targets."""
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings(text)]
    return {*plain, *re.findall(r"^\(([\w-]+)\)=$", text, re.M), *re.findall(r'<a (?:id|name)="([\w-]+)"', text)}


def links(text: str) -> list[str]:
    """Where the links and pictures of a page lead, but for addresses."""
    prose = re.sub(r"^```.*?^```|`[^`\n]+`(?!\])", "", text, flags=re.M | re.S)
    found = re.findall(r"\]\(([^)\s]+)\)", prose)
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def blocks(text: str) -> list[str]:
    """The Python blocks of a page, in order."""
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)


def cells(row: dict[str, Any]) -> str:
    """One row of a program's table as a line of Markdown: n and SD where there are several seeds."""
    expected, obtained = ("-" if x is None else f"{x:.4g}" for x in (row["expected"], row["obtained"]))
    spread = f" ± {row['sd']:.2g}, n = {row['n']}" if row["sd"] is not None else ""
    claim = CLAIM[row["claim"]] if row["kind"] else ""
    return f"| {row['quantity']} | {row['kind'] or '-'} | {claim}{expected} | {obtained}{spread} |"


def section(page: str, title: str) -> tuple[int, int]:
    """Where the text under a heading begins and ends."""
    start = re.search(rf"^#+ {re.escape(title)}\n", page, re.M)
    assert start, f"no heading {title!r}"
    after = re.search(r"^#+ ", page[start.end() :], re.M)
    return start.end(), start.end() + after.start() if after else len(page)


def filled(text: str, program: str) -> tuple[str, int]:
    """A section with the numbers of its program, and how many rows it has."""
    page = json.loads((RESULTS / f"{program}.json").read_text("utf-8"))
    rows = {row["quantity"]: row for row in page["rows"]}
    lines, found = [], 0
    for line in text.split("\n"):
        label = re.match(r"\| (?!what |-)(.+?) \|", line)
        if label and label[1] in rows:
            lines.append(cells(rows[label[1]]))
            found += 1
        else:
            assert not (label and line.count(" | ") in (2, 3)), f"{program} has no row {label and label[1]!r}"
            lines.append(line)
    table = re.sub(r"\| what \|.*\n\|---.*\n", lambda _: HEAD, "\n".join(lines))
    return table, found


def tables(page: str) -> list[tuple[str, str]]:
    """Headings of a page whose section names the table of a program, with that program."""
    found = []
    for title in headings(page):
        begin, end = section(page, title)
        named = re.findall(r"docs/results/(\w+)\.txt", page[begin:end])
        programs = dict.fromkeys(name for name in named if (RESULTS / f"{name}.json").exists())
        if HEAD.partition("\n")[0] in page[begin:end]:
            found += [(title, program) for program in programs]
    return found


def with_tables(page: str) -> str:
    """A page with the numbers of all its tables."""
    for title, program in tables(page):
        begin, end = section(page, title)
        page = page[:begin] + filled(page[begin:end], program)[0] + page[end:]
    return page


def with_scorecard(page: str) -> str:
    """A page with the summary of the page of all rows."""
    return between(page, "scorecard", f"{scorecard.summary(scorecard.lines(RESULTS))}.")


def with_results(page: str) -> str:
    """A page with one row for each page of results: numbers of one quantity, and how many rows are reproduced."""
    marked = re.search(r"<!-- results -->\n(.*?)\n<!-- end -->", page, re.S)
    if not marked:
        return page
    lines = scorecard.lines(RESULTS)
    return between(page, "results", "\n".join(summary_row(line, lines) for line in marked[1].split("\n")))


def summary_row(line: str, lines: list[scorecard.Line]) -> str:
    """``| question | quantity | expected | obtained | reproduced | page |`` with its three numbers."""
    named = re.search(r"\((docs/science/\w+\.md)\)", line)
    if not named:
        return line
    asked, quantity, *_, link = (cell.strip() for cell in line.strip("| ").split("|"))
    programs = {program for _, program in tables((ROOT / named[1]).read_text("utf-8"))}
    group = [one for one in lines if one.program in programs]
    (row,) = [one.row for one in group if one.row["quantity"] == quantity]
    *_, expected, obtained = cells(row).strip("| ").split(" | ")
    count = f"{sum(one.verdict == 'reproduced' for one in group)} of {len(group)}"
    return f"| {' | '.join((asked, quantity, expected, obtained, count, link))} |"


def with_facts(page: str) -> str:
    """A page with the rows of reliability and of speed, whose numbers stand in the files that they name."""
    for name, facts in FACTS.items():
        rows = [
            f"| {what} | {fact(file, pattern, text)} | [{Path(file).name}]({file}) |"
            for what, file, pattern, text in facts
        ]
        page = between(page, name, "\n".join([f"| what | {MEASURED[name]} | from |", "|---|---|---|", *rows]))
    return page


def fact(file: str, pattern: str, text: str) -> str:
    """A sentence with the groups of the first match in a file, and with ``{all}``, the number of matches."""
    found = list(re.finditer(pattern, (ROOT / file).read_text("utf-8"), re.M))
    assert found, f"{file} has nothing like {pattern}"
    return text.format(*found[0].groups(), all=len(found))


MEASURED = {"reliability": "found", "speed": "measured"}
FACTS = {
    "reliability": [
        (
            "numbers of papers, theory, chance and other engines",
            "docs/scorecard.md",
            r"^(\d+) rows of (\d+) programs: (\d+) reproduced, (\d+) differ, (\d+) not reproduced",
            "{2} of {0} reproduced, {3} differ, {4} not reproduced",
        ),
        (
            "forms of a rule against each other",
            "docs/science/identities.md",
            r"^\| delta: chunkwise is recurrent, residual \| exact \| 0 \| (\S+) \|",
            "delta by chunks and step by step: residual {0}",
        ),
        (
            "circuits of plastic spiking neurons against Brian2",
            "docs/speed.md",
            r"all (\d+) spikes were equal and (\d+) changed weights differed by (\S+) at most",
            "{0} spikes equal, {1} weights within {2}",
        ),
        (
            "intervals of fits on simulated tables",
            "docs/results/coverage.txt",
            r"^.*\b(?:0\.68|0\.95) +\d+ +.* (?:0\.[1-9]\d*|1\.000)$",
            "{all} kinds hold the truth as often as they say",
        ),
        (
            "random calls with the disguises of users' data",
            "docs/results/fuzz.txt",
            r"(\d+) calls of (\d+) entry points, seed \d+: (\d+) findings",
            "{0} calls of {1} entry points: {2} findings",
        ),
    ],
    "speed": [
        (
            "delta rule with its gradient, 16 sequences of 512 steps, d = 64",
            "docs/speed.md",
            r"^\| 64 \|(?:[^|]*\|){3} ([\d.]+) ms \| ([\d.]+) x \((.+?)\)",
            "{0} ms; {1} x the fastest peer ({2})",
        ),
        (
            "1000 sequences of 16 steps, d = 8",
            "docs/speed.md",
            r"1000 such sequences in one call: ([\d.]+) ms \(one by one ([\d.]+) ms\)",
            "{0} ms in one call; {1} ms one by one",
        ),
        (
            "STDP, 1000 inputs to 200 neurons, 5 s",
            "docs/speed.md",
            r"^\| STDP, 1000 inputs to 200 neurons, dense, 5 s \| ([\d.]+) s \| ([\d.]+) s \| ([\d.]+) x",
            "{0} s; Brian2 {1} s once built",
        ),
        (
            "inhibitory STDP, 10,000 neurons, 1 s",
            "docs/speed.md",
            r"^\| inhibitory STDP, 10,000 neurons, 2 %, 1 s \| ([\d.]+) s \| ([\d.]+) s \| ([\d.]+) x",
            "{0} s; Brian2 {1} s once built",
        ),
        (
            "first result of that STDP run in a new process",
            "docs/speed.md",
            r"first result in a new process \(STDP, 5 s\): synfwp ([\d.]+) s.*; Brian2 ([\d.]+) s",
            "{0} s; Brian2 {1} s with its compiler",
        ),
    ],
}


def with_benchmarks(page: str) -> str:
    """A page with what the programs of ``benchmarks/`` print of their committed numbers."""
    for name in re.findall(r"<!-- benchmark (\w+) -->", page):
        command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), "--readme"]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        page = between(page, f"benchmark {name}", printed)
    return page


def with_rules(page: str) -> str:
    """A page with the table of rules."""
    return between(page, "rules", rules.table())


def between(page: str, name: str, text: str) -> str:
    """A page with another text between two comments, where it has them."""
    return re.sub(rf"(<!-- {name} -->\n).*?(\n<!-- end -->)", lambda m: m[1] + text + m[2], page, flags=re.S)


def written(page: str) -> str:
    """A page with all that is made of committed numbers."""
    for part in (with_benchmarks, with_tables, with_scorecard, with_results, with_facts, with_rules):
        page = part(page)
    return page


def check(title: str, program: str) -> int:
    """The number of rows under a heading of the one page that has it; each has to be that of the committed run."""
    texts = [path.read_text("utf-8") for path in pages().values()]
    (page,) = [text for text in texts if (title, program) in tables(text)]
    begin, end = section(page, title)
    text, found = filled(page[begin:end], program)
    assert page[begin:end] == text, f"python {Path(__file__).relative_to(ROOT)} writes the table under {title!r} anew"
    return found


def of_programs() -> str:
    """``synfwp/programs.csv``: the page of science with the table of each program, and the seconds of its full run."""
    lines = ["name,group,seconds"]
    shown = [(program, path.stem) for path in pages().values() for _, program in tables(path.read_text("utf-8"))]
    for program, group in sorted(set(shown)):
        seconds = json.loads((RESULTS / f"{program}.json").read_text("utf-8"))["seconds"]
        lines.append(f"{program},{group},{seconds:g}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write all tables anew."""
    PROGRAMS.write_text(of_programs(), "utf-8")
    for path in reversed(pages().values()):  # the README quotes the others
        page = path.read_text("utf-8")
        new = written(page)
        if new != page:
            path.write_text(new, "utf-8")


if __name__ == "__main__":
    main()
