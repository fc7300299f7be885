"""Checkpoints on the Hugging Face hub: ``hf://owner/name``, ``hf://owner/name@revision/path``. Needs the extra ``hub``.

Its own library downloads, into its own cache: ``HF_HOME``, ``HF_HUB_CACHE``, ``HF_HUB_OFFLINE`` and ``HF_TOKEN`` mean
what they mean elsewhere. Only the weights that are chosen and the configurations beside them are fetched.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tts._util.extras import require
from tts.errors import CheckpointError
from tts.models.checkpoints.folders import choose
from tts.models.checkpoints.settings import NAMES

ADDRESS = re.compile(r"hf://(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>[^/@]+))?(/(?P<path>[^@]*))?")


def fetch(address: str) -> Path:
    """Return the local file of weights that an address stands for, with the configurations beside it.

    It is downloaded, or taken from the cache when offline.

    Args:
        address: ``hf://owner/name`` for the newest step or the only weights of a repository; with ``/path`` for a
            folder or a file in it; with ``@revision`` after the name for a branch, a tag or a commit (a slash in it is
            written ``%2F``).

    Raises:
        CheckpointError: no such address; nothing there that can be loaded; or neither the hub nor the cache has it.
        TTSError: huggingface_hub is not installed.
    """
    match = ADDRESS.fullmatch(address)
    if match is None:
        raise CheckpointError(
            f"{address:.200} is not an address on the hub: expected hf://owner/name[@revision][/path]"
        )
    repo, revision = match["repo"], unquote(match["revision"] or "main")
    path = posixpath.normpath(match["path"] or ".")
    names = _names(repo, revision, address)
    weights = path if path in names else _in_folder(path, names, address)
    wanted = [weights, *_configurations(weights, names)]
    try:
        local = [_library().hf_hub_download(repo, name, revision=revision) for name in wanted]
    except Exception as error:  # of the library, of its HTTP client and of the system, by its version
        raise CheckpointError(f"{address} cannot be fetched: {_sentence(error)}") from error
    return Path(local[0])


def _names(repo: str, revision: str, address: str) -> set[str]:
    """Return the files of a repository: as the hub lists them, else those in the cache."""
    library = _library()
    try:
        return set(library.HfApi().list_repo_files(repo, revision=revision))
    except Exception as error:  # no such repository, no network, offline mode
        try:
            folder = Path(library.snapshot_download(repo, revision=revision, local_files_only=True, allow_patterns=[]))
        except Exception:
            raise CheckpointError(
                f"{address} is not in the cache, and cannot be fetched: {_sentence(error)}"
            ) from error
        return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _in_folder(path: str, names: set[str], address: str) -> str:
    """Return the weights in a folder of the repository, or in its only subfolder that has some."""
    folder = "" if path == "." else path + "/"
    inner = {name.removeprefix(folder) for name in names if name.startswith(folder)}
    if not inner:
        raise CheckpointError(f"{address}: the repository has no {path}; it has {', '.join(sorted(names)[:5])}, ...")
    return folder + choose((name for name in inner if name.count("/") < 2), address)


def _configurations(weights: str, names: set[str]) -> list[str]:
    """Return the configurations that loading looks for: beside the weights and one folder up."""
    folder = posixpath.dirname(weights)
    folders = dict.fromkeys((folder, posixpath.dirname(folder)))
    return [name for up in folders for file in NAMES if (name := posixpath.join(up, file)) in names]


def _library() -> Any:
    return require("huggingface_hub", extra="hub", user="hf://")


def _sentence(error: Exception) -> str:
    """Return what the library says, often several lines, in one."""
    return f"{' '.join(str(error).split()) or type(error).__name__:.300}"
