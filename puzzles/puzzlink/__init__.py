"""puzz.link: the parts of an address, and the codes in which its body writes the clues. It knows no boards."""

from tts.puzzles.puzzlink.address import MAX_SIDE, Address, read_address, short, write_address
from tts.puzzles.puzzlink.codes import (
    NONE,
    decode_four,
    decode_numbers,
    decode_tapa,
    decode_walls,
    encode_four,
    encode_numbers,
    encode_tapa,
    encode_walls,
)

__all__ = [
    "MAX_SIDE",
    "NONE",
    "Address",
    "decode_four",
    "decode_numbers",
    "decode_tapa",
    "decode_walls",
    "encode_four",
    "encode_numbers",
    "encode_tapa",
    "encode_walls",
    "read_address",
    "short",
    "write_address",
]
