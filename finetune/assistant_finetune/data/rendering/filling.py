"""The text that belongs at a place, behind the very prompt that the model is served there."""

from dataclasses import replace

from assistant.messages import CompletionRequest, Conversation, Message
from assistant.prompts import Renderer
from assistant.prompts.cutting import COMPLETION_CONTEXT, Cutter
from assistant.prompts.segments import EOS, Kind
from assistant.prompts.tasks import fill_in, fill_in_stops
from assistant_finetune.data.examples import Hole
from assistant_finetune.data.rendering.sample import Rendering, Sample, TooLongError, made

_TRIES = 4


def hole_sample(hole: Hole, rendering: Rendering, *, around: bool = False) -> Sample:
    """The prompt at the place, not learned, and the text with its end, learned.

    With `around` the prompt is learned, too, but for the token that begins it. Text around is cut
    as it is when served. Raises TooLongError when the text itself has no room,
    PromptError and NothingToLearnError.
    """
    renderer = rendering.renderer

    def count(text: str) -> int:
        return len(renderer.tokenizer.encode_text(text))

    cutter = Cutter(count)
    budget = min(COMPLETION_CONTEXT, rendering.max_length - count(hole.middle))
    for _ in range(_TRIES):
        if budget <= 0:
            break
        ids, learned = _ids(cutter.cut(hole.request, budget), hole.middle, renderer)
        if len(ids) <= rendering.max_length:
            weights = [float(around)] * (len(ids) - learned) + [1.0] * learned
            return made(ids, weights, hole.origin)
        budget -= len(ids) - rendering.max_length
    raise TooLongError(
        f"{hole.origin}: the text at the place leaves no room for what stands around it in "
        f"{rendering.max_length} tokens"
    )


def _ids(request: CompletionRequest, middle: str, renderer: Renderer) -> tuple[list[int], int]:
    """The ids of prompt and answer, and how many of them, at the end, are learned."""
    if renderer.fim_format is not None:
        encoded = renderer.complete_training(request, middle)
        learned = len(encoded.labels) - _first_learned(encoded.labels)
        return list(encoded.ids), learned
    prompt = renderer.complete(request)
    text = f" {middle}" if prompt.drop_space else middle
    if renderer.can_chat:
        ending = "".join(fill_in_stops(request))
        closing = _closing(request, renderer)
    else:
        ending = ""
        end = renderer.tokenizer.token_id(EOS)
        closing = [] if end is None else [end]
    answer = [*renderer.tokenizer.encode_text(text + ending), *closing]
    return [*prompt.ids, *answer], len(answer)


def _closing(request: CompletionRequest, renderer: Renderer) -> list[int]:
    """The ids that end an answer in the model's chat format."""
    asked = fill_in(replace(request, context=()))
    question = next(message for message in asked.messages if message.role == "user")
    whole = Conversation((question, Message("assistant", "x")))
    ids = list[int]()
    for segment, piece in renderer.chat_training_pieces(whole):
        if segment.learn and segment.kind is not Kind.CONTENT:
            ids += piece
    return ids


def _first_learned(labels: tuple[int, ...]) -> int:
    return next((place for place, label in enumerate(labels) if label >= 0), len(labels))
