"""The text of ``synfwp/__init__.pyi``, from the table of names in ``synfwp/__init__.py``: ``make stubs`` writes it."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "synfwp"
STUB = PACKAGE / "__init__.pyi"
HEAD = '''\
"""Types of the public names: ``__init__.py`` imports each when it is first used, and this file shows what it will be.

``make stubs`` writes it from the table of names; a test compares the two.
"""

'''


def stub() -> str:
    """Every public name as an explicit re-export, in the order in which imports are sorted."""
    homes, modules = _names()
    lines = [f"from synfwp import {name} as {name}" for name in sorted(modules)]
    for home in sorted(homes):
        names = sorted(homes[home].split(), key=_rank)
        lines += [f"from synfwp.{home} import {name} as {name}" for name in names]
    lines += ["", "__version__: str", "__all__: list[str]", "", "def __dir__() -> list[str]: ..."]
    return HEAD + "\n".join([*lines, ""])


def _names() -> tuple[dict[str, str], tuple[str, ...]]:
    """The table of names and the modules, read from this checkout: the one that is installed may be another."""
    found = {}
    for node in ast.parse((PACKAGE / "__init__.py").read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("_HOME", "_MODULES"):
            found[ast.unparse(node.targets[0])] = ast.literal_eval(node.value)
    return found["_HOME"], found["_MODULES"]


def _rank(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    return kind, name


if __name__ == "__main__":
    STUB.write_text(stub(), "utf-8")
