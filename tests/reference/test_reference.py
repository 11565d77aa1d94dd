"""The twins are complete and independent; the closed forms hold over seeds and would not for another rule."""

import ast
import importlib
import pkgutil
from pathlib import Path

import numpy as np
import pytest
from strategies import outcome, problem

import synfwp as fw
from synfwp import kernels, reference, theory
from synfwp.rules import RULES, Rule

TESTS = Path(__file__).parents[1]
SOURCES = sorted(Path(reference.__file__).parent.glob("*.py"))
TWINS = tuple(dict.fromkeys(name.split("(")[0] for name in RULES))  # delta_product(n) has one twin for every n
# kernels whose twins have other names; any other kernel has a twin of its own name
TWINS_OF = {
    "linear.forward": TWINS,
    "linear.adjoint": TWINS,
    "momentum.forward": ("momentum_delta",),
    "momentum.adjoint": ("momentum_delta",),
    "mesa.forward": ("mesa",),
    "mesa.adjoint": ("mesa",),
    "self_referential.forward": ("self_referential",),
    "self_referential.adjoint": ("self_referential",),
    "plastic.forward": ("plastic",),
    "plastic.adjoint": ("plastic",),
    "circuit.run": ("circuit",),
    "rate.run": ("rate_network",),
    "circuit.settle": ("circuit",),
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
    trees = [ast.parse(path.read_text()) for path in SOURCES]
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
    assert found - beside <= {"numpy", "math", "collections", "collections.abc"}


# --- closed forms: expectations over seeds ---------------------------------------------------------------------------

D = 64
HALF_ERASE = Rule(name="half erase", erase=0.5, write=1.0)


def units(rng, *shape):
    x = rng.standard_normal(shape)
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def deviation(sample, expected):
    """(mean - expected) / standard error over the seeds."""
    return (np.mean(sample) - expected) / (np.std(sample, ddof=1) / np.sqrt(len(sample)))


def stationary_norm(rule, beta, seeds=24, burn_in=3000, T=6000):
    """Squared norm of W averaged over the writes after the burn-in, for each seed."""
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng([10, seed])
        k, v = units(rng, T, D), units(rng, T, D)
        gate = {} if rule is HALF_ERASE else {"beta": np.full(T, beta)}
        states = fw.scan(rule, k, k, v, **gate, states=50).states[burn_in // 50 :]
        found.append(np.mean(np.sum(states**2, axis=(1, 2))))
    return np.array(found)


@pytest.mark.parametrize("beta", [0.1, 0.5, 1.0, 1.5])
def test_the_norm_of_delta_settles_at_d_beta_over_two_minus_beta(beta):
    # at beta = .1 the first W is forgotten as (1 - .1 x 1.9 / 64)^3000 = 1e-4
    assert abs(deviation(stationary_norm(fw.DELTA, beta), theory.delta_norm(beta, D))) < 3


def test_the_published_norms_come_out_to_their_digits():
    found = [theory.delta_norm(beta, 64) for beta in (0.1, 0.5, 1.0, 1.5)]
    assert [float(f"{x:.3g}") for x in found] == [3.37, 21.3, 64.0, 192.0]


@pytest.mark.parametrize(("rule", "beta"), [(fw.DELTA, 1.02), (fw.DELTA, 0.98), (HALF_ERASE, 1.0)])
def test_the_norm_would_not_settle_there_with_another_step_or_half_the_erasure(rule, beta):
    assert abs(deviation(stationary_norm(rule, beta, seeds=24), theory.delta_norm(1.0, D))) > 3


def recall_of_age(rule, age, writes, beta=1.0, seeds=200):
    """Signal and squared error of the item of some age, one sequence for each seed."""
    signal, error = [], []
    for seed in range(seeds):
        rng = np.random.default_rng([11, seed])
        k, v = units(rng, writes, D), units(rng, writes, D)
        at = writes - 1 - age
        recalled = fw.scan(rule, k, k, v, np.full(writes, beta)).W @ k[at]
        signal.append(recalled @ v[at])
        error.append(np.sum((recalled - v[at]) ** 2))
    return np.array(signal), np.array(error)


@pytest.mark.parametrize(("age", "writes"), [(31, 128), (0, 20), (100, 128), (10, 300)])
def test_delta_forgets_with_age_as_the_closed_forms_say(age, writes):
    signal, error = recall_of_age(fw.DELTA, age, writes)
    if age == 0:  # no scatter: beta = 1 stores a unit key exactly
        np.testing.assert_allclose(signal, 1, atol=1e-13)
        np.testing.assert_allclose(error, theory.delta_squared_error(0, writes, D), atol=1e-13)
    else:
        assert abs(deviation(signal, theory.delta_signal(age, D))) < 3
        assert abs(deviation(error, theory.delta_squared_error(age, writes, D))) < 3


def test_the_published_error_at_age_31_after_128_writes_is_72_hundredths():
    assert round(theory.delta_squared_error(31, 128, 64), 2) == 0.72


@pytest.mark.parametrize(("rule", "beta"), [(fw.DELTA, 0.9), (fw.DELTA, 1.1), (fw.HEBB, 1.0), (fw.ANTI_HEBB, 1.0)])
def test_another_step_or_sign_would_not_forget_so(rule, beta):
    signal, error = recall_of_age(rule, 31, 128, beta)
    assert abs(deviation(signal, theory.delta_signal(31, D))) > 3
    assert abs(deviation(error, theory.delta_squared_error(31, 128, D))) > 3


def hebbian_recall(rule, pairs, beta=1.0, seeds=40, d_v=128):
    """Squared error, cosine and share of wrong signs of the recall of +-1 values: means over pairs, for each seed."""
    error, cosine, sign = [], [], []
    for seed in range(seeds):
        rng = np.random.default_rng([12, seed])
        k, v = units(rng, pairs, D), rng.choice([-1.0, 1.0], (pairs, d_v))
        recalled = k @ fw.scan(rule, k, k, v, np.full(pairs, beta)).W.T
        error.append(np.mean((recalled - v) ** 2))
        cosine.append(np.mean(np.sum(recalled * v, -1) / np.linalg.norm(recalled, axis=-1) / d_v**0.5))
        sign.append(np.mean(np.sign(recalled) != v))
    return np.array(error), np.array(cosine), np.array(sign)


def closed_forms(pairs):
    return [f(pairs, D) for f in (theory.hebb_squared_error, theory.hebb_cosine, theory.hebb_sign_error)]


@pytest.mark.parametrize("pairs", [33, 65, 129])
def test_hebb_recalls_with_the_error_cosine_and_signs_of_the_closed_forms(pairs):
    for sample, expected in zip(hebbian_recall(fw.HEBB, pairs), closed_forms(pairs), strict=True):
        assert abs(deviation(sample, expected)) < 3


@pytest.mark.parametrize(("rule", "beta"), [(fw.ANTI_HEBB, 1.0), (fw.DELTA, 1.0), (fw.DELTA, 0.5)])
def test_another_sign_or_rule_would_not_recall_so(rule, beta):
    for sample, expected in zip(hebbian_recall(rule, 65, beta), closed_forms(65), strict=True):
        assert abs(deviation(sample, expected)) > 3


def test_another_step_would_not_have_the_squared_error_of_hebb():
    assert abs(deviation(hebbian_recall(fw.HEBB, 65, 0.9)[0], theory.hebb_squared_error(65, D))) > 3
