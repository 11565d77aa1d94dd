"""Published models, one file each: the checkout's folder ``models``, which a wheel carries in here."""

from pathlib import Path

_checkout = Path(__file__).resolve().parents[2]
if (_checkout / "pyproject.toml").is_file():
    __path__.append(str(_checkout / "models"))
