"""What gets installed: the contents of wheel and sdist, the editable layout, versions, make targets, import time."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import synfwp

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CORE = [Requirement(line) for line in PROJECT["dependencies"]]
TEST = [Requirement(line) for line in PROJECT["optional-dependencies"]["test"]]
VERSION = synfwp.__version__
PYTHONS = ("3.11", "3.12", "3.13")
PROGRAM = '"""A program that only this test knows."""\n\nANSWER = 42\n'


def run(*command: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and keep what it prints; a make that runs the tests hands nothing on."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(command, cwd=cwd, env=inherited | environment, capture_output=True, text=True)


def pins(file: str) -> list[Requirement]:
    """The lines of a constraints file, less comments."""
    lines = (ROOT / file).read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def applying(requirements: list[Requirement], python: str) -> list[Requirement]:
    """Those whose marker holds under one Python."""
    return [r for r in requirements if r.marker is None or r.marker.evaluate({"python_version": python})]


def pinned(file: str, python: str) -> dict[str, str]:
    """Name -> version of a constraints file under one Python."""
    chosen = applying(pins(file), python)
    table: dict[str, str] = {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in chosen}
    assert len(table) == len(chosen), "a name is pinned twice"
    return table


def lower(requirement: Requirement) -> str | None:
    """The version after ``>=``, if there is one."""
    return next((s.version for s in requirement.specifier if s.operator == ">="), None)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A wheel and an sdist of a copy with one more model and one more analysis."""
    tree = tmp_path_factory.mktemp("tree") / "synfwp"
    ignore = shutil.ignore_patterns(
        ".git", ".venv*", ".cache", "__pycache__", "dist", "results", "figures", "_build", "generated", ".*_cache"
    )
    shutil.copytree(ROOT, tree, ignore=ignore)
    for folder, name in (("models", "only_model"), ("analyses", "only_analysis")):
        (tree / folder).mkdir(exist_ok=True)
        (tree / folder / f"{name}.py").write_text(PROGRAM)
    done = run(sys.executable, "-m", "hatchling", "build", "-d", "dist", cwd=tree)
    assert done.returncode == 0, done.stdout + done.stderr
    dist = tree / "dist"
    return {"tree": tree, "wheel": next(dist.glob("*.whl")), "sdist": next(dist.glob("*.tar.gz"))}


def test_a_wheel_installs_models_and_analyses_inside_the_package(built: dict[str, Path], tmp_path: Path) -> None:
    site = tmp_path / "site"
    install = ("install", "--quiet", "--no-deps", "--no-index", "--target", str(site), str(built["wheel"]))
    done = run(sys.executable, "-m", "pip", *install)
    assert done.returncode == 0, done.stderr
    code = (
        "import synfwp, synfwp.models.only_model as m, synfwp.analyses.only_analysis as a\n"
        "print(synfwp.__file__, synfwp.__version__, m.ANSWER, a.ANSWER, *synfwp.models.__path__)"
    )
    done = run(sys.executable, "-c", code, cwd=tmp_path, PYTHONPATH=str(site))
    package = site / "synfwp"
    assert done.stdout.split() == [str(package / "__init__.py"), VERSION, "42", "42", str(package / "models")]
    assert (package / "py.typed").exists()


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(built: dict[str, Path]) -> None:
    tree = built["tree"]
    expected = {str(p.relative_to(tree)) for p in (tree / "synfwp").rglob("*") if p.is_file()}
    for folder in ("models", "analyses"):
        expected |= {f"synfwp/{p.relative_to(tree)}" for p in (tree / folder).rglob("*") if p.is_file()}
    names = {name for name in zipfile.ZipFile(built["wheel"]).namelist() if ".dist-info/" not in name}
    assert names == expected
    assert {Path(name).suffix for name in names} >= {".py", ".pyi", ".csv", ".mplstyle", ".bib", ".typed"}


def test_the_sdist_builds_the_same_wheel(built: dict[str, Path], tmp_path: Path) -> None:
    with tarfile.open(built["sdist"]) as archive:
        archive.extractall(tmp_path, filter="data")
    source = next(tmp_path.iterdir())
    done = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "dist", cwd=source)
    assert done.returncode == 0, done.stdout + done.stderr
    again = zipfile.ZipFile(next((source / "dist").glob("*.whl"))).namelist()
    assert sorted(again) == sorted(zipfile.ZipFile(built["wheel"]).namelist())
    needed = ["Makefile", "README.md", "LICENSE", "constraints.txt", "environment.yml", "tests/conftest.py", ".ci/run"]
    assert [name for name in needed if not (source / name).exists()] == []


def test_an_editable_install_sees_the_folders_of_the_checkout() -> None:
    programs = [*(ROOT / "models").glob("*.py"), *(ROOT / "analyses").glob("*.py")]
    assert ROOT / "analyses" / "first_look.py" in programs
    for program in programs:
        spec = importlib.util.find_spec(f"synfwp.{program.parent.name}.{program.stem}")
        assert spec is not None
        assert spec.origin == str(program)


def test_programs_import_no_other_program_and_no_command_line() -> None:
    for program in [*(ROOT / "models").glob("*.py"), *(ROOT / "analyses").glob("*.py")]:
        found = imports(program)
        above = {f"synfwp.{name}" for name in ("cli", "programs", "models", "analyses")} | {"models", "analyses"}
        assert {name for name in found if any(name == a or name.startswith(f"{a}.") for a in above)} == set(), program


KNOWN = [("kernels/*.py", {"numpy", "numba", "synfwp"}), ("reference/*.py", {"numpy", "synfwp"})]


@pytest.mark.parametrize(("files", "known"), KNOWN)
def test_kernels_and_reference_know_only_numpy_and_numba(files: str, known: set[str]) -> None:
    paths = list((ROOT / "synfwp").glob(files))
    assert paths
    for path in paths:
        found = {name.split(".")[0] for name in imports(path)} - sys.stdlib_module_names
        assert found <= known, path


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports, anywhere in it; ``from a import b`` counts as ``a`` and ``a.b``."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_one_version_everywhere() -> None:
    assert f"version: {VERSION}\n" in (ROOT / "CITATION.cff").read_text()
    assert re.findall(r"(?m)^## (\S+)", (ROOT / "CHANGELOG.md").read_text())[0] == VERSION


def test_the_citation_names_the_founding_paper() -> None:
    citation: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    paper = citation["references"][0]
    assert [author["family-names"] for author in paper["authors"]] == ["Irie", "Gershman"]
    assert paper["identifiers"][0]["value"] == "arXiv:2508.08435"


@pytest.mark.parametrize("file", ["constraints.txt", "constraints-oldest.txt"])
def test_constraints_are_names_and_versions_only(file: str) -> None:
    line = re.compile(r"[a-z0-9.-]+==[a-z0-9.]+( ; python_version [<>=!]{1,2} '3\.1[123]')?")
    lines = [text for text in (ROOT / file).read_text().splitlines() if not text.startswith("#")]
    assert [text for text in lines if not line.fullmatch(text)] == []
    assert "://" not in (ROOT / file).read_text()
    assert not {"torch", "triton"} & {pin.name for pin in pins(file)}


@pytest.mark.parametrize("python", PYTHONS)
def test_constraints_pin_what_is_required_on_every_python(python: str) -> None:
    table = pinned("constraints.txt", python)
    extras = PROJECT["optional-dependencies"]
    wanted = CORE + [Requirement(line) for name in extras if name not in ("torch", "bench") for line in extras[name]]
    for requirement in applying(wanted, python):
        assert requirement.specifier.contains(table[canonicalize_name(requirement.name)]), requirement


def test_the_oldest_versions_are_the_lower_bounds() -> None:
    table = pinned("constraints-oldest.txt", PYTHONS[0])
    bounds = {canonicalize_name(r.name): lower(r) for r in CORE + TEST if lower(r)}
    assert {name: table.get(name) for name in bounds} == bounds
    assert {r.name for r in CORE + TEST} == set(bounds), "a dependency has no lower bound"


def test_conda_asks_for_the_same_bounds() -> None:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = {r.name: r.specifier for r in map(Requirement, listed)}
    python = conda.pop("python")
    assert [p for p in PYTHONS if python.contains(p)] == ["3.12", "3.13"]
    del conda["pip"]
    assert conda == {r.name: r.specifier for r in applying(CORE, "3.12")}


def test_make_alone_explains_every_target() -> None:
    explained = re.findall(r"(?m)^make (\S+) +\S", run("make").stdout)
    names = "help demo test test-programs test-modes test-torch fuzz kills warm figures coverage bench docs picture"
    assert explained == [*names.split(), "lint", "stubs", "clean"]


def interpreter(folder: Path, name: str, version: str) -> None:
    """A pretended Python that reports ``version``; one without a version fails, as a shim of pyenv does."""
    script = folder / name
    script.write_text(f"#!/bin/sh\necho {version}\n" if version else "#!/bin/sh\necho not found >&2\nexit 127\n")
    script.chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH on which there is no Python, only what make needs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("cat", "cksum", "tr", "sh"):
        (folder / name).symlink_to(str(shutil.which(name)))
    for name in ("python3.13", "python3.12", "python3"):
        interpreter(folder, name, "")
    return folder


def chosen(tools: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What ``make python`` chooses where PATH is only ``tools``."""
    return run(str(shutil.which("make")), "-s", "python", *arguments, PATH=str(tools), PYTHON="")


def test_make_takes_a_python_that_really_runs(tools: Path) -> None:
    interpreter(tools, "python3.11", "3.11")
    assert chosen(tools).stdout == "python3.11\n"


def test_make_refuses_other_pythons_by_name(tools: Path) -> None:
    interpreter(tools, "python3", "3.10")
    done = chosen(tools)
    assert done.returncode != 0
    assert "needs Python 3.11, 3.12 or 3.13" in done.stderr
    assert "python3.12 is not one that runs; " in done.stderr
    assert "python3 is 3.10; " in done.stderr
    interpreter(tools, "python3.12", "3.12")
    assert "python3 is 3.10." in chosen(tools, "PYTHON=python3").stderr


def test_importing_synfwp_is_cheap() -> None:
    code = (
        "import sys, time; start = time.perf_counter(); import synfwp; seconds = time.perf_counter() - start\n"
        "heavy = 'brian2 matplotlib scipy xarray numba autograd pynwb neo dask torch typer'.split()\n"
        "print(seconds, *[name for name in heavy if name in sys.modules])"
    )
    runs = [run(sys.executable, "-c", code).stdout.split() for _ in range(3)]
    assert [loaded for _, *loaded in runs] == [[]] * 3
    assert min(float(seconds) for seconds, *_ in runs) < 1.0
