"""The commands about files: ``synfwp show FILE`` and ``synfwp rerun FILE``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from synfwp import programs, reruns
from synfwp.figures import command

File = Annotated[Path, typer.Argument(help="A file that synfwp wrote.", metavar="FILE", show_default=False)]
LONGEST = 400  # letters of a fact that are printed; --json has all


def show(
    file: File, json_: Annotated[bool, typer.Option("--json", help="As JSON, for other programs.")] = False
) -> None:
    """Print what is in a file: its kind, program, settings, seed, versions, date, variables and rows.

    Results, runs, trained programmers and checkpoints (.nc), rows and cells (.json), states (.npz), runs as NWB.

    Example: synfwp show results/song2000.nc
    """
    from synfwp import results

    found = results.contents(file)
    if json_:
        print(json.dumps(found._asdict(), indent=1, ensure_ascii=False))
        return
    lines = {"file": str(file), "kind": found.kind, **found.facts}
    if found.rows is not None:
        lines["rows"] = str(found.rows)
    cut = [text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} letters)" for text in lines.values()]
    print(programs.columns_of_text([list(lines), cut]))
    if found.parts:
        print("\n" + programs.columns_of_text([list(found.parts), list(found.parts.values())]))


def rerun(
    file: File,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes that share the parts of the run.")] = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Keep the new result in this file (.nc).")] = None,
) -> None:
    """Run a result again from what its file says of it, and print whether it is bit-identical.

    Exit code 0: it is; 1: it is not, and the first difference is printed with what else has changed (code, versions);
    2: it cannot be run from here.

    Example: synfwp rerun results/vogels2011.nc
    """
    from synfwp import results

    if out is not None:
        results.check_writable(out)
    one = reruns.recipe(file)
    print(f"{file}: {command(one.program, one.quick, one.seed, one.settings)}", flush=True)
    found = reruns.rerun(file, jobs)
    if out is not None:
        print(f"the new result: {results.save(found.dataset, out)}")
    print(f"bit-identical: {'yes' if found.identical else f'no. {found.difference} (in the file, and now)'}")
    for name, (there, here) in found.circumstances.items():
        print(f"changed since: {name}, {there} then and {here} now")
    if not found.identical:
        raise typer.Exit(1)
