"""Which files are never learned from: training puts them aside, and examinations ask for them."""

import hashlib


def file_identity(path: str) -> str:
    """What a file is known by, also when it was edited; `path` is inside its folder of data."""
    return f"file\0{path}"


def is_held_out(identity: str, share: float) -> bool:
    """Whether what is known by this is held out, where that has such a share of all."""
    digest = hashlib.sha256(identity.encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64
