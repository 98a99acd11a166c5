"""What runs on this machine, and how well: memory reckoned, speed measured.

`machine` knows what is there, `weights` and `speed` what a model takes, `planning` what follows.
`measuring` alone needs PyTorch, and is imported by whoever wants to measure.
"""

from assistant.plan.machine import Device, Machine, detect_machine
from assistant.plan.planning import (
    Fit,
    Memory,
    Plan,
    best_first,
    memory_of,
    plan_for,
    planned_context,
    plans_for,
    recommended,
)
from assistant.plan.speed import PROMPT_TOKENS, Line, Rates, Timing
from assistant.plan.weights import Storage, Weights, storages_of, weights_of

__all__ = [
    "PROMPT_TOKENS",
    "Device",
    "Fit",
    "Line",
    "Machine",
    "Memory",
    "Plan",
    "Rates",
    "Storage",
    "Timing",
    "Weights",
    "best_first",
    "detect_machine",
    "memory_of",
    "plan_for",
    "planned_context",
    "plans_for",
    "recommended",
    "storages_of",
    "weights_of",
]
