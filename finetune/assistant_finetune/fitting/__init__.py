"""Whether training fits, told before anything is loaded, and the settings that make it fit."""

from assistant_finetune.fitting.choosing import Choice, choose
from assistant_finetune.fitting.memory import TrainingMemory, memory_of

__all__ = ["Choice", "TrainingMemory", "choose", "memory_of"]
