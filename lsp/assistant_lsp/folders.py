"""The folders that the editor has open, as the user knows them."""

from collections.abc import Iterable
from pathlib import PurePath

from assistant_lsp.documents import path_of
from assistant_lsp.protocol import AssistantLanguageServer


def folder_of(path: str, folders: Iterable[str]) -> str:
    """The innermost of these folders that a file lies in, or empty where it lies in none."""
    above = {str(folder) for folder in PurePath(path).parents} if path else set()
    return max((folder for folder in folders if folder in above), key=len, default="")


def open_folders(server: AssistantLanguageServer) -> list[str]:
    """The paths of all folders that the editor has open by now, without a slash at the end."""
    # Before `initialize` pygls has no workspace and raises; nobody asks then.
    uris = [folder.uri for folder in server.workspace.folders.values()]
    if not uris and server.workspace.root_uri:
        uris = [server.workspace.root_uri]
    return [str(PurePath(path)) for path in map(path_of, uris) if path]
