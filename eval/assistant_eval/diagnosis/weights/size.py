"""Whether a model has the size and shape of the one that it is said to be."""

from assistant.model_specs import ModelSpec, load_registry
from assistant_eval.diagnosis.bands import Published, published
from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import CannotRun, Check
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight

_KEYS = {
    "num_hidden_layers": "layers",
    "hidden_size": "hidden_size",
    "intermediate_size": "intermediate_size",
    "num_attention_heads": "heads",
}
"""Of config.json and of ModelSpec; a vocabulary may have a token more."""


class Size(Check):
    """Compares config.json with the registry, which costs nothing."""

    name = "size and shape"
    doing = "comparing the size with the registry"

    def look(self, case: Case) -> Look:
        """See Check."""
        shape = shape_of(case)
        found = shape_line(shape)
        if case.spec is None:
            raise CannotRun(
                f"{found}; the registry does not know what {case.examined.local.name} should be:"
                " name it by --expect"
            )
        wanted = {theirs: getattr(case.spec, ours) for theirs, ours in _KEYS.items()}
        if shape == wanted:
            return Look(f"{found}, as {case.spec.name} has{_band(case.spec.parameters)}")
        same = [spec for spec in load_registry().values() if _shape(spec) == shape]
        seen = found + (f", which is the shape of {same[0].name}" if same else "")
        band = _band(same[0].parameters) if same else ""
        predicted = f"{shape_line(wanted)} of {case.spec.name}{_band(case.spec.parameters)}"
        finding = Finding(Cause.WRONG_SIZE, Weight.CERTAIN, predicted, seen + band)
        return Look(found, (finding,))


class OtherSize(Check):
    """Looks the claimed number up among those that are published for other sizes."""

    name = "the number of another size"
    doing = "looking for sizes that the claimed number is published for"

    def look(self, case: Case) -> Look:
        """See Check."""
        if case.claim is None:
            raise CannotRun("no number is claimed")
        if case.spec is None:
            raise CannotRun("no size is expected: name the model by --expect")
        faithful = [one for one in published() if one.faithful]
        own = [one for one in faithful if one.is_of(case.spec.parameters)]
        if not own:
            raise CannotRun(f"there are no published figures for the size of {case.spec.name}")
        low, high = span(own)
        value = case.claim.value
        seen = f"{low:.1f} to {high:.1f} are published for this size, {value:.1f} is claimed"
        others = [one for one in faithful if one not in own and abs(one.score - value) < 1]
        if low - 1 <= value <= high + 1 or not others:
            return Look(seen)
        nearest = min(others, key=lambda one: abs(one.score - value))
        finding = Finding(
            Cause.OTHER_SIZE,
            Weight.SYMPTOM,
            f"{nearest.score:.1f} for {nearest.model} ({nearest.source})",
            f"{value:.1f} claimed for {case.spec.name}, whose size has {low:.1f} to {high:.1f}",
            measuring=True,
        )
        return Look(seen, (finding,))


def shape_of(case: Case) -> dict[str, int | None]:
    """The sizes that config.json says."""
    return {key: case.config.get(key) for key in _KEYS}


def shape_line(shape: dict[str, int | None]) -> str:
    """A shape in words, such as `40 layers of 5,120`."""
    layers, hidden = shape["num_hidden_layers"], shape["hidden_size"]
    if not isinstance(layers, int) or not isinstance(hidden, int):
        return "a config.json without sizes"
    return f"{layers} layers of {hidden:,} (inner {shape['intermediate_size']})"


def span(figures: list[Published]) -> tuple[float, float]:
    """The lowest and the highest of published scores."""
    scores = [one.score for one in figures]
    return min(scores), max(scores)


def _shape(spec: ModelSpec) -> dict[str, int | None]:
    return {theirs: getattr(spec, ours) for theirs, ours in _KEYS.items()}


def _band(parameters: int) -> str:
    figures = [one for one in published() if one.is_of(parameters) and one.faithful]
    if not figures:
        return ""
    low, high = span(figures)
    return f" (published 5-shot scores: {low:.1f} to {high:.1f})"
