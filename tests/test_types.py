"""Types for users: the stub covers every public name, and a type checker infers what a user's script gets."""

import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
import typing
from pathlib import Path

import numpy as np
import pytest
from public_names import public
from public_types import STUB, stub

import synfwp

ROOT = Path(__file__).parents[1]

SCRIPT = """
import numpy as np

import synfwp as fw

x = np.ones((1, 3, 2))
sent = fw.Instructions(x, x, x)
source = fw.PoissonSource(2, rate=10.0, name="in")
circuit = fw.Circuit([fw.Projection(source, fw.Population(1, fw.LIF(noise=0.0), name="out"), weight=0.1)])
task = fw.tasks.Recall(keys=2, values=2, writes=3)
trained = fw.train(fw.Programmer(d_in=task.d_in), task)
plastic = fw.train(fw.PlasticNetwork(d_out=2), task)

reveal_type(fw.scan("delta", x, x, x))
reveal_type(fw.scan("delta", x, x, x).y)
reveal_type(circuit)
reveal_type(circuit.run(1.0))
reveal_type(circuit.start())
reveal_type(fw.simulate("delta", sent))
reveal_type(trained)
reveal_type(plastic.programmer)
reveal_type(trained.history)
reveal_type(trained.answer(x))
reveal_type(trained.instructions(x))
reveal_type(fw.load("run.nc"))
reveal_type(fw.DELTA)
reveal_type(fw.get_rule("delta"))
reveal_type(task(np.random.default_rng(0), 2))
reveal_type(fw.theory.hebb_cosine(8, 4))
reveal_type(fw.theory.hebb_cosine(np.arange(8), 4))
fw.Cirquit
fw.scan("delta", x, x, x, betta=1.0)
"""
ARRAY = "ndarray[tuple[Any, ...], dtype[Any]]"
REVEALED = [  # without the modules in which these stand
    "Scan", ARRAY, "Circuit", "Dataset", "Simulation", "Dataset", "Trained[Programmer]", "PlasticNetwork", "Dataset",
    ARRAY, "Instructions", "Dataset", "Rule", "Rule", "Batch", "float", ARRAY,
]  # fmt: skip
ERRORS = ['Module has no attribute "Cirquit"', 'Unexpected keyword argument "betta" for "scan"']

# What returns Any, and why no type is known.
UNTYPED = {
    "autograd.": "inside a traced function values are autograd's boxes",
    "reference.": "equations in NumPy, compiled by nobody: arrays in, arrays out",
    "to_neo": "a class of Neo, which is optional",
    "to_pynapple": "classes of pynapple, which is optional",
}


def test_the_stub_is_the_table_of_public_names() -> None:
    expected = stub()
    assert STUB.read_text("utf-8") == expected, f"run `make stubs`, which writes:\n\n{expected}"
    names = [line.split()[-1] for line in expected.splitlines() if line.startswith("from ")]
    assert sorted(names) == synfwp.__all__
    for line in expected.splitlines():
        if line.startswith("from synfwp."):
            home, name = line.split()[1], line.split()[3]
            assert getattr(importlib.import_module(home), name) is getattr(synfwp, name)


def test_a_type_checker_infers_what_a_script_gets_and_refuses_wrong_names(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--follow-imports=silent"]
    command += ["--cache-dir", str(ROOT / ".cache" / "mypy-script"), "--no-pretty", "--hide-error-context", "script.py"]
    environment = os.environ | {"MYPYPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    notes = [line for line in done.stdout.splitlines() if "Revealed type is" in line]
    types = [re.sub(r"(\w+\.)+(?=\w)", "", note.partition('"')[2].removesuffix('"')) for note in notes]
    assert types == REVEALED, done.stdout + done.stderr
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert len(errors) == len(ERRORS), done.stdout
    assert all(message in line for message, line in zip(ERRORS, errors, strict=True)), done.stdout


def untyped(annotation: object) -> bool:
    """Whether a type is Any, or is made of it: elements of a tuple, a list or a union, but not values by name."""
    if annotation is typing.Any or annotation is inspect.Parameter.empty:
        return True
    if typing.get_origin(annotation) in (dict, np.ndarray) or annotation is np.ndarray:
        return False
    return any(untyped(part) for part in typing.get_args(annotation) if not isinstance(part, list))


def returned(function: object) -> list[object]:
    """The types that a function returns: of each overload where there are such."""
    found = typing.get_overloads(function) or [function]  # type: ignore[arg-type]
    names = {name: getattr(synfwp, name) for name in synfwp.__all__} | {"xr": importlib.import_module("xarray")}
    types = [one.__annotations__.get("return", inspect.Parameter.empty) for one in found]
    return [eval(one, _globals(function), names) if isinstance(one, str) else one for one in types]


def _globals(function: object) -> dict[str, object]:
    """The names that the function's own file knows."""
    return vars(sys.modules[function.__module__])


CALLABLE = [name for name, thing in public().items() if inspect.isfunction(thing)]


@pytest.mark.parametrize("name", [name for name in CALLABLE if not name.startswith(tuple(UNTYPED))])
def test_what_a_public_function_returns_has_a_type(name: str) -> None:
    assert not any(map(untyped, returned(public()[name])))


@pytest.mark.parametrize("prefix", UNTYPED)
def test_an_exception_from_types_is_still_one(prefix: str) -> None:
    assert any(any(map(untyped, returned(public()[name]))) for name in CALLABLE if name.startswith(prefix))


def submodules(name: str) -> list[str]:
    """Last names of the modules below a package, at any depth."""
    package = importlib.import_module(name)
    found = pkgutil.walk_packages(package.__path__, f"{name}.", onerror=lambda _: None)
    programs = tuple(f"{name}.{folder}." for folder in ("models", "analyses"))  # run by name: synfwp run capacity
    return [module.name.rpartition(".")[2] for module in found if not module.name.startswith(programs)]


def test_no_public_function_has_the_name_of_a_module_at_any_depth() -> None:
    functions = {name for name in synfwp.__all__ if inspect.isfunction(getattr(synfwp, name))}
    assert functions & set(submodules("synfwp")) == set()


PACKAGES = [m.name for m in pkgutil.walk_packages(synfwp.__path__, "synfwp.", onerror=lambda _: None) if m.ispkg]


@pytest.mark.parametrize("name", [name for name in PACKAGES if name.split(".")[1] not in ("models", "analyses")])
def test_no_package_lists_a_function_with_the_name_of_one_of_its_modules(name: str) -> None:
    if name == "synfwp.torch":
        pytest.importorskip("torch", reason="the extra 'torch' is not installed")
    package = importlib.import_module(name)
    listed = {one for one in getattr(package, "__all__", ()) if inspect.isfunction(getattr(package, one))}
    below = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert listed & below == set()
