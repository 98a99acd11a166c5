"""What a score of programs belongs to: all that can make another one."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from assistant.messages import SamplingParams
from assistant_eval import fingerprints
from assistant_eval.code.programs import Style
from assistant_eval.code.sandbox import Limits
from assistant_eval.code.tasks import TaskSet
from assistant_eval.model import Examined, versions

if TYPE_CHECKING:
    from assistant.prompts import Prompt


def passport(
    examined: Examined,
    tasks: TaskSet,
    prompts: "Sequence[Prompt]",
    *,
    style: Style,
    samples: int,
    params: SamplingParams,
    limits: Limits,
) -> dict[str, Any]:
    """What an evaluation is known by, in the form in which JSON gives it back."""
    found = {
        "evaluation": "code",
        "model": examined.identity(),
        "data": {"sha256": tasks.sha256(), "questions": len(tasks.tasks)},
        "style": style,
        "ids_sha256": fingerprints.of_value([prompt.ids for prompt in prompts]),
        "samples": samples,
        "temperature": params.temperature,
        "top_p": params.top_p,
        # The likeliest tokens are the same under every seed.
        "seed": params.seed if params.temperature else None,
        "max_tokens": params.max_tokens,
        "stop": params.stop,
        "limits": asdict(limits),
        "versions": versions(),
    }
    same: dict[str, Any] = json.loads(json.dumps(found))
    return same
