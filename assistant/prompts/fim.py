"""Code around a cursor as segments: fill-in-the-middle, or the plain prefix where there is none."""

from collections.abc import Mapping
from dataclasses import replace

from assistant.messages import CompletionRequest, Snippet
from assistant.prompts.fim_formats import FimFormat
from assistant.prompts.languages import comment_mark, commented
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
    """The prompt whose continuation is the text at the cursor.

    Pieces of other files stand in it where the format knows how.
    """
    texts = {"prefix": request.prefix, "suffix": request.suffix}
    if not request.context or fim_format.context is None:
        return join(fim_format.pattern.fill(texts))
    file = fim_format.context.file_pattern
    files = [s for piece in request.context for s in file.fill(_fields(piece, request.language))]
    whole: dict[str, str | list[Segment]] = {
        **texts,
        **_fields(Snippet(request.inner_path, ""), request.language),
        "project": request.project.rstrip("/").rpartition("/")[2],
        "files": files,
    }
    return join(fim_format.context_pattern.fill(whole))


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
    """The prefix alone, for a base model that knows no fill-in-the-middle; the suffix is unused.

    Pieces of other files stand before it as comments.
    """
    text = plain_context(request) + request.prefix
    return [Segment(Kind.TOKEN, BOS), Segment(Kind.CONTENT, text)]


def plain_context(request: CompletionRequest) -> str:
    """Pieces of other files as lines of comment, for a model that is given nothing but text."""
    pieces = (_fields(piece, request.language)["comment"] for piece in request.context)
    return "".join(pieces)


def _fields(piece: Snippet, language: str) -> Mapping[str, str]:
    """See `FileContext`."""
    path, text = piece.path.replace("\n", " "), piece.text.rstrip("\n")
    return {
        "path": path,
        "text": text,
        "heading": f"{comment_mark(language)}{path}",
        "comment": commented(f"{path}\n{text}", language),
    }
