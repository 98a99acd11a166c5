"""The adapters on this machine: list them, use one, delete it, merge it into its base."""

from assistant_finetune.adapters.installed import Installed, find, installed, remove
from assistant_finetune.adapters.using import in_use, use, use_none

__all__ = ["Installed", "find", "in_use", "installed", "remove", "use", "use_none"]
