"""The tensors in a folder's files, read without asking whether the folder is whole.

The loader refuses a damaged folder; whoever wants to know what is wrong with it looks here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from assistant.engine.folder import TensorHeader, read_header
from assistant.errors import ModelFolderError


@dataclass(frozen=True)
class StoredWeights:
    """What the safetensors files of a folder hold."""

    headers: Mapping[str, TensorHeader]
    """Each tensor's type and shape."""
    files: Mapping[str, Path]
    """The file that each tensor is in."""
    problems: tuple[str, ...]
    """Files that cannot be read, a line each."""

    @classmethod
    def of(cls, folder: Path) -> "StoredWeights":
        """Read the headers of all files that can be read."""
        headers: dict[str, TensorHeader] = {}
        files: dict[str, Path] = {}
        problems = []
        for file in sorted(folder.glob("*.safetensors")):
            if file.name.startswith("adapter"):
                continue
            try:
                found = read_header(file)
            except ModelFolderError as error:
                problems.append(str(error))
                continue
            headers |= found
            files |= dict.fromkeys(found, file)
        return cls(headers, files, tuple(problems))

    def tensor(self, name: str, columns: int | None = None) -> torch.Tensor:
        """One tensor, of a matrix at most so many columns. Raises ModelFolderError."""
        with _opened(self.files[name]) as weights:
            if columns is None or len(self.headers[name].shape) < 2:
                whole: torch.Tensor = weights.get_tensor(name)
                return whole
            part: torch.Tensor = weights.get_slice(name)[:, :columns]
            return part

    def tensors(self) -> Iterator[tuple[str, torch.Tensor]]:
        """All tensors, file by file. Raises ModelFolderError."""
        for file in dict.fromkeys(self.files.values()):
            with _opened(file) as weights:
                for name in weights.offset_keys():
                    yield name, weights.get_tensor(name)


def _opened(file: Path) -> Any:
    try:
        return safe_open(file, "pt")
    except (OSError, SafetensorError) as error:
        raise ModelFolderError(f"{file} cannot be read: {error}") from error
