"""Every `synfwp` command that a page shows is one that the command takes: its options, programs and settings."""

import re
import shlex

import pages
import pytest
import typer

from synfwp import cli, programs
from synfwp.commands.sweeping import read

COMMANDS = typer.main.get_command(cli.app).commands  # noqa: B009: typer's type does not have it
OPEN = re.compile(r"\b[A-Z]{3,}\b|\.\.\.")  # of a pattern: NAME, FILE, COMMAND


def shown(text: str) -> list[str]:
    """The commands of a page: lines of its blocks, and what stands between backticks; patterns are left out."""
    blocks = re.findall(r"^```(?:sh|bash|text|console)\n(.*?)^```", text, re.M | re.S)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    rest = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    found = [*lines, *re.findall(r"`(synfwp [^`\n]+)`", rest)]
    found = [line.partition("  #")[0].strip() for line in found if re.match(r"synfwp [a-z]", line)]
    return [line for line in found if not OPEN.search(line)]


ALL = sorted({(name, line) for name, path in pages.pages().items() for line in shown(path.read_text("utf-8"))})


def faults(line: str) -> str:
    """Why the command would not take it; empty if it does."""
    _, command, *args = shlex.split(line)
    if command not in COMMANDS:
        return f"no command {command}"
    if not args:
        return ""  # the command by its name alone
    try:
        given = COMMANDS[command].make_context(command, args).params
    except Exception as error:
        return str(error)
    name = given.get("name")
    if name is None or command == "cite":
        return ""
    if name not in programs.list_programs():
        return f"no program {name}"
    named = {key for part in ("set_", "grid") for key in read("--set", given.get(part) or [])}
    return " ".join(f"no setting {key}" for key in sorted(named - set(programs.settings(name))))


@pytest.mark.parametrize(("page", "line"), ALL)
def test_a_command_of_a_page_is_one(page: str, line: str) -> None:
    assert faults(line) == ""


def test_every_command_is_on_the_page() -> None:
    text = pages.pages()["docs/command_line.md"]
    lines = shown(text.read_text("utf-8"))
    assert {line.split()[1] for line in lines} == set(COMMANDS)
    assert len({name for name, _ in ALL}) > 5


def test_a_wrong_command_is_seen() -> None:
    assert shown("`synfwp rnu x` and `synfwp run NAME`\n```sh\n$ synfwp list  # all\nls\n```\n") == [
        "synfwp list",
        "synfwp rnu x",
    ]
    assert faults("synfwp rnu x") == "no command rnu"
    assert faults("synfwp run nothing") == "no program nothing"
    assert faults("synfwp run vogels2011 --set rho1=8") == "no setting rho1"
    assert "--quik" in faults("synfwp run vogels2011 --quik")
