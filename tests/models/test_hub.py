"""hf:// addresses, against the layout of the hub's cache and a server on this machine that answers as the hub does."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attrs
import pytest
import yaml
from support.checkpoint_files import arch, bare, nested, write

import tts
from tts.models.checkpoints.hub import ADDRESS, fetch

COMMITS = {"main": "1" * 40, "old": "2" * 40, "refs/pr/3": "3" * 40}


def make_repository(folder: Path, offset: float) -> dict[str, Path]:
    """The files of a repository: two runs, and a model at the root; ``offset`` tells its revisions apart."""
    weights = {name: value + offset for name, value in bare("trm_mlp").items()}
    for name in ("mlp", "other/run"):
        (folder / name).mkdir(parents=True)
        write(folder / name / "step_900", nested(weights, "_orig_mod.model.inner."))
        write(folder / name / "step_1000", nested({n: v + 0.5 for n, v in weights.items()}, "_orig_mod.model.inner."))
        (folder / name / "all_config.yaml").write_text(yaml.safe_dump({"arch": arch("trm_mlp")}))
    write(folder / "model.safetensors", weights)
    (folder / "config.json").write_text(json.dumps(arch("trm_mlp")))
    (folder / "README.md").write_text("A model.")
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def put_in_cache(cache: Path, repository: str, revision: str, files: dict[str, Path]) -> None:
    """As huggingface_hub leaves it: blobs by hash, links to them in a snapshot, the revision's commit in refs."""
    root = cache / f"models--{repository.replace('/', '--')}"
    ref = root / "refs" / revision
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_text(COMMITS[revision])
    (root / "blobs").mkdir(exist_ok=True)
    for name, path in files.items():
        content = path.read_bytes()
        blob = root / "blobs" / hashlib.sha256(content).hexdigest()
        blob.write_bytes(content)
        link = root / "snapshots" / COMMITS[revision] / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    for number, revision in enumerate(COMMITS):
        files = make_repository(folder / f"files{number}", 10.0 * number)
        put_in_cache(folder / "cache", "someone/puzzles", revision, files)
    put_in_cache(folder / "cache", "someone/readme", "main", {"README.md": folder / "files0" / "README.md"})
    return folder / "cache"


LOAD = """
    import sys, tts
    for address in sys.argv[1:]:
        try:
            model = tts.load(address)
            print(f"{model.H_init[0].item():.4f}", model.config.H_cycles, model.config.seq_len)
        except tts.TTSError as error:
            print(type(error).__name__, error)
"""


def loaded(addresses: list[str], **environment: str) -> list[str]:
    """What a fresh process prints for each address: the model's first number and sizes, or the error."""
    command = [sys.executable, "-c", textwrap.dedent(LOAD), *addresses]
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
    done = subprocess.run(command, env=clean | environment, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.splitlines()


def first(offset: float) -> str:
    return f"{bare('trm_mlp')['H_init'][0].item() + offset:.4f} 3 81"


IN_CACHE = {
    "hf://someone/puzzles": 0,
    "hf://someone/puzzles/": 0,
    "hf://someone/puzzles/model.safetensors": 0,
    "hf://someone/puzzles/mlp": 0.5,
    "hf://someone/puzzles/mlp/step_900": 0,
    "hf://someone/puzzles/other": 0.5,
    "hf://someone/puzzles@old/mlp/step_1000": 10.5,
    "hf://someone/puzzles@refs%2Fpr%2F3": 20,
    f"hf://someone/puzzles@{COMMITS['old']}": 10,
}
NOT_THERE = {
    "hf://someone/nothing": "is not in the cache, and cannot be fetched: .*offline mode is enabled",
    "hf://someone/puzzles@new": "is not in the cache, and cannot be fetched",
    "hf://someone/puzzles/mlp/step_7": "the repository has no mlp/step_7; it has README.md, config.json",
    "hf://someone/puzzles/../..": r"the repository has no \.\.",
    "hf://someone/readme": "holds no weights",
    "hf://someone": r"is not an address on the hub: expected hf://owner/name\[@revision\]\[/path\]",
}


@pytest.fixture(scope="module")
def offline(cache: Path) -> dict[str, str]:
    addresses = [*IN_CACHE, *NOT_THERE]
    return dict(zip(addresses, loaded(addresses, HF_HUB_CACHE=str(cache), HF_HUB_OFFLINE="1"), strict=True))


@pytest.mark.parametrize("address", IN_CACHE)
def test_offline_the_cache_is_enough(address: str, offline: dict[str, str]) -> None:
    assert offline[address] == first(IN_CACHE[address])


@pytest.mark.parametrize("address", NOT_THERE)
def test_what_is_not_there_is_one_sentence(address: str, offline: dict[str, str]) -> None:
    assert re.fullmatch(f"CheckpointError {re.escape(address)}.*{NOT_THERE[address]}.*", offline[address])


@attrs.define
class Hub:
    """A server that answers the requests of huggingface_hub for one repository, and remembers them."""

    files: dict[str, Path]
    asked: list[str] = attrs.field(factory=list)
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.split("?")[0]
        self.asked.append(f"{handler.command} {path}")
        if path.startswith("/api/models/someone/puzzles/tree/"):
            listing = [
                {"type": "file", "path": name, "size": file.stat().st_size, "oid": "0" * 40}
                for name, file in self.files.items()
            ]
            self.send(handler, json.dumps(listing).encode(), "application/json")
        elif path.startswith("/someone/puzzles/resolve/main/") and path.split("/", 5)[5] in self.files:
            self.send(handler, self.files[path.split("/", 5)[5]].read_bytes(), "application/octet-stream")
        else:
            handler.send_response(404)
            handler.send_header("X-Error-Code", "RepoNotFound" if "nothing" in path else "EntryNotFound")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

    def send(self, handler: BaseHTTPRequestHandler, body: bytes, kind: str) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        handler.send_header("X-Repo-Commit", COMMITS["main"])
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    stand_in = Hub(make_repository(tmp_path / "files", 0.0))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stand_in.answer(self)

        def do_HEAD(self) -> None:
            stand_in.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield stand_in
    server.shutdown()
    thread.join()
    server.server_close()


def test_online_only_what_is_loaded_is_fetched_and_once(hub: Hub, tmp_path: Path) -> None:
    settings = {"HF_HOME": str(tmp_path / "home"), "HF_ENDPOINT": hub.url, "NO_PROXY": "*", "HF_HUB_DISABLE_XET": "1"}
    *twice, nothing = loaded(["hf://someone/puzzles/mlp"] * 2 + ["hf://someone/nothing"], **settings)
    assert twice == [first(0.5)] * 2
    assert nothing.startswith("CheckpointError hf://someone/nothing is not in the cache, and cannot be fetched: ")
    fetched = [line.split("/main/")[1] for line in hub.asked if line.startswith("GET /someone")]
    assert sorted(fetched) == ["config.json", "mlp/all_config.yaml", "mlp/step_1000"]
    hub.asked.clear()
    assert loaded(["hf://someone/puzzles/mlp"], HF_HUB_OFFLINE="1", **settings) == [first(0.5)]
    assert hub.asked == []


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("hf://a/b", ("a/b", None, None)),
        ("hf://a-1/b.c_d/e/f.pt", ("a-1/b.c_d", None, "e/f.pt")),
        ("hf://a/b@v1.0", ("a/b", "v1.0", None)),
        ("hf://a/b@refs%2Fpr%2F1/step_5", ("a/b", "refs%2Fpr%2F1", "step_5")),
    ],
)
def test_the_parts_of_an_address(address: str, parts: tuple[str | None, ...]) -> None:
    match = ADDRESS.fullmatch(address)
    assert match is not None
    assert (match["repo"], match["revision"], match["path"]) == parts


def test_without_the_library_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(tts.TTSError, match=r"pip install 'test-time-search\[hub\]'"):
        fetch("hf://someone/puzzles")
