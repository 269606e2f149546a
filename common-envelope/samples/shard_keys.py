#!/usr/bin/env python3
"""Writes shard-keys.json: hashes and shards of conversations. Shares no code with the platform; needs Python alone."""
import json
import pathlib
import struct
import uuid

SHARDS = 16
BYTES = ["ffffffff", "21436587", "00000000", "00" * 16, "0199c0de7a1170008000000000000001", "ff" * 16]
CONVERSATIONS = [uuid.UUID(int=0), uuid.UUID(int=2 ** 128 - 1)] + [
    uuid.UUID(f"0199c0de-7a11-7000-8000-{n:012x}") for n in range(1, 9)] + [
    uuid.uuid5(uuid.NAMESPACE_URL, f"urn:sample:{n}") for n in range(24)]


def rotate(word, by):
    return (word << by | word >> (32 - by)) & 0xffffffff


def murmur3(data):
    """MurmurHash3_x86_32 with seed 0, of whole blocks of four bytes."""
    value = 0
    for (block,) in struct.iter_unpack("<I", data):
        value ^= rotate(block * 0xcc9e2d51 & 0xffffffff, 15) * 0x1b873593 & 0xffffffff
        value = (rotate(value, 13) * 5 + 0xe6546b64) & 0xffffffff
    value ^= len(data)
    value = (value ^ value >> 16) * 0x85ebca6b & 0xffffffff
    value = (value ^ value >> 13) * 0xc2b2ae35 & 0xffffffff
    return value ^ value >> 16


vectors = {
    "hashes": [{"bytes": each, "murmur3": f"{murmur3(bytes.fromhex(each)):08x}"} for each in BYTES],
    "shards": SHARDS,
    "conversations": [{"id": str(each), "shard": murmur3(each.bytes) % SHARDS} for each in CONVERSATIONS],
}
(pathlib.Path(__file__).parent / "shard-keys.json").write_text(json.dumps(vectors, indent=1) + "\n")
