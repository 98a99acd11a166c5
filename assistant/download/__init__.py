"""Files from the model hub to a folder: in parallel parts, resumed, and checked by their hashes."""

from assistant.download.part_file import PART, PartFile
from assistant.download.progress import Standing
from assistant.download.remote import PullError, RemoteFile, gated, unreachable
from assistant.download.transfer import CONNECTIONS, fetch_all, fetched_bytes

__all__ = [
    "CONNECTIONS",
    "PART",
    "PartFile",
    "PullError",
    "RemoteFile",
    "Standing",
    "fetch_all",
    "fetched_bytes",
    "gated",
    "unreachable",
]
