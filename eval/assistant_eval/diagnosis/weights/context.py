"""Whether a model is asked to read further than it was made for."""

from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import CannotRun, Check
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight


class Context(Check):
    """Compares `max_position_embeddings` with the registry.

    Models for longer contexts that were made by another scaling of their positions (SuperHOT) read
    nonsense without that scaling.
    """

    name = "context"
    doing = "comparing the context with the registry"

    def look(self, case: Case) -> Look:
        """See Check."""
        found = case.config.get("max_position_embeddings")
        if case.spec is None or not isinstance(found, int):
            raise CannotRun(f"{found} tokens; nobody says how many there should be: see --expect")
        scaled = case.config.get("rope_scaling") or case.config.get("rope_parameters") or {}
        plain = scaled.get("rope_type", scaled.get("type", "default")) == "default"
        seen = f"{found:,} tokens, {case.spec.context:,} in the registry"
        if found <= case.spec.context or not plain:
            return Look(seen)
        finding = Finding(
            Cause.STRETCHED_CONTEXT,
            Weight.SYMPTOM,
            f"{case.spec.context:,} tokens, or a scaling of positions in config.json",
            f"{found:,} tokens and no scaling",
        )
        return Look(seen, (finding,))
