"""Asking for what stands at places, as an editor would, and how long that takes."""

import time
from collections.abc import Sequence

from assistant.engine.engine import Engine
from assistant.engine.requests import Job
from assistant.messages import SamplingParams
from assistant_eval.completion.measures import Suggested
from assistant_eval.completion.places import Place

_TOKENS = {"line": 64, "block": 192}


def suggest(engine: Engine, places: Sequence[Place], adapter: str | None) -> list[Suggested]:
    """What the model suggests at each place, one after the other.

    It is asked for as many lines as stand there: how much an editor would show is another question.
    """
    return [_suggest(engine, place, adapter) for place in places]


def _suggest(engine: Engine, place: Place, adapter: str | None) -> Suggested:
    params = SamplingParams(max_tokens=_TOKENS[place.kind])
    begun = time.perf_counter()
    answer = engine.complete(place.request, params, Job(adapter=adapter))
    text = ""
    for chunk in answer:
        text += chunk.text.replace("\r\n", "\n")
        if text.lstrip().count("\n") >= place.lines:
            break  # what would come now was not asked for
    seconds = time.perf_counter() - begun
    return Suggested(place.text, "\n".join(text.strip().split("\n")[: place.lines]), seconds)
