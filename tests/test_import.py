"""Importing the package is cheap, and every public name can be had."""

import subprocess
import sys

import pytest

import synfwp

HEAVY = ("matplotlib", "brian2", "numba", "xarray", "scipy")


def fresh(code: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_import_takes_less_than_a_second_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, time; start = time.perf_counter(); import synfwp; took = time.perf_counter() - start;"
        f"print(took < 1.0, sorted(set({HEAVY}) & set(sys.modules)))"
    )
    assert fresh(code) == "True []"


@pytest.mark.parametrize("name", synfwp.__all__)
def test_a_public_name_can_be_had(name: str) -> None:
    assert getattr(synfwp, name) is not None


def test_every_public_name_is_listed_and_an_unknown_one_is_refused() -> None:
    assert set(synfwp.__all__) <= set(dir(synfwp))
    with pytest.raises(AttributeError, match=r"^module 'synfwp' has no attribute 'wholly_unlike'$"):
        synfwp.wholly_unlike  # noqa: B018


@pytest.mark.parametrize(("wrong", "right"), [("Cirquit", "Circuit"), ("delta", "DELTA"), ("scann", "scan")])
def test_a_name_that_is_written_wrong_is_met_with_the_right_one(wrong: str, right: str) -> None:
    with pytest.raises(AttributeError, match=f"no attribute '{wrong}'; did you mean '{right}'\\?$"):
        getattr(synfwp, wrong)


def test_no_public_function_shares_the_name_of_a_submodule() -> None:
    """A submodule, once imported, would take the place of the function."""
    code = (
        "import pkgutil, synfwp; modules = {m.name for m in pkgutil.iter_modules(synfwp.__path__)};"
        "print(sorted((set(synfwp.__all__) & modules) - set(synfwp._MODULES)))"
    )
    assert fresh(code) == "[]"
