"""Files that are made to run code, to fill the memory or to end the process, for every loader."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from support.models import small_config
from tts import TRM, TokenCodec

Maker = Callable[[Path], None]
SMALLEST = small_config(TokenCodec(4, 4, 6), hidden_size=8, num_puzzle_identifiers=3, puzzle_emb_len=1)
MARK = "a-command-ran"  # the file that hostile files try to create


def small_weights() -> dict[str, torch.Tensor]:
    """Of the smallest TRM over 4x4 boards."""
    return TRM(SMALLEST).state_dict()


class Command:
    """Pickles into a call of os.system."""

    def __init__(self, folder: Path) -> None:
        self.command = f"touch {folder / MARK}"

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


def archive_of(data: bytes, compression: int = zipfile.ZIP_STORED, **records: bytes) -> Maker:
    """An archive like torch's with this pickle."""

    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", compression) as archive:
            archive.writestr("archive/data.pkl", data)
            for name, content in ({"byteorder": b"little", "version": b"3\n", "data/0": bytes(64)} | records).items():
                archive.writestr(f"archive/{name}", content)

    return make


def global_(name: str) -> bytes:
    module, _, function = name.rpartition(".")
    return f"c{module}\n{function}\n".encode()


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def whole(value: int) -> bytes:
    """LONG1."""
    length = value.bit_length() // 8 + 1
    return b"\x8a" + bytes([length]) + value.to_bytes(length, "little", signed=True)


def put(index: int) -> bytes:
    return b"r" + struct.pack("<I", index)


def get(index: int) -> bytes:
    return b"j" + struct.pack("<I", index)


def tensor(key: bytes, numel: int, shape: tuple[int, ...], stride: tuple[int, ...], offset: int = 0) -> bytes:
    """A float32 tensor over a storage, as torch writes it."""
    storage = b"(" + text("storage") + global_("torch.FloatStorage") + key + text("cpu") + whole(numel) + b"tQ"
    sizes = b"(" + b"".join(map(whole, shape)) + b"t(" + b"".join(map(whole, stride)) + b"t"
    ordered = global_("collections.OrderedDict") + b")R"
    return (
        global_("torch._utils._rebuild_tensor_v2") + b"(" + storage + whole(offset) + sizes + b"\x89" + ordered + b"tR"
    )


def saved(*items: bytes) -> bytes:
    """A pickle of {"embed_tokens.embedding_weight": item, "1": item, ...}."""
    names = ["embed_tokens.embedding_weight", *map(str, range(1, len(items)))]
    return b"\x80\x02}" + b"".join(text(name) + item + b"s" for name, item in zip(names, items, strict=True)) + b"."


def doubled(depth: int) -> bytes:
    """A pair of pairs of pairs ...: some bytes a level, and 2**depth words to print."""
    return text("x") + put(0) + b"".join(get(i) + b"\x86" + put(i + 1) for i in range(depth))


def command_in(key: str) -> Maker:
    def make(path: Path) -> None:
        torch.save({**small_weights(), key: Command(path.parent)}, path)

    return make


def bare_pickle(protocol: int) -> Maker:
    return lambda path: path.write_bytes(pickle.dumps(Command(path.parent), protocol)) and None


def old_format(path: Path) -> None:
    torch.save(small_weights(), path, _use_new_zipfile_serialization=False)


def tar_of_torch(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        for name in ("storages", "tensors", "pickle"):
            data = pickle.dumps(Command(path.parent), 2)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def vast_directory(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", saved(b"}"))
        for i in range(30_000):
            archive.writestr(f"archive/{i:040}", b"")


def two_pickles(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", saved(b"}"))
        archive.writestr("ARCHIVE/DATA.PKL", pickle.dumps(Command(path.parent), 2))


def shared_numbers(path: Path) -> None:
    """A thousand layers, all of them views of one."""
    weights = small_weights()
    for name in [name for name in weights if name.startswith("L_level.layers.0.")]:
        weights |= {name.replace("layers.0.", f"layers.{i}."): weights[name] for i in range(1000)}
    torch.save(weights, path)


def repeated_numbers(path: Path) -> None:
    """A tensor of 2**40 numbers, all of them one."""
    torch.save({**small_weights(), "embed_tokens.embedding_weight": torch.zeros(1, 1).expand(2**37, 8)}, path)


def sparse(start: bytes, size: int) -> Maker:
    """A file of ``size`` bytes, zeros that take no room but for its start."""

    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.write(start)
            file.truncate(size)

    return make


def safetensors_of(header: object, length: int | None = None, data: bytes = bytes(64)) -> Maker:
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    size = struct.pack("<Q", len(content) if length is None else length)
    return lambda path: path.write_bytes(size + content + data) and None


def table(shape: list[int], offsets: list[int], dtype: str = "F32") -> dict[str, object]:
    return {"embed_tokens.embedding_weight": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


ZEROS = bytes(50_000_000)
TORCH: dict[str, Maker] = {
    "a command among the weights": command_in("lm_head.weight"),
    "a command among the settings": command_in("hyper_parameters"),
    "a command, protocol 2": bare_pickle(2),
    "a command, protocol 4": bare_pickle(4),
    "a command, in an archive": lambda path: archive_of(pickle.dumps(Command(path.parent), 4))(path),
    "a command, in a tar": tar_of_torch,
    "a command, in a second pickle": two_pickles,
    "torch before 1.6": old_format,
    "zip bomb, the pickle": archive_of(b"\x80\x02" + ZEROS, zipfile.ZIP_DEFLATED),
    "zip bomb, another record": archive_of(saved(b"}"), zipfile.ZIP_DEFLATED, byteorder=ZEROS),
    "a pickle of no end": archive_of(b"\x80\x02" + b"}" * 2_000_000),
    "a directory of no end": vast_directory,
    "a bytearray of 100 GB": archive_of(saved(global_("__builtin__.bytearray") + whole(10**11) + b"\x85R")),
    "a bytearray, by its new name": archive_of(saved(global_("builtins.bytearray") + whole(10**11) + b"\x85R")),
    "a tensor without a storage": archive_of(saved(global_("torch.FloatTensor") + whole(10**11) + b"\x85R")),
    "a storage of 2**60 numbers": archive_of(saved(tensor(text("0"), 2**60, (2**60,), (1,)))),
    "a storage of -1 numbers": archive_of(saved(tensor(text("0"), -1, (4, 4), (4, 1)))),
    "a storage that is missing": archive_of(saved(tensor(text("9"), 16, (4, 4), (4, 1)))),
    "a tensor before its storage": archive_of(saved(tensor(text("0"), 16, (4, 4), (4, 1), offset=-4))),
    "a tensor of -4 rows": archive_of(saved(tensor(text("0"), 16, (-4, 4), (4, 1)))),
    "a tensor beyond its storage": archive_of(saved(tensor(text("0"), 16, (400, 4), (4, 1)))),
    "a tensor of 2**40 times one number": archive_of(saved(tensor(text("0"), 1, (2**20, 2**20), (0, 0)))),
    "a tensor of 2**40 times one number, in a model": repeated_numbers,
    "many tensors with the same numbers": shared_numbers,
    "a storage named by pairs that double": archive_of(saved(tensor(doubled(40), 16, (4, 4), (4, 1)))),
    "a call of pairs that double": archive_of(saved(doubled(40) + b")R")),
    "a key nested 200,000 deep": archive_of(b"\x80\x02})" + b"\x85" * 200_000 + b"Ns."),
    "dictionaries of one another": archive_of(
        b"\x80\x02}" + put(0) + b"".join(
            b"}" + put(i + 1) + b"(" + text("a") + get(i) + text("b") + get(i) + b"u" for i in range(60)
        ) + b"."
    ),
    "copies of a long list": archive_of(
        saved(
            b"]" + put(1) + b"(" + b"".join(b"M" + struct.pack("<H", i) + b"N\x86" for i in range(60_000)) + b"e",
            *[global_("collections.OrderedDict") + get(1) + b"\x85R"] * 5000,
        )
    ),
    "a million dictionaries": archive_of(b"\x80\x02](" + b"}" * 1_000_000 + b"e."),
    "a memo of 200,000": archive_of(b"\x80\x02}" + b"".join(put(i * 9999) for i in range(200_000)) + b"."),
    "a place far up in the memo": archive_of(b"\x80\x02}" + put(2**32 - 1) + b"."),
    "an unknown operation": archive_of(b"\x80\x02\xfe."),
    "an empty stack": archive_of(b"\x80\x02RRR."),
    "nothing but a number": archive_of(b"\x80\x02K\x01."),
    "zeros": sparse(b"", 2**31),
    "zeros after an archive's start": sparse(b"PK\x03\x04", 2**31),
    "empty": sparse(b"", 0),
}  # fmt: skip
SAFETENSORS: dict[str, Maker] = {
    "a header of 2**63 bytes": safetensors_of(b"{}", 2**63),
    "a header of 90 MB": sparse(struct.pack("<Q", 90_000_000) + b"{" + b" " * 1000, 200_000_000),
    "a header longer than the file": safetensors_of(b"{}", 10_000),
    "offsets beyond the file": safetensors_of(table([4, 4], [2**40, 2**40 + 64])),
    "offsets backwards": safetensors_of(table([4, 4], [64, 0])),
    "negative offsets": safetensors_of(table([4, 4], [-64, 0])),
    "a shape beyond its offsets": safetensors_of(table([2**40, 4], [0, 64])),
    "a shape that overflows": safetensors_of(table([2**63, 2**63], [0, 64])),
    "two tensors in one place": safetensors_of(
        table([4, 4], [0, 64]) | {"lm_head.weight": {"dtype": "F32", "shape": [4, 4], "data_offsets": [0, 64]}}
    ),
    "an unknown type": safetensors_of(table([4, 4], [0, 64], "F33")),
    "a model of integers": safetensors_of(table([4, 4], [0, 64], "I32")),
    "nested without end": safetensors_of(b'{"a":' * 100_000),
    "the same name twice": safetensors_of(b'{"a":1,"a":2}'),
    "no text": safetensors_of(b"\xff\xfe" * 50),
    "zeros": sparse(b"", 2**31),
    "empty": sparse(b"", 0),
}


def bomb(first: str, level: Callable[[str], str], depth: int = 12) -> str:
    """Anchors a0, a1, ..., each of nine aliases of the one before."""
    lines = [f"a0: &a0 {first}"]
    lines += [f"a{i}: &a{i} {level(', '.join([f'*a{i - 1}'] * 9))}" for i in range(1, depth)]
    return "\n".join(lines)


def words(content: str | bytes) -> Maker:
    return lambda path: path.write_bytes(content.encode() if isinstance(content, str) else content) and None


YAML: dict[str, Maker] = {
    "a tag that runs a command": lambda path: words(
        f"arch: !!python/object/apply:os.system ['touch {path.parent / MARK}']"
    )(path),
    "a tag of an object": words("arch: !!python/object:tts.TRM {H_cycles: 1}"),
    "an unknown tag": words("arch: !secret {H_cycles: 1}"),
    "lists of lists, as a field": words(bomb("[1, 1]", lambda nine: f"[{nine}]") + "\nH_cycles: *a11"),
    "merge keys of merge keys": words(bomb("{x: 1}", lambda nine: "{<<: [" + nine + "]}") + "\narch: *a11"),
    "nested without end": words("H_cycles: " + "[" * 20_000),
    "a long number": words("H_cycles: " + "9" * 100_000),
    "a long number in hexadecimal": words("H_cycles: 0x" + "f" * 100_000),
    "a number to the base of 60": words("H_cycles: 1" + ":59" * 50_000),
    "an expansion beyond numbers": words("{H_cycles: 1, L_cycles: 1, expansion: 1e300}"),
    "too large": sparse(b"H_cycles: 1\n#", 2**31),
    "no text": words(b"\xff\xfe\x00arch"),
    "a control character": words("arch: \x00"),
    "a key that is a list": words("? [1, 2]\n: 3\nH_cycles: {}"),
    "a date that is none": words("H_cycles: 2001-99-99"),
}
JSON: dict[str, Maker] = {
    "nested without end": words('{"H_cycles":' + "[" * 100_000),
    "a long number": words('{"H_cycles": ' + "9" * 100_000 + "}"),
    "infinity": words('{"H_cycles": 1, "L_cycles": 1, "expansion": Infinity}'),
    "too large": sparse(b'{"H_cycles": 1} ', 2**31),
    "no text": words(b"\xff\xfe{"),
    "cut short": words('{"H_cycles": 1'),
}


def npy(header: str, length: int | None = None) -> Maker:
    """An array file of version 2 with this header."""
    content = header.encode().ljust(118) + b"\n"
    size = struct.pack("<I", len(content) if length is None else length)
    return lambda path: path.write_bytes(b"\x93NUMPY\x02\x00" + size + content + bytes(112)) and None


def array_of_commands(path: Path) -> None:
    np.save(path, np.array([[Command(path.parent)]], dtype=object), allow_pickle=True)


NPY: dict[str, Maker] = {
    "objects that run a command": array_of_commands,
    "a pickle that runs a command": bare_pickle(2),
    "an archive of arrays": lambda path: np.savez(path.open("wb"), x=np.zeros(4)),
    "a shape beyond the file": npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776, 16), }"),
    "a shape that overflows": npy("{'descr': '|u1', 'fortran_order': False, 'shape': (9223372036854775807, 16), }"),
    "a negative shape": npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-7, 16), }"),
    "a header of 4 GB": npy("{'descr': '|u1'", 2**32 - 1),
    "a call in the header": npy(
        "{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (7, 16), }"
    ),
    "a header nested without end": npy("{'descr': " + "[" * 9000),
    "fields within fields": npy("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (7, 16), }"),
    "zeros": sparse(b"", 2**31),
    "empty": sparse(b"", 0),
}
DESCRIPTIONS: dict[str, Maker] = {
    "nested without end": words('{"sets":' + "[" * 100_000),
    "a set in another folder": words('{"sets": ["../../all"], "seq_len": 16, "vocab_size": 6}'),
    "a long number": words('{"sets": ["all"], "vocab_size": 6, "seq_len": ' + "9" * 100_000 + "}"),
    "sets of sets": words('{"sets": {"all": 1}, "seq_len": 16, "vocab_size": 6}'),
}
LINES: dict[str, Maker] = {
    "a line without end": sparse(b"", 2**28),
    "no text": words(b"\xff\xfe" * 100),
    "a vast board": words('{"url": "https://puzz.link/p?nurikabe/999999999/999999999/"}'),
    "nested without end": words('{"url": ' + "[" * 100_000),
    "no lines": sparse(b"", 0),
}
