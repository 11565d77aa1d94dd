"""The command ``synfwp``: list, run and cite the models and analyses; compile beforehand.

A user's mistake ends with exit code 2 and one line on stderr; an interrupt with 130. Outputs are checked before a run,
and either all of them appear or none.
"""

import functools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from synfwp import __version__, programs

DEMO = "first_look"
_UsageError: Any = typer.BadParameter.__mro__[1]  # click's own or typer's copy of it, by the version of typer
app = typer.Typer(name="synfwp", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="A program, as `synfwp list` names it.", show_default=False)]
Quick = Annotated[bool, typer.Option("--quick", help="A smaller size, done in seconds.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for results/ and figures/.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of every random draw.")]
Force = Annotated[bool, typer.Option("--force", help="Replace existing results.")]


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
def list_() -> None:
    """List the models and analyses."""
    found = programs.list_programs()
    if found:
        columns = [list(found), [p.kind for p in found.values()], [p.summary for p in found.values()]]
        print(programs.columns_of_text(columns))
    else:
        print("No models or analyses are installed.")


@app.command()
@_guarded
def run(name: Name, quick: Quick = False, out: Out = Path(), seed: Seed = 0, force: Force = False) -> None:
    """Run a model or an analysis; write results/NAME.nc and figures/NAME.pdf and .png."""
    _run(name, quick, out, seed, force)


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


def _run(name: str, quick: bool, out: Path, seed: int, force: bool) -> None:
    """Check the outputs, run, write all of them or none, and report."""
    os.environ.setdefault("MPLBACKEND", "agg")  # figures go to files; a window is never opened
    from synfwp import results

    module = programs.load_program(name)
    data, stem = out / "results" / f"{name}.nc", out / "figures" / name
    drawn = [stem.with_name(f"{name}{ending}") for ending in (".pdf", ".png")]
    for path in (data, *drawn):
        results.check_writable(path, force)
    ds = programs.run(name, quick=quick, seed=seed)
    figure, caption = module.figure(ds), module.caption(ds)

    from synfwp import plot

    def write(temporary: Path) -> None:
        results.save(ds, temporary)
        plot.save(figure, stem, force)

    results.write_atomically(data, write, force)
    blocks = [programs.table(ds), caption, "\n".join(str(path) for path in (data, *drawn))]
    print("\n\n".join(block for block in blocks if block))


def main(args: Sequence[str] | None = None) -> None:
    """The entry point of the command; ends the process with its exit code.

    Examples
    --------
    >>> main(["--version"])
    Traceback (most recent call last):
    ...
    SystemExit: 0
    """
    try:
        code = app(args=args, prog_name="synfwp", standalone_mode=False)
    except _UsageError as error:
        _complain(error.format_message())
        code = 2
    sys.exit(code or 0)
