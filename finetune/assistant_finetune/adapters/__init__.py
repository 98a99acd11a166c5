"""The adapters on this machine: list, use, bring back, delete, merge and export them."""

from assistant_finetune.adapters.installed import Installed, find, installed, remove
from assistant_finetune.adapters.using import in_use, use, use_none
from assistant_finetune.adapters.versions import rollback

__all__ = ["Installed", "find", "in_use", "installed", "remove", "rollback", "use", "use_none"]
