"""What is done when memory runs out: the same step in smaller pieces, whose result is the same but
for rounding."""

from assistant_finetune.training.settings import Settings


def smaller(settings: Settings, device: str, processes: int) -> Settings | None:
    """The next thing to try, on `cpu` or `cuda`; None where nothing is left.

    First fewer rows at once, then activations that are computed twice, then those that are left
    kept in the computer's memory instead of the GPU's.
    """
    rows = settings.batch_size // processes
    micro = settings.micro_batch_size or 1
    if micro > 1:
        half = next(size for size in range(micro // 2, 0, -1) if rows % size == 0)
        return settings.with_changes(micro_batch_size=half)
    if not settings.checkpointing:
        return settings.with_changes(checkpointing=True)
    if device != "cpu" and not settings.offload:
        return settings.with_changes(offload=True)
    return None


def told(settings: Settings, processes: int) -> str:
    """How a run goes on, in words."""
    micro = settings.micro_batch_size or 1
    rows = "1 row" if micro == 1 else f"{micro} rows"
    words = [
        f"out of memory: going on with {rows} at once and {settings.accumulation(processes)} times"
        f" for a step of {settings.batch_size}"
    ]
    if settings.checkpointing:
        words.append("activations computed twice")
    if settings.offload:
        words.append("kept in the computer's memory")
    return ", ".join(words)
