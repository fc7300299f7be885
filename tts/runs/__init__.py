"""A search on disk: shards that are whole or done again, by one process or many workers."""

from tts.runs.fingerprint import describe, describe_search, digest_of
from tts.runs.manifest import claim, describe_data, versions
from tts.runs.store import Store
from tts.runs.workers import connected

__all__ = [
    "Store",
    "claim",
    "connected",
    "describe",
    "describe_data",
    "describe_search",
    "digest_of",
    "versions",
]
