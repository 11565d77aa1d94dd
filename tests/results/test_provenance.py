"""Provenance says how to run a result again, as text and numbers."""

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synfwp
from synfwp import results
from synfwp.results import attributes
from synfwp.rules import DELTA


@dataclasses.dataclass(frozen=True)
class Neuron:
    """Parameters as a simulation has them."""

    tau: float = 20.0
    sizes: tuple[int, ...] = (1, 2)


def test_provenance_says_how_to_run_it_again() -> None:
    attrs = results.provenance({"neuron": Neuron(), "loads": np.array([8, 16])}, seed=3, rule=DELTA)
    assert (attrs["synfwp_version"], attrs["rule"], attrs["seed"]) == (synfwp.__version__, "delta", 3)
    parameters = json.loads(str(attrs["parameters"]))
    own = parameters["neuron"].pop("class code")
    assert own == {"class": f"{__name__}.Neuron", "tau": 20.0, "sizes": [1, 2]}  # fields have their defaults there
    assert parameters == {"neuron": {"class": "Neuron", "tau": 20.0, "sizes": [1, 2]}, "loads": [8, 16]}
    assert json.loads(str(attrs["dependencies"]))["numpy"] == np.__version__
    assert str(attrs["created"]).endswith("+00:00")
    assert "rule" not in results.provenance({}, seed=0)


@pytest.mark.parametrize(
    ("seed", "kept"),
    [
        (range(3), "[0, 1, 2]"),
        (2**70, str(2**70)),
        (np.int64(4), 4),
        (np.random.SeedSequence(5, spawn_key=(1,)), '{"entropy": 5, "spawn_key": [1]}'),
    ],
)
def test_a_seed_of_any_kind_is_kept(seed: Any, kept: Any) -> None:
    assert results.provenance({}, seed)["seed"] == kept


def test_a_generator_is_kept_by_its_state() -> None:
    rng = np.random.default_rng(0)
    again = np.random.default_rng(1)
    again.bit_generator.state = json.loads(str(results.provenance({}, rng)["seed"]))
    assert again.random() == rng.random()


def test_a_parameter_without_a_plain_form_is_named() -> None:
    with pytest.raises(TypeError, match=r"parameters\['a'\]\['b'\] is a object; pass numbers"):
        results.provenance({"a": {"b": object()}}, seed=0)


def test_the_commit_is_told_in_a_checkout_and_only_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert attributes._git_commit(tmp_path) is None

    def git(*args: str) -> str:
        who = [
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "-c",
            "commit.gpgsign=false",
            "-c",
            "core.hooksPath=/dev/null",
        ]
        return subprocess.run(["git", *who, *args], cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    git("init", "-q")
    assert attributes._git_commit(tmp_path) is None  # no commit yet
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-q", "-m", "one")
    commit = git("rev-parse", "HEAD").strip()
    git("tag", "v1")
    assert attributes._git_commit(tmp_path) == commit
    (tmp_path / "a").write_text("2")
    assert attributes._git_commit(tmp_path) == f"{commit}-dirty"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("git") is None
    assert attributes._git_commit(tmp_path) is None
