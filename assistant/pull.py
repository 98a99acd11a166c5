"""Bringing a model's weights to this machine, and taking them off it.

The hub's own library says what a repository holds and where; the files themselves are fetched here,
because that library starts an interrupted file from its beginning, which is 17 GB for some models.
Everything goes into `NAME.partial`, which becomes `NAME` when every file is there and its hash is
right: what bears the name is complete.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from importlib.util import find_spec as find_module
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.download import (
    CONNECTIONS,
    PART,
    PullError,
    RemoteFile,
    Standing,
    fetch_all,
    fetched_bytes,
    gated,
    unreachable,
)
from assistant.errors import ModelNotFoundError, UsageError
from assistant.locking import alone
from assistant.registry import (
    PARTIAL,
    STARTER,
    Variant,
    find_spec,
    folder_of,
    free_bytes,
    gigabytes,
)

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

_WANTED = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "LICENSE*", "USE_POLICY*")
_UNWANTED = ("*/*", "consolidated*")
"""Subfolders hold other forms of the same weights, and so do `consolidated` files."""
_SPARE_BYTES = 100_000_000
"""Left free on the disk: a full one harms everything else on the machine."""


def pull(
    name: str,
    variant: Variant | None = None,
    on_progress: Callable[[Standing], object] = lambda _: None,
    *,
    connections: int = CONNECTIONS,
) -> Path:
    """Fetch a model by its name in the registry; returns its folder.

    Without `variant` it is the one that the name says (`vicuna-13b-gptq`), else the full weights,
    else the quantized ones. `on_progress` is told a few times a second. A pull that was
    interrupted, even by a kill, goes on where it ended. Large files are fetched in several ranges
    at once, over at most `connections`. Raises PullError with the reason when it cannot, and
    UsageError when `variant` is another one than the name says.
    """
    if name == STARTER:
        raise UsageError("the starter model is part of the program: there is nothing to pull")
    spec, said = find_spec(name)
    if said is not None and variant not in (None, said):
        raise UsageError(f"{name} names its variant itself: leave out {variant} or the end of it")
    chosen = variant or said or spec.variants[0]
    repository = spec.gptq_repository if chosen == "gptq" else spec.repository
    if repository is None:
        raise PullError(f"{spec.name} is not known in a GPTQ variant")
    final = folder_of(spec.name, chosen)
    if final.is_dir():
        return final
    if find_module("huggingface_hub") is None:
        raise PullError("pulling models needs more of this program: install `assistant[server]`")
    growing = final.with_name(final.name + PARTIAL)
    with _alone(growing, name):
        if final.is_dir():  # another process finished it while this one came here
            return final
        files = _wanted(_list_files(repository, name), repository, name)
        _check_disk(files, growing, name)
        growing.mkdir(exist_ok=True)
        fetch_all(files, growing, name, on_progress, token=_token(), connections=connections)
        for leftover in growing.glob(f"*{PART}"):
            leftover.unlink()
        growing.rename(final)
    return final


def remove(name: str) -> int:
    """Delete a model's weights: both variants, or the one that the name says.

    What an interrupted pull left goes too. Returns the number of bytes freed. Raises
    ModelNotFoundError when there is nothing to delete.
    """
    if name == STARTER:
        raise UsageError("the starter model is part of the program and stays with it")
    if "/" in name or os.sep in name or name.startswith("."):
        raise UsageError(f"{name} is a path: only models in the models folder are removed, by name")
    names = {folder_of(name, "full"), folder_of(name, "gptq")}
    folders = [*names, *(folder.with_name(folder.name + PARTIAL) for folder in names)]
    there = [folder for folder in folders if folder.is_dir()]
    if not there:
        find_spec(name)
        raise ModelNotFoundError(f"{name} is not on this machine: there is nothing to remove")
    files = (file for folder in there for file in folder.rglob("*") if file.is_file())
    freed = sum(file.lstat().st_size for file in files)
    for folder in there:
        shutil.rmtree(folder)
    return freed


@contextmanager
def _alone(growing: Path, name: str) -> Iterator[None]:
    growing.parent.mkdir(parents=True, exist_ok=True)
    taken = PullError(f"{name} is being pulled by another process already")
    with alone(growing.with_name(f".{growing.name}.lock"), taken):
        yield


def _token() -> str | None:
    """The user's token for the hub, from HF_TOKEN or the hub's own login."""
    from huggingface_hub import get_token

    return get_token()


def _list_files(repository: str, name: str) -> list[RemoteFile]:
    """What the hub says the repository holds."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import HfApi, hf_hub_url
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    endpoint = os.environ.get("HF_ENDPOINT") or None
    try:
        info = HfApi(endpoint=endpoint).model_info(repository, files_metadata=True, timeout=30)
    except GatedRepoError as error:
        raise PullError(gated(repository)) from error
    except RepositoryNotFoundError as error:
        raise PullError(
            f"{name}: the model hub has no repository {repository}, or none that you may see"
        ) from error
    except Exception as error:  # whatever the HTTP library below the hub's library raises
        raise PullError(unreachable(name, error)) from error
    return [
        _remote_file(
            sibling,
            hf_hub_url(repository, sibling.rfilename, revision=info.sha, endpoint=endpoint),
        )
        for sibling in info.siblings or ()
    ]


def _remote_file(sibling: "RepoSibling", url: str) -> RemoteFile:
    large = sibling.lfs
    return RemoteFile(
        name=sibling.rfilename,
        url=url,
        size=(large.size if large else sibling.size) or 0,
        sha256=large.sha256 if large else None,
        blob_id=sibling.blob_id,
    )


def _wanted(files: list[RemoteFile], repository: str, name: str) -> list[RemoteFile]:
    """The files that make up the model. Refuses a repository whose weights are pickled."""
    wanted = [
        file
        for file in files
        if any(fnmatch(file.name, pattern) for pattern in _WANTED)
        and not any(fnmatch(file.name, pattern) for pattern in _UNWANTED)
    ]
    if any(file.name.endswith(".safetensors") for file in wanted):
        return wanted
    pickled = [file.name for file in files if file.name.endswith((".bin", ".pt", ".pth"))]
    if pickled:
        raise PullError(
            f"{name}: {repository} holds pickled weights alone ({pickled[0]}), which can run any"
            " code when they are read: choose a model with safetensors, such as a GPTQ variant"
        )
    raise PullError(f"{name}: {repository} holds no weights")


def _check_disk(files: list[RemoteFile], growing: Path, name: str) -> None:
    needed = sum(file.size for file in files) - fetched_bytes(files, growing)
    free = free_bytes()
    if needed + _SPARE_BYTES > free:
        raise PullError(
            f"{name} needs {gigabytes(needed)} more and {gigabytes(free)} are free in"
            f" {growing.parent}: free some, or set ASSISTANT_HOME to a larger disk"
        )
