"""Analyses, one file a scientific question: the checkout's folder ``analyses``, which a wheel carries in here."""

from pathlib import Path

_checkout = Path(__file__).resolve().parents[2]
if (_checkout / "pyproject.toml").is_file():
    __path__.append(str(_checkout / "analyses"))
