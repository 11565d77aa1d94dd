"""The command ``synfwp``: list, run and cite the models and analyses; compile beforehand.

A user's mistake ends with exit code 2 and one line on stderr; an interrupt with 130. Outputs are checked before a run,
and either all of them appear or none.
"""

import contextlib
import functools
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from synfwp import __version__, programs
from synfwp.settings import read_all

DEMO = "first_look"
_UsageError: Any = typer.BadParameter.__mro__[1]  # click's own or typer's copy of it, by the version of typer
app = typer.Typer(name="synfwp", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="A program, as `synfwp list` names it.", show_default=False)]
Quick = Annotated[bool, typer.Option("--quick", help="A smaller size, done in seconds.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for results/ and figures/.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of every random draw.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting, as `synfwp list PROGRAM` lists them; again for more."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace existing results.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes that share the parts of a run.")]
Cells = Annotated[
    Path | None, typer.Option("--cells", help="Folder of finished parts, results/cells of --out if not given.")
]
Again = Annotated[bool, typer.Option("--again", help="Run finished parts once more.")]


def _complain(error: object) -> None:
    """One line on stderr."""
    print(f"synfwp: {' '.join(str(error).split())}", file=sys.stderr)


def _guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Turn a user's mistake into one line and exit code 2, an interrupt into one line and 130."""

    @functools.wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (ValueError, TypeError, OSError) as error:
            _complain(error)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            _complain("interrupted.")
            raise typer.Exit(130) from None

    return guarded


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Fast weights as synapses: run and cite models and analyses."""
    if version:
        print(f"synfwp {__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())
    else:
        return
    raise typer.Exit()


@app.command()
@_guarded
def demo(quick: Quick = False, out: Out = Path(), seed: Seed = 0, force: Force = False) -> None:
    """Run the first look: train, carry out with rates and spikes, compare with data, draw."""
    _run(DEMO, quick, out, seed, force)


@app.command("list")
@_guarded
def list_(
    name: Annotated[str | None, typer.Argument(help="A program, to list its settings.", show_default=False)] = None,
) -> None:
    """List the models and analyses, or the settings of one."""
    found = programs.list_programs()
    if name is not None:
        print(programs.settings_table(name))
    elif found:
        columns = [list(found), [p.kind for p in found.values()], [p.summary for p in found.values()]]
        print(programs.columns_of_text(columns))
    else:
        print("No models or analyses are installed.")


@app.command()
@_guarded
def run(
    name: Name,
    quick: Quick = False,
    out: Out = Path(),
    seed: Seed = 0,
    force: Force = False,
    set_: Set = None,
    jobs: Jobs = 1,
    cells: Cells = None,
    again: Again = False,
) -> None:
    """Run a model or an analysis; write results/NAME.nc, its rows as .json, and figures/NAME.pdf and .png.

    With other settings the files are NAME-setting=value.nc, and so on. Each finished part of a run (one condition, one
    seed) is kept, and is not run again: a run that was stopped goes on, and one with more seeds runs only these.
    """
    _run(name, quick, out, seed, force, _settings(set_ or []), {"jobs": jobs, "cells": cells, "again": again})


@app.command()
@_guarded
def scorecard(
    results_: Annotated[Path, typer.Option("--results", help="Folder with the NAME.json of programs.")] = Path(
        "docs/results"
    ),
    out: Annotated[Path, typer.Option("--out", help="Folder for scorecard.md and scorecard.csv.")] = Path("docs"),
) -> None:
    """Write all rows of all programs on one page with a verdict for each: scorecard.md and scorecard.csv; print it."""
    from synfwp import results
    from synfwp import scorecard as page

    found = page.lines(results_)
    texts = {out / "scorecard.md": page.as_markdown(found), out / "scorecard.csv": page.as_csv(found)}

    def writer(text: str) -> Callable[[Path], object]:
        return lambda temporary: temporary.write_text(text, "utf-8", newline="\n")

    results.write_together({path: writer(text) for path, text in texts.items()}, force=True)
    print(texts[out / "scorecard.md"])


@app.command()
@_guarded
def cite(
    name: Annotated[str, typer.Argument(help="A rule, a program, or a key of the bibliography.", show_default=False)],
) -> None:
    """Print how to cite a rule, a model, an analysis or a paper."""
    print(programs.citation(name))


@app.command()
@_guarded
def warm() -> None:
    """Compile every kernel into the cache, so that no later run has to."""
    from tqdm import tqdm

    from synfwp.warm import jobs

    found = jobs()
    for name, job in (bar := tqdm(found.items(), unit="kernel", disable=None, leave=False)):
        bar.set_postfix_str(name)
        job()
    print(f"compiled, or found in the cache: kernels of {len(found)} kinds.")


def _settings(texts: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE, as often as wanted, each name once."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or not value:
            raise ValueError(f"--set got {text!r}; pass NAME=VALUE, such as --set seeds=5.")
        if name in found:
            raise ValueError(f"--set got {name} twice; pass it once.")
        found[name] = value
    return found


def _run(
    name: str,
    quick: bool,
    out: Path,
    seed: int,
    force: bool,
    given: dict[str, str] | None = None,
    parts: dict[str, Any] | None = None,
) -> None:
    """Check the outputs, run, write all of them or none, and report."""
    os.environ.setdefault("MPLBACKEND", "agg")  # figures go to files; a window is never opened
    from synfwp import results

    module, known = programs.load_program(name), programs.settings(name)
    values = read_all(known, given or {}, f"program {name!r}")
    stem = programs.stem(name, programs.changed(known, values, quick))
    data, drawn_stem = out / "results" / f"{stem}.nc", out / "figures" / stem
    rows = data.with_suffix(".json")
    drawn = [drawn_stem.with_name(f"{stem}{ending}") for ending in (".pdf", ".png")]
    for path in (data, rows, *drawn):
        results.check_writable(path, force)
    parts = dict(parts or {})
    parts["cells"] = parts.get("cells") or out / "results" / "cells" / name
    ds = programs.run(name, quick=quick, seed=seed, **parts, **values)
    with _kept(ds, name):
        figure, caption = module.figure(ds), module.caption(ds)

        from synfwp import plot

        def write(temporary: Path) -> None:
            results.save(ds, temporary)
            plot.save(figure, drawn_stem, force)

        writers: dict[Path, Callable[[Path], object]] = {data: write}
        if results.has_table(ds):
            page = programs.page(ds, programs.command(name, quick, seed, programs.changed(known, values, quick)))
            writers[rows] = lambda temporary: temporary.write_text(page, "utf-8")
        results.write_together(writers, force)
    blocks = [programs.table(ds), caption, "\n".join(str(path) for path in (*writers, *drawn))]
    print("\n\n".join(block for block in blocks if block))


@contextlib.contextmanager
def _kept(ds: Any, name: str) -> Iterator[None]:
    """A run that has ended is not lost where its figure or its files fail: its result goes to a temporary folder."""
    try:
        yield
    except BaseException as error:  # an interrupt too
        from synfwp import results

        try:
            kept = results.save(ds, Path(tempfile.mkdtemp(prefix="synfwp-")) / f"{name}.nc")
            where = f"The result is kept in {kept}."
        except Exception as worse:
            where = f"The result could not be kept elsewhere: {worse}"
        if isinstance(error, (ValueError, TypeError, OSError, LookupError)):
            raise OSError(f"{error} {where}") from error
        _complain(where)
        raise


def main(args: Sequence[str] | None = None) -> None:
    """The entry point of the command; ends the process with its exit code.

    Examples
    --------
    >>> main(["--version"])
    Traceback (most recent call last):
    ...
    SystemExit: 0
    """
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot print a letter gets another one
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        code = app(args=args, prog_name="synfwp", standalone_mode=False)
    except _UsageError as error:
        _complain(error.format_message())
        code = 2
    sys.exit(code or 0)
