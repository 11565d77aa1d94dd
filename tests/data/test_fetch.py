"""Public files on request: the right file or none, from a server of these tests alone."""

import hashlib
import http.server
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import synfwp as fw
from synfwp.data import FILES, fetching, registry

DATA = Path(__file__).parents[3] / "shared" / "data"
CONTENT = b"# spikes\n100\n200\n" * 1000


class Handler(http.server.BaseHTTPRequestHandler):
    """A file that is whole, another one, one that is cut off while it comes, and nothing."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/missing.txt":
            self.send_error(404)
            return
        sent = {"/other.txt": b"<html>please log in</html>", "/cut.txt": CONTENT[:500]}.get(self.path, CONTENT)
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT) if self.path == "/cut.txt" else len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What was asked of a server on this machine, whose files stand in the registry."""
    pytest.importorskip("pooch")
    Handler.asked = []
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as one:
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        monkeypatch.setattr(registry, "_GITHUB", f"http://127.0.0.1:{one.server_port}/")
        digest = hashlib.sha256(CONTENT).hexdigest()
        rows = {
            name: registry.File(f"{name}.txt", f"{name}.txt", digest, len(CONTENT), "nobody", "CC0-1.0", "read_text")
            for name in ("whole", "other", "cut", "missing")
        }
        monkeypatch.setattr(fetching, "FILES", MappingProxyType(rows))
        yield Handler.asked
        one.shutdown()
        thread.join()


def test_a_file_is_downloaded_once_and_read(server: list[str], tmp_path: Path) -> None:
    path = fw.fetch("whole", tmp_path / "new" / "folder")
    assert path.read_bytes() == CONTENT
    assert fw.fetch("whole", tmp_path / "new" / "folder") == path
    assert server == ["/whole.txt"]
    assert fw.read_text(path, {"spike_time": ("0", "us")}).sizes["spike"] == 2000


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("other", ValueError, "is not other: it has another sha256 than .* nothing was kept"),
        ("cut", ConnectionError, r"could not be downloaded from http://127.* nothing was kept\. Try again"),
        ("missing", ConnectionError, r"could not be downloaded .*HTTPError"),
    ],
)
def test_what_is_not_the_file_is_not_kept(
    server: list[str], name: str, error: type, message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        fw.fetch(name, tmp_path)
    assert server == [f"/{name}.txt"]
    assert list(tmp_path.iterdir()) == []


def test_a_spoiled_file_is_replaced_only_by_the_right_one(server: list[str], tmp_path: Path) -> None:
    (tmp_path / "whole.txt").write_bytes(b"spoiled")
    assert fw.fetch("whole", tmp_path).read_bytes() == CONTENT
    (tmp_path / "other.txt").write_bytes(b"spoiled")
    with pytest.raises(ValueError, match="nothing was kept"):
        fw.fetch("other", tmp_path)
    assert (tmp_path / "other.txt").read_bytes() == b"spoiled"


def test_an_interrupted_download_leaves_nothing(
    server: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pooch

    def interrupted(self: Any, url: str, output_file: str, *_: Any, **__: Any) -> None:
        Path(output_file).write_bytes(CONTENT[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fw.fetch("whole", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_a_connection_the_error_has_the_cure(
    server: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_GITHUB", "http://127.0.0.1:9/")  # nobody listens there
    with pytest.raises(ConnectionError, match=r"Try again with a connection, or copy the file to .*whole\.txt"):
        fw.fetch("whole", tmp_path)
    assert (server, list(tmp_path.iterdir())) == ([], [])
    (tmp_path / "whole.txt").write_bytes(CONTENT)  # as the message says
    assert fw.fetch("whole", tmp_path) == tmp_path / "whole.txt"


def test_a_folder_that_cannot_be_made_is_refused_before_the_download(server: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="is not a folder"):
        fw.fetch("whole", tmp_path / "file" / "below")
    assert server == []


def test_a_file_that_an_installed_package_carries_is_taken_from_there(
    server: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "carrier" / "data"
    inside.mkdir(parents=True)
    (tmp_path / "carrier" / "__init__.py").write_text("raise RuntimeError('imported')")
    (inside / "whole.txt").write_bytes(CONTENT)
    row = fetching.FILES["whole"]._replace(package="carrier==1.0", inside="data/whole.txt")
    monkeypatch.setattr(fetching, "FILES", {"whole": row, "only": row._replace(address="", package="absent==2.0")})
    monkeypatch.syspath_prepend(str(tmp_path))
    assert fw.fetch("whole", tmp_path / "folder") == inside / "whole.txt"
    assert server == []
    assert "carrier" not in sys.modules
    (inside / "whole.txt").write_bytes(b"of another release")
    assert fw.fetch("whole", tmp_path / "folder") == tmp_path / "folder" / "whole.txt"
    with pytest.raises(
        ModuleNotFoundError, match=r"only comes with a package; install it with: pip install absent==2\.0"
    ):
        fw.fetch("only", tmp_path)


def test_every_row_says_whom_to_cite_under_which_licence_and_what_reads_it() -> None:
    assert len(FILES) >= 10
    for row in FILES.values():
        assert len(row.sha256) == 64
        assert set(row.sha256) <= set("0123456789abcdef")
        assert 1000 < row.size < 10**7
        assert row.licence in ("BSD-3-Clause", "MIT", "CC0-1.0", "GPL-3.0-or-later")
        assert callable(getattr(fw, row.reader))
        assert len(row.citation) > 15
        assert row.url.startswith("https://") or row.package
        if row.address:  # a commit, behind which a file cannot change
            commit = row.address.split("/")[2]
            assert (len(commit), set(commit) <= set("0123456789abcdef")) == (40, True)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the recordings for development are not at {DATA}")
def test_the_registry_has_the_digest_and_the_size_of_the_files_that_are_here() -> None:
    here = {path.name: path for path in DATA.rglob("*") if path.is_file()}
    found = 0
    for row in FILES.values():
        if row.file in here:
            content = here[row.file].read_bytes()
            assert (hashlib.sha256(content).hexdigest(), len(content)) == (row.sha256, row.size)
            found += 1
    assert found == 9


def test_an_unknown_name_is_met_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"unknown recording 'patch_ramps'; did you mean 'patch_ramp'\?"):
        fw.fetch("patch_ramps")
