"""The command ``synfwp``: list, run, draw and cite the models and analyses; compile beforehand.

A user's mistake ends with exit code 2 and one line on stderr; an interrupt with 130. Outputs are checked before a run,
and either all of them appear or none. Every help ends with examples, which a test parses.
"""

import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from synfwp import __version__, programs
from synfwp import figures as figures_
from synfwp.checks import lookup
from synfwp.commands import files as files_
from synfwp.commands import listing
from synfwp.commands.sweeping import add_to, read
from synfwp.settings import read_all

DEMO = "first_look"
_TOLD = (ValueError, TypeError, OSError)  # whose messages are for the user
_UsageError: Any = typer.BadParameter.__mro__[1]  # click's own or typer's copy of it, by the version of typer
app = typer.Typer(name="synfwp", pretty_exceptions_enable=False, rich_markup_mode=None)

Name = Annotated[
    str,
    typer.Argument(help="A program, as `synfwp list` names it.", show_default=False, autocompletion=listing.named),
]
Quick = Annotated[bool, typer.Option("--quick", help="A smaller size, done in seconds.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for results/ and figures/.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of every random draw.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A setting, as `synfwp list PROGRAM` lists them; again for more.",
        autocompletion=listing.settable,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace existing results.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes that share the parts of a run.")]
Cells = Annotated[
    Path | None, typer.Option("--cells", help="Folder of finished parts, results/cells of --out if not given.")
]
Width = Annotated[
    int | None,
    typer.Option(
        "--width", metavar="89|183", help="Width in mm: of a column, or of a page; files end in -89mm, -183mm."
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="NAME", help="This program alone; again for more.", autocompletion=listing.named),
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
        except KeyboardInterrupt as error:
            _complain(" ".join([*getattr(error, "__notes__", []), "interrupted."]))
            raise typer.Exit(130) from None

    return guarded


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Fast weights as synapses: run and cite models and analyses.

    Exit codes: 0, done; 1, some figures or cells failed, or a rerun differs; 2, a mistake in the command, a setting or
    a file, on one line; 130, interrupted.

    Example: synfwp list --long

    Example: synfwp run vogels2011 --quick --set rho0=8
    """
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
    """Run the first look: train, carry out with rates and spikes, compare with data, draw.

    Example: synfwp demo --quick --out demo
    """
    _run(figures_.Job(DEMO, out, quick, seed), force)


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
    width: Width = None,
) -> None:
    """Run a model or an analysis; write results/NAME.nc, its rows as .json, and figures/NAME.pdf, .svg, .png and .txt.

    With other settings the files are NAME-setting=value.nc, and so on. Each finished part of a run (one condition, one
    seed) is kept, and is not run again: a run that was stopped goes on, and one with more seeds runs only these.

    Example: synfwp run song2000 --quick --out trial

    Example: synfwp run vogels2011 --seed 3 --set rho0=8 --jobs 2
    """
    job = figures_.Job(name, out, quick, seed, width=width, cells=cells, jobs=jobs, again=again)
    _run(job, force, read("--set", set_ or []))


@app.command()
@_guarded
def figures(
    quick: Quick = False,
    only: Only = None,
    out: Out = Path(),
    seed: Seed = 0,
    force: Force = False,
    jobs: Jobs = 1,
    cells: Annotated[
        Path | None, typer.Option("--cells", help="Folder with finished parts of NAME in NAME/, as those of `run`.")
    ] = None,
    width: Width = None,
    run_: Annotated[bool, typer.Option("--run/--no-run", help="Run programs that have no finished result.")] = True,
) -> None:
    """Make the figures of all models and analyses, and figures/index.html with all of them on one page.

    A finished result of the same run is taken, and only drawn anew, unless --force is given. What fails is reported at
    the end, with exit code 1; all other figures are kept.

    Example: synfwp figures --only song2000 --only vogels2011 --width 89

    Example: synfwp figures --no-run
    """
    from synfwp import plot

    with plot.at_width(width):  # refuses a width before anything is run
        names = only or list(programs.list_programs())
    for name in names:
        lookup("program", name, programs.list_programs())
    todo = [
        figures_.Job(name, out, quick, seed, width=width, cells=None if cells is None else cells / name, jobs=jobs)
        for name in dict.fromkeys(names)
    ]
    failed = []
    for job, text, error in figures_.all_of(todo, force, run_):
        if error is None:
            print(text, flush=True)
        else:
            failed.append(f"{job.name}: {'' if isinstance(error, _TOLD) else f'{type(error).__name__}: '}{error}")
    for text in failed:
        _complain(text)
    if failed:
        _complain(f"{len(failed)} of {len(todo)} figures failed.")
        raise typer.Exit(1)


@app.command()
@_guarded
def scorecard(
    results_: Annotated[Path, typer.Option("--results", help="Folder with the NAME.json of programs.")] = Path(
        "docs/results"
    ),
    out: Annotated[Path, typer.Option("--out", help="Folder for scorecard.md and scorecard.csv.")] = Path("docs"),
) -> None:
    """Write all rows of all programs on one page with a verdict for each: scorecard.md and scorecard.csv; print it.

    Example: synfwp scorecard --results results --out .
    """
    from synfwp import results
    from synfwp import scorecard as page

    found = page.lines(results_)
    texts = {out / "scorecard.md": page.as_markdown(found), out / "scorecard.csv": page.as_csv(found)}
    results.write_together({path: results.text_writer(text) for path, text in texts.items()}, force=True)
    print(texts[out / "scorecard.md"])


@app.command()
@_guarded
def cite(
    name: Annotated[
        str,
        typer.Argument(
            help="A rule, a program, or a key of the bibliography.",
            show_default=False,
            autocompletion=listing.citable,
        ),
    ],
) -> None:
    """Print how to cite a rule, a model, an analysis or a paper.

    Example: synfwp cite delta

    Example: synfwp cite vogels2011
    """
    print(programs.citation(name))


@app.command()
@_guarded
def warm() -> None:
    """Compile every kernel into the cache, so that no later run has to.

    Example: synfwp warm
    """
    from tqdm import tqdm

    from synfwp.warm import jobs

    found = jobs()
    for name, job in (bar := tqdm(found.items(), desc="compiling", unit="kernel", disable=None, leave=False)):
        bar.set_postfix_str(name)
        job()
    print(f"compiled, or found in the cache: kernels of {len(found)} kinds.")


app.command("list")(_guarded(listing.list_))
add_to(app, _guarded)
for _command in (files_.show, files_.rerun):
    app.command()(_guarded(_command))


def _run(job: figures_.Job, force: bool, given: dict[str, str] | None = None) -> None:
    """Run with what is given as text; write all files or none, and report."""
    values = read_all(programs.settings(job.name), given or {}, f"program {job.name!r}")
    print(figures_.made(job._replace(values=values), force))


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
