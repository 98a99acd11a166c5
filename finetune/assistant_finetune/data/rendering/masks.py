"""Which tokens of a conversation are learned, from the segments that it is rendered as.

Nothing here looks for anything in rendered text or tokenizes twice: each segment says which message
it belongs to, and its ids get that message's weight.
"""

from assistant.prompts import Renderer
from assistant_finetune.data.examples import Chat
from assistant_finetune.data.rendering.sample import Learn, Sample, made


def weights_of(chat: Chat, learn: Learn) -> tuple[float, ...]:
    """How much each message of a conversation counts."""
    weights = chat.message_weights
    messages = chat.conversation.messages
    if learn is Learn.ALL:
        usual = zip(weights, messages, strict=True)
        return tuple(weight if one.role == "assistant" else 1.0 for weight, one in usual)
    if learn is Learn.LAST:
        last = max(index for index, one in enumerate(messages) if one.role == "assistant")
        return tuple(weight if index == last else 0.0 for index, weight in enumerate(weights))
    return weights


def chat_sample(
    chat: Chat, weights: tuple[float, ...], renderer: Renderer, learn: Learn, context: int = 0
) -> Sample:
    """The sample of a conversation.

    `weights` are those of `weights_of`; the first `context` messages are only there to be read.
    Raises NothingToLearnError, and PromptError where the format cannot say the conversation.
    """
    ids, counts = list[int](), list[float]()
    reading = context > 0
    for segment, piece in renderer.chat_training_pieces(chat.conversation):
        message = segment.message
        if message is not None and message >= context:
            reading = False
        if reading:
            weight = 0.0
        elif message is None:
            weight = float(learn is Learn.ALL)
        else:
            weight = weights[message]
        ids += piece
        counts += [weight] * len(piece)
    return made(ids, counts, chat.origin)
