"""``synfwp sweep``: a model or an analysis over a grid of its settings."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from synfwp.commands.listing import named

Grid = Annotated[
    list[str], typer.Option("--grid", metavar="NAME=V,V,...", help="Values of a setting; again for more dims.")
]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of all cells.")]
Seeds = Annotated[int, typer.Option("--seeds", min=1, help="Replicates of each point.")]
On = Annotated[str, typer.Option("--on", help="threads, processes, tcp://HOST:PORT of a scheduler, slurm, pbs or sge.")]
Jobs = Annotated[int | None, typer.Option("--jobs", min=1, help="Threads, processes or jobs; all if not given.")]
Store = Annotated[Path, typer.Option("--store", help="Folder in Zarr; the cells are kept in a file beside it.")]
Retry = Annotated[bool, typer.Option("--retry", help="Run cells that failed once more.")]
Changed = Annotated[str, typer.Option("--changed", help="Kept cells of other code: refuse, again (drop them) or mix.")]
Estimate = Annotated[bool, typer.Option("--estimate", help="Time one cell, print what all would take, and end.")]
Quick = Annotated[bool, typer.Option("--quick", help="Cells of the quick size.")]


def command(
    name: Annotated[
        str,
        typer.Argument(help="A program, as `synfwp list` names it.", show_default=False, autocompletion=named),
    ],
    grid: Grid,
    seeds: Seeds = 1,
    on: On = "processes",
    jobs: Jobs = None,
    set_: Sets = None,
    quick: Quick = False,
    store: Store = Path("sweep.zarr"),
    retry: Retry = False,
    changed: Changed = "refuse",
    estimate: Estimate = False,
) -> None:
    """Run a model or an analysis over a grid of settings, many seeds each; write one Dataset in Zarr.

    Every finished cell is on the disk. What was stopped or killed goes on where it was when the same command is given
    again; more values or seeds run only the new cells. Exit code 1: some cells failed; the others are kept.

    Example: synfwp sweep vogels2011 --quick --grid rho0=3,5,8 --seeds 5 --estimate

    Example: synfwp sweep vogels2011 --grid rho0=3,5,8 --seeds 20 --on slurm --jobs 10 --store rho0.zarr
    """
    from synfwp import sweeps

    given = read("--grid", grid)
    fixed: dict[str, Any] = read("--set", set_ or []) | ({"quick": True} if quick else {})
    values = {key: [x.strip() for x in text.split(",") if x.strip()] for key, text in given.items()}
    if estimate:
        print(sweeps.cost(name, values, seeds=seeds, fixed=fixed, workers=jobs, store=store))
        return
    ds = sweeps.sweep(
        name, values, seeds=seeds, fixed=fixed, on=on, workers=jobs, store=store, retry=retry, changed=changed
    )
    sizes = ", ".join(f"{dim} {size}" for dim, size in ds.sizes.items())
    failed = int((ds.failure != "").sum())
    print(f"{store}: {ds.failure.size} cells ({sizes})" + (f", {failed} failed" if failed else ""))
    if failed:
        raise typer.Exit(1)


def read(option: str, texts: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE, as often as wanted, each name once.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> read("--grid", ["beta=0.1,0.5"])
    {'beta': '0.1,0.5'}
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or not value:
            raise ValueError(f"{option} got {text!r}; pass NAME=VALUE, such as {option} seeds=5.")
        if name in found:
            raise ValueError(f"{option} got {name} twice; pass it once.")
        found[name] = value
    return found


def add_to(app: typer.Typer, told: Callable[[Callable[..., None]], Callable[..., None]]) -> None:
    """The command of a program."""
    app.command("sweep")(told(command))
