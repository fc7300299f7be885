"""Files of torch.save: checked first, then read by torch with ``weights_only=True``, mapped into memory.

That reader runs no foreign code, but believes what a file says about itself: a few bytes can ask it for a bytearray or
a decompressed record of any size, or to print a list nested so that its text fills the memory. So a file is read only
if it is a plain archive, nothing compressed, and its pickle does nothing but what saved tensors and plain values need.
What passes takes memory in proportion to the pickle, which is at most ``LIMIT`` bytes.
"""

from __future__ import annotations

import pickletools
import zipfile
import zlib
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeAlias

import torch

from tts.errors import CheckpointError, first_line

LIMIT = 2**20
"""Bytes of a pickle and of an archive's directory: ten thousand tensors, where TRM has some twenty."""
CHECKED = 2**26
"""Records up to so many bytes are compared with their checksums; larger ones would take too long to read."""

Kind: TypeAlias = str | tuple[Any, ...]
"""What a value on the pickle's stack is: a tuple of kinds, or one of the names below."""

CONSTANTS: dict[str, Kind] = {
    **dict.fromkeys(("NONE", "NEWTRUE", "NEWFALSE", "BINFLOAT"), "plain"),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1"), "whole"),
    "BINUNICODE": "text",
    "EMPTY_LIST": "list",
    "EMPTY_DICT": "dict",
    "EMPTY_TUPLE": (),
}
STORAGES = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
CLASSES: dict[str, Kind] = {
    **{f"torch {name}Storage": "storage class" for name in STORAGES},
    **{f"torch {name}": "plain" for name in ("float32", "float64", "float16", "bfloat16", "int64", "int32", "bool")},
    "collections OrderedDict": "OrderedDict",
    "torch device": "device",
    "torch._utils _rebuild_tensor_v2": "rebuild tensor",
    "torch._utils _rebuild_parameter": "rebuild parameter",
}


def read_torch(path: Path) -> dict[Any, Any]:
    """Return the dictionary in a file, its tensors mapped: they take no memory until they are read.

    Raises:
        CheckpointError: a damaged file, one of another format, or one that holds more than tensors and plain values.
    """
    try:
        _check(path)
        whole = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than tensors, and reading that could run code ({first_line(error)}): save its "
            "state_dict alone with torch.save, or convert it to safetensors"
        ) from error
    except Exception as error:  # zipfile, pickletools and torch raise many kinds for damaged files
        raise CheckpointError(f"{path} is damaged or not a torch checkpoint: {first_line(error)}") from error
    if not isinstance(whole, dict):
        raise CheckpointError(f"{path} holds no state_dict: expected tensors by name, got a {type(whole).__name__}")
    return whole


def _check(path: Path) -> None:
    """Raise unless the archive is as torch.save writes it."""
    size = path.stat().st_size
    _check_directory(path, size)
    with zipfile.ZipFile(path) as archive:
        records = archive.infolist()
        names = [record.filename.casefold() for record in records]  # torch looks names up without regard to case
        pickles = [record for record in records if record.filename.casefold().endswith("data.pkl")]
        if len(pickles) != 1 or len(set(names)) != len(names):
            raise zipfile.BadZipFile("expected one data.pkl, and each name once")
        if pickles[0].file_size > LIMIT:
            raise zipfile.BadZipFile(f"its pickle has {pickles[0].file_size:,} bytes; {LIMIT:,} is the limit")
        with path.open("rb") as file:
            for record in records:
                if record.compress_type != zipfile.ZIP_STORED or record.file_size != record.compress_size:
                    raise zipfile.BadZipFile(f"{record.filename} is compressed; torch.save compresses nothing")
                if record.header_offset + record.file_size > size:
                    raise zipfile.BadZipFile(f"{record.filename} ends beyond the end of the file")
                if record is pickles[0] or (record.CRC and record.file_size <= CHECKED):  # 0: saved without checksums
                    data = _data(file, record)
                    if record.CRC and zlib.crc32(data) != record.CRC:
                        raise zipfile.BadZipFile(f"{record.filename} does not agree with its checksum")
                    if record is pickles[0]:
                        check_pickle(data)


def _check_directory(path: Path, size: int) -> None:
    """Raise unless the file ends with an archive's directory, and that is small."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            raise zipfile.BadZipFile(
                "it does not begin as torch.save begins files since torch 1.6; load and save older ones"
            )
        file.seek(max(0, size - 98))
        tail = file.read(98)
    if tail[-22:-18] != b"PK\x05\x06" or tail[-2:] != b"\0\0":
        raise zipfile.BadZipFile("its end is missing, or something follows its end")
    length = int.from_bytes(tail[-10:-6], "little")
    if tail[-42:-38] == b"PK\x06\x07":  # large archives, and all of torch's, say it again in more digits
        if tail[:4] != b"PK\x06\x06" or int.from_bytes(tail[-34:-26], "little") != size - 98:
            raise zipfile.BadZipFile("its end is damaged")
        length = int.from_bytes(tail[40:48], "little")
    if length > LIMIT:
        raise zipfile.BadZipFile(f"its directory has {length:,} bytes; {LIMIT:,} is the limit")


def _data(file: Any, record: zipfile.ZipInfo) -> bytes:
    """Return a stored record's bytes; unlike zipfile's reader, without comparing checksums, which may be left out."""
    file.seek(record.header_offset)
    header = file.read(30)
    if header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile(f"{record.filename} is not where the directory says")
    file.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
    data: bytes = file.read(record.file_size)
    if len(data) != record.file_size:
        raise zipfile.BadZipFile(f"{record.filename} is cut short")
    return data


def check_pickle(data: bytes) -> None:
    """Raise unless a pickle does nothing but build tensors, plain values, and lists and dictionaries of them.

    Raises:
        UnpicklingError: it names another class or function, or uses the known ones in another way.
        ValueError, IndexError, KeyError: it is damaged.
    """
    stack: list[Kind] = []
    marked: list[list[Kind]] = []
    memo: dict[int, Kind] = {}
    argument: Any
    for operation, argument, _ in pickletools.genops(data):
        name = operation.name
        if name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name == "GLOBAL":
            if argument not in CLASSES:
                raise UnpicklingError(f"it names {str(argument).replace(' ', '.'):.80}")
            stack.append(CLASSES[argument])
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name == "MARK":
            marked.append(stack)
            stack = []
        elif name in ("TUPLE", "APPENDS", "SETITEMS"):
            items, stack = stack, marked.pop()
            _collect(name, items, stack)
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3", "APPEND", "SETITEM"):
            count = {"TUPLE1": 1, "APPEND": 1, "TUPLE2": 2, "SETITEM": 2, "TUPLE3": 3}[name]
            items, stack[len(stack) - count :] = stack[-count:], []
            _collect(name, items, stack)
        elif name == "BINPERSID":
            _expect(stack.pop() == ("text", "storage class", "text", "text", "whole"), name)
            stack.append("storage")
        elif name == "REDUCE":
            arguments = stack.pop()
            stack.append(_call(stack.pop(), arguments))
        elif name == "BUILD":
            _expect(stack.pop() in ("dict", "ordered") and stack[-1] == "ordered", name)  # a state_dict's _metadata
        elif name == "PROTO":
            _expect(argument == 2, f"{name} {argument}")
        elif name != "STOP":
            raise UnpicklingError(f"its operation {name} is none that torch.save writes")


def _collect(operation: str, items: list[Kind], stack: list[Kind]) -> None:
    """Put the items into a new tuple, or into the list or dictionary that the stack ends with."""
    if operation.startswith("TUPLE"):
        stack.append(tuple(items))
    elif operation.startswith("APPEND"):
        _expect(stack[-1] == "list", operation)
    else:
        # other keys could be tuples nested so deep that hashing them ends the process
        _expect(stack[-1] in ("dict", "ordered"), operation)
        _expect(len(items) % 2 == 0 and all(key in ("text", "whole", "plain") for key in items[::2]), operation)


def _call(function: Kind, arguments: Kind) -> Kind:
    """Return what a known function makes of arguments of these kinds."""
    match function, arguments:
        case "OrderedDict", ():
            return "ordered"
        case "rebuild tensor", ("storage", "whole", tuple(size), tuple(stride), "plain", "ordered"):
            if all(kind == "whole" for kind in (*size, *stride)):
                return "tensor"
        case "rebuild parameter", ("tensor", "plain", "ordered"):
            return "tensor"
        case "device", ("text",) | ("text", "whole"):
            return "plain"
    raise UnpicklingError("it calls a function in a way that torch.save does not")


def _expect(condition: bool, operation: str) -> None:
    if not condition:
        raise UnpicklingError(f"it uses {operation} in a way that torch.save does not")
