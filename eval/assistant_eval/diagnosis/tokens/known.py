"""Whether the model goes on as every model of its size does from beginnings that all know."""

import tomllib
from pathlib import Path
from typing import Any

from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import CannotRun, Check
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight


class KnownAnswers(Check):
    """Compares the right continuation with three wrong ones."""

    name = "known answers"
    doing = "asking what every model knows"

    def look(self, case: Case) -> Look:
        """See Check."""
        pack = tomllib.loads(Path(__file__).with_name("known_answers.toml").read_text("utf-8"))
        parameters = case.loaded.description.parameters
        right, count = sum(answered(case, pack["known"])), len(pack["known"])
        seen = f"{right} of {count} known"
        if parameters < pack["least_parameters"]:
            raise CannotRun(
                f"{seen}, which says nothing of {parameters / 1e6:,.1f}M parameters: it is for"
                f" {pack['least_parameters'] / 1e9:.0f}B and more"
            )
        if right >= pack["least_right"] * count:
            return Look(seen)
        wanted = f"{pack['least_right']:.0%} and more ({pack['source']})"
        return Look(seen, (Finding(Cause.USELESS_WEIGHTS, Weight.SYMPTOM, wanted, seen),))


def answered(case: Case, known: list[dict[str, Any]]) -> list[bool]:
    """Whether the first option of each is the likeliest."""
    reader, encoder = case.reader, case.encoder
    found = []
    for one in known:
        (ids,) = encoder.encode([one["begins"]], "tokenizer")
        options = [f" {option}" for option in one["options"]]
        (text,) = reader.read([(reader.begin(()), ids)])
        behind = encoder.behind(one["begins"], options, "tokenizer")
        (costs,) = reader.likelihoods([(text, behind)])
        means = [cost / len(ids) for cost, ids in zip(costs, behind, strict=True)]
        found.append(max(range(len(means)), key=means.__getitem__) == 0)
    return found
