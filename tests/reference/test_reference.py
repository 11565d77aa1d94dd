"""The twins are complete and independent."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest
from strategies import outcome, problem

from synfwp import kernels, reference
from synfwp.rules import RULES

TESTS = Path(__file__).parents[1]
SOURCES = sorted(Path(reference.__file__).parent.glob("*.py"))
TWINS = tuple(dict.fromkeys(name.split("(")[0] for name in RULES))  # delta_product(n) has one twin for every n
# kernels whose twins have other names; any other kernel has a twin of its own name
TWINS_OF = {
    "btsp.traces": ("btsp_traces",),
    "btsp.integrals": ("btsp_integrals",),
    "linear.forward": TWINS,
    "linear.adjoint": TWINS,
    "reads.forward": TWINS,
    "reads.adjoint": TWINS,
    "recurrent.forward": ("recurrent",),
    "recurrent.adjoint": ("recurrent",),
    "momentum.forward": ("momentum_delta",),
    "momentum.adjoint": ("momentum_delta",),
    "mesa.forward": ("mesa",),
    "mesa.adjoint": ("mesa",),
    "self_referential.forward": ("self_referential",),
    "self_referential.adjoint": ("self_referential",),
    "plastic.forward": ("plastic",),
    "plastic.adjoint": ("plastic",),
    "taylor.forward": ("taylor",),
    "taylor.adjoint": ("taylor",),
    "circuit.run": ("circuit",),
    "rate.run": ("rate_network",),
    "circuit.settle": ("circuit",),
    "circuit_rules.brought": ("state_rule",),
    "synapses.run": (
        "bounded_synapses",
        "few_bit_synapses",
        "signed_synapses",
        "binary_synapses",
        "cascade_synapses",
        "benna_fusi_synapses",
        "fading_synapses",
    ),
}


def public_kernels():
    for module in pkgutil.iter_modules(kernels.__path__):
        if not module.name.startswith("_"):
            source = ast.parse(Path(importlib.import_module(f"synfwp.kernels.{module.name}").__file__).read_text())
            for node in source.body:
                # what only other kernels call is decorated as inline_kernel or restrict_kernel
                if isinstance(node, ast.FunctionDef) and "kernel" in [ast.unparse(d) for d in node.decorator_list]:
                    yield module.name, node.name


def names_used_by_tests():
    """Attributes of ``reference`` that some test reads; the rows are read by name in ``strategies``."""
    used = set()
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "reference":
                used.add(node.attr)
            if isinstance(node, ast.ImportFrom) and node.module == "synfwp.reference":
                used.update(alias.name for alias in node.names)
    return used | set(TWINS)


def test_every_row_has_a_twin():
    assert [name for name in TWINS if not callable(getattr(reference, name, None))] == []


@pytest.mark.parametrize("name", TWINS)
def test_every_twin_of_a_row_is_run_by_the_tests_of_the_kernels(name, rng, monkeypatch):
    row = next(row for key, row in RULES.items() if key.split("(")[0] == name)
    runs, run = [], getattr(reference, name)
    monkeypatch.setattr(reference, name, lambda *args, **kwargs: runs.append(name) or run(*args, **kwargs))
    outcome(problem(row, rng, 2, 3, 2))
    assert runs == [name]


@pytest.mark.parametrize(("module", "kernel"), list(public_kernels()))
def test_every_kernel_has_a_twin_that_a_test_uses(module, kernel):
    twins = TWINS_OF.get(f"{module}.{kernel}", (kernel,))
    assert [name for name in twins if not hasattr(reference, name)] == []
    assert set(twins) <= names_used_by_tests()


def test_every_function_of_the_reference_is_used_by_a_test():
    trees = [ast.parse(path.read_text()) for path in SOURCES if path.name != "documents.py"]  # of docstrings
    functions = [node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    public = {name for name in functions if not name.startswith("_")}
    assert public == set(reference.__all__)
    assert public - names_used_by_tests() == set()


def test_the_reference_imports_numpy_and_the_standard_library_alone():
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module or ".")
    beside = {name for name in found if name.startswith("synfwp.reference.")}  # the face, and a shared helper
    assert found - beside <= {"numpy", "math", "inspect", "itertools", "collections", "collections.abc"}
