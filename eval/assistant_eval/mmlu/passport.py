"""What a score belongs to: all that can make another score of the same model and questions."""

import json
from typing import Any

from assistant_eval.mmlu.prompts import Facts, Prompts
from assistant_eval.mmlu.protocols import PROTOCOLS
from assistant_eval.mmlu.questions import Exam
from assistant_eval.model import Examined, versions


def passport(examined: Examined, exam: Exam, shots: int, prompts: Prompts) -> dict[str, Any]:
    """What an evaluation is known by, in the form in which JSON gives it back."""
    found = {
        "evaluation": "mmlu",
        "model": examined.identity(),
        "data": {
            "sha256": exam.sha256(),
            "questions": len(exam),
            "subjects": [subject.name for subject in exam.subjects],
        },
        "shots": shots,
        "protocols": {name: _protocol(name, facts) for name, facts in prompts.facts.items()},
        "versions": versions(),
    }
    same: dict[str, Any] = json.loads(json.dumps(found))
    return same


def _protocol(name: str, facts: Facts) -> dict[str, Any]:
    protocol = PROTOCOLS[name]
    return {
        "reading": protocol.reading,
        "compared_ids": facts.compared,
        "bos_id": facts.bos,
        "prompts_by_shots": dict(sorted(facts.shots.items(), reverse=True)),
        "most_tokens": protocol.most_tokens,
        "cut_prompts": facts.cut,
        "cut_side": protocol.cut,
        "prompts_sha256": facts.texts.hexdigest(),
        "ids_sha256": facts.ids.hexdigest(),
    }
