"""Code around a cursor as segments: fill-in-the-middle, or the plain prefix where there is none."""

from dataclasses import replace

from assistant.messages import CompletionRequest
from assistant.prompts.fim_formats import FimFormat
from assistant.prompts.segments import BOS, Kind, Segment, join


def before_space(request: CompletionRequest) -> CompletionRequest:
    """The request as it was before a lone space was typed behind a word, if that came last.

    Every tokenizer in use joins a space to the word after it, so a model has hardly ever seen a
    text that ends in a space alone, and what it writes there is bad. The space is left to the
    model, and the cache of the prompt before it was typed serves again.
    """
    prefix = request.prefix
    if len(prefix) > 1 and prefix[-1] == " " and not prefix[-2].isspace():
        return replace(request, prefix=prefix[:-1])
    return request


def render_fim(request: CompletionRequest, fim_format: FimFormat) -> list[Segment]:
    """The prompt whose continuation is the text at the cursor."""
    values = {"prefix": request.prefix, "suffix": request.suffix}
    return join(fim_format.pattern.fill(values))


def render_fim_training(
    request: CompletionRequest, middle: str, fim_format: FimFormat
) -> list[Segment]:
    """The prompt, then `middle` and the token that ends it, both to be learned."""
    return [
        *render_fim(request, fim_format),
        Segment(Kind.CONTENT, middle, learn=True),
        Segment(Kind.TOKEN, fim_format.close, learn=True),
    ]


def render_plain(request: CompletionRequest) -> list[Segment]:
    """The prefix alone, for a base model that knows no fill-in-the-middle; the suffix is unused."""
    return [Segment(Kind.TOKEN, BOS), Segment(Kind.CONTENT, request.prefix)]
