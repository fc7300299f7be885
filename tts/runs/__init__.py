"""A search on disk: shards that are whole or done again, by one process or many workers."""

from tts.runs.fingerprint import CLASS, describe, describe_search, digest_of
from tts.runs.manifest import MANIFEST, claim, describe_data, versions
from tts.runs.store import Store
from tts.runs.stored import StoredRun, read
from tts.runs.workers import connected

__all__ = [
    "CLASS",
    "MANIFEST",
    "Store",
    "StoredRun",
    "claim",
    "connected",
    "describe",
    "describe_data",
    "describe_search",
    "digest_of",
    "read",
    "versions",
]
