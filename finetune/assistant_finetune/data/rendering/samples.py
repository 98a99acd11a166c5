"""The stream that training reads: examples in, samples out, nothing left out in silence."""

from collections.abc import Iterable, Iterator

from assistant.errors import PromptError
from assistant.messages import Conversation, Message
from assistant.prompts import ask
from assistant_finetune.data.code import is_code
from assistant_finetune.data.examples import Asked, Chat, Document, Example, Hole, texts
from assistant_finetune.data.journal import DataError, Journal, Rejected
from assistant_finetune.data.rendering.documents import document_samples
from assistant_finetune.data.rendering.filling import hole_sample
from assistant_finetune.data.rendering.holes import holes
from assistant_finetune.data.rendering.sample import Rendering, Sample
from assistant_finetune.data.rendering.splitting import chat_samples


def samples(
    examples: Iterable[Example], rendering: Rendering, journal: Journal
) -> Iterator[Sample]:
    """The samples of all examples, in order, as they are asked for.

    An example that there is no sample of goes to the journal, with its reason.
    """
    for example in examples:
        yield from samples_of(example, rendering, journal)


def samples_of(example: Example, rendering: Rendering, journal: Journal) -> Iterator[Sample]:
    """The samples of one example."""
    try:
        match example:
            case Chat():
                yield from chat_samples(example, rendering, journal)
            case Asked():
                yield from chat_samples(_asked(example, rendering), rendering, journal)
            case Hole():
                yield hole_sample(example, rendering)
            case Document() if _is_filled(example, rendering):
                yield from _filled(example, rendering, journal)
            case Document():
                yield from document_samples(example, rendering)
    except (DataError, PromptError) as error:
        _refuse(example, error, journal)


def _is_filled(document: Document, rendering: Rendering) -> bool:
    return is_code(document.language) and rendering.renderer.fim_format is not None


def _filled(document: Document, rendering: Rendering, journal: Journal) -> Iterator[Sample]:
    """A file as it is served: with a place to fill in, and what stands around that.

    All of it is learned. From places alone a model learns little in the time that reading what is
    around them takes.
    """
    for hole in holes(document, rendering.seed):
        try:
            yield hole_sample(hole, rendering, around=True)
        except (DataError, PromptError) as error:
            _refuse(hole, error, journal)


def _refuse(example: Example, error: Exception, journal: Journal) -> None:
    reason = str(error).removeprefix(f"{example.origin}: ")
    journal.reject(Rejected(example.origin, reason, "\n\n".join(texts(example))))


def _asked(example: Asked, rendering: Rendering) -> Chat:
    asked = ask(example.task, example.text, wording=rendering.wording, language=example.language)
    whole = Conversation((*asked.messages, Message("assistant", example.answer)))
    return Chat(whole, example.origin)
