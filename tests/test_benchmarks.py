"""The page of speed is the one that the benchmark's committed numbers give."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("program", ["speed", "training_step", "spiking"])
def test_the_page_shows_the_committed_numbers_of_the_benchmark(program):
    command = [sys.executable, str(ROOT / "benchmarks" / f"{program}.py"), "--readme"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert printed
    assert printed in (ROOT / "docs" / "speed.md").read_text("utf-8")
