"""Whether the adapter changes anything."""

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import CannotRun, Check
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight


class Adapter(Check):
    """Looks at the second matrix of each pair, which begins as nothing before training."""

    name = "adapter"
    doing = "reading the adapter"

    def look(self, case: Case) -> Look:
        """See Check."""
        folder = case.examined.local.adapter
        if folder is None:
            raise CannotRun("there is no adapter")
        try:
            tensors = load_file(folder / "adapter_model.safetensors")
        except (OSError, SafetensorError) as error:
            raise CannotRun(f"the adapter cannot be read: {error}") from error
        seconds = [tensor for name, tensor in tensors.items() if ".lora_B" in name]
        idle = sum(not torch.count_nonzero(tensor) for tensor in seconds)
        seen = f"{len(seconds) - idle} of {len(seconds)} pairs of matrices change their layer"
        if seconds and idle == len(seconds):
            wanted = "a second matrix of each pair that is not all zeros"
            return Look(seen, (Finding(Cause.IDLE_ADAPTER, Weight.CERTAIN, wanted, seen),))
        return Look(seen)
