"""Where things live on the user's machine.

Everything stands below one home folder when `ASSISTANT_HOME` names one; otherwise it follows the
system's own conventions (XDG on Linux, Library on macOS).
"""

import os
import tempfile
from pathlib import Path

import platformdirs

HOME_VARIABLE = "ASSISTANT_HOME"
_NAME = "assistant"


def config_dir() -> Path:
    """The folder of `config.toml`."""
    return _below_home("config") or platformdirs.user_config_path(_NAME)


def data_dir() -> Path:
    """The folder of what is worth keeping: models and adapters."""
    return _below_home("data") or platformdirs.user_data_path(_NAME)


def state_dir() -> Path:
    """The folder of what belongs to this machine: the running server, its token and its log."""
    return _below_home("state") or platformdirs.user_state_path(_NAME)


def config_file() -> Path:
    """The user's settings."""
    return config_dir() / "config.toml"


def models_dir() -> Path:
    """One folder for each model that was pulled."""
    return data_dir() / "models"


def adapters_dir() -> Path:
    """One folder for each LoRA adapter that is chosen by its name."""
    return data_dir() / "adapters"


def runs_dir() -> Path:
    """One folder for each training run: its data, checkpoints, measurements and report."""
    return data_dir() / "runs"


def evaluations_dir() -> Path:
    """One folder for each evaluation: what was answered, what it was computed with, its report."""
    return data_dir() / "evaluations"


def token_file() -> Path:
    """The secret that a client shows to the server; readable by its owner alone."""
    return state_dir() / "token"


def server_file() -> Path:
    """What the running server says of itself: its address and process id, as JSON."""
    return state_dir() / "server.json"


def server_lock() -> Path:
    """Locked by the running server for as long as it lives."""
    return state_dir() / "server.lock"


def log_dir() -> Path:
    """Logs of processes that have no terminal. They hold no text of the user's."""
    return state_dir() / "log"


def write_atomically(path: Path, content: str | bytes, *, mode: int = 0o644) -> None:
    """Write `content` so that `path` holds either all of the old or all of the new.

    Raises OSError as writing does; the old content then stands.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def identity_of(file: Path) -> tuple[int, int] | None:
    """Which file stands there now, as the system numbers them, or None for none.

    One that was deleted and made again is another one.
    """
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _below_home(folder: str) -> Path | None:
    home = os.environ.get(HOME_VARIABLE)
    return Path(home).expanduser() / folder if home else None
