"""The fields of a model's configuration, from yaml and JSON beside a checkpoint, from the checkpoint, from the caller.

Fields go by their official names. Where they lie in a file does not matter: under ``arch``, at the top, or deeper.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import yaml

from tts.errors import CheckpointError, first_line
from tts.models.hrm import HRMConfig
from tts.models.trm import TRMConfig

NAMES = ("all_config.yaml", "config.yaml", "config.yml", "config.json", ".hydra/config.yaml", "hparams.yaml")
LIMIT = 2**18
"""Bytes of a configuration; the official ones have some hundred."""
DEPTH, SECTIONS = 4, 1000
TYPES: dict[str, str] = {str(f.name): str(f.type) for kind in (TRMConfig, HRMConfig) for f in attrs.fields(kind)}
ENCODINGS = ("none", "rope", "learned")
ZERO_ALLOWED = ("num_puzzle_identifiers", "puzzle_emb_ndim", "puzzle_emb_len", "H_layers")

Fields: TypeAlias = dict[str, Any]


def fields_beside(path: Path) -> Fields:
    """Return the fields of the first configuration beside a file of weights, or one folder up, that has any.

    Raises:
        CheckpointError: a configuration there cannot be read, or a field has the wrong type.
    """
    for folder in (path.parent, path.parent.parent):
        for name in NAMES:
            if (folder / name).is_file():
                fields = fields_in(read_settings(folder / name), str(folder / name))
                if fields:
                    return fields
    return {}


def read_settings(path: Path) -> Any:
    """Read a yaml or JSON file. Tags, merge keys and large files are refused.

    Raises:
        CheckpointError: it cannot be read.
    """
    kind = "JSON" if path.suffix == ".json" else "yaml"
    try:
        if path.stat().st_size > LIMIT:
            raise ValueError(f"it has {path.stat().st_size:,} bytes; {LIMIT:,} is the limit")
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if kind == "JSON" else yaml.load(text, PlainLoader)
    except Exception as error:  # the parsers raise many kinds for damaged files
        raise CheckpointError(f"{path} is not readable {kind}: {first_line(error)}") from error


class PlainLoader(yaml.SafeLoader):
    """The safe loader without merge keys: merged into each other, they grow without end."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            raise ValueError("it has a merge key <<; write the fields out")


def fields_in(tree: Any, where: str) -> Fields:
    """Return the known fields in a tree of dictionaries; what lies nearer to the root wins, None says nothing.

    Raises:
        CheckpointError: a field has the wrong type.
    """
    fields: Fields = {}
    for section in _sections(tree):
        for name in TYPES:
            if section.get(name) is not None:
                fields.setdefault(name, checked(name, section[name], where))
    return fields


def checked(name: str, value: Any, where: str) -> Any:
    """Return a field's value in the field's type.

    Raises:
        CheckpointError: it has another, or is out of range.
    """
    kind = TYPES[name]
    if kind == "int" and isinstance(value, int) and not isinstance(value, bool):
        if (name not in ZERO_ALLOWED) <= value < 2**31:
            return value
    elif kind == "float" and isinstance(value, int | float | str) and not isinstance(value, bool):
        try:  # yaml takes 1e-5, without a point, for text
            number = float(value[:40] if isinstance(value, str) else value)
        except (ValueError, OverflowError):
            number = math.nan
        if 0 < number < 1e9:
            return number
    elif {"bool": isinstance(value, bool), "PosEncodings": value in ENCODINGS}.get(kind):
        return value
    expected = {"int": "a whole number", "float": "a number above 0", "bool": "true or false"}
    got = f"a {type(value).__name__}"
    if isinstance(value, float | str) or (isinstance(value, int) and abs(value) < 2**63):
        got = f"{value!r:.40}"
    elif isinstance(value, int):
        got = "larger than 64 bits"
    raise CheckpointError(
        f"{where} does not describe the model: {name} is {got}; expected {expected.get(kind, 'none, rope or learned')}"
    )


def overrides(config: Mapping[str, Any] | None) -> Fields:
    """Return the caller's fields.

    Raises:
        CheckpointError: an unknown name, or a wrong type.
    """
    unknown = [name for name in config or {} if name not in TYPES]
    if unknown:
        raise CheckpointError(f"config= has a field {unknown[0]!r}; known are {', '.join(sorted(TYPES))}")
    return {name: checked(name, value, "config=") for name, value in (config or {}).items() if value is not None}


def _sections(tree: Any) -> Iterable[dict[Any, Any]]:
    """Yield the dictionaries of a tree, level by level, each once."""
    level, seen = [tree], {id(tree)}
    for _ in range(DEPTH):
        deeper = []
        for branch in level:
            if not isinstance(branch, dict):
                continue
            yield branch
            for value in dict.values(branch):
                if isinstance(value, dict) and id(value) not in seen and len(seen) < SECTIONS:
                    seen.add(id(value))
                    deeper.append(value)
        level = deeper
