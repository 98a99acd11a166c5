"""An answer's tokens on their way to text."""

from assistant.engine.detokenize import Detokenizer
from assistant.messages import SamplingParams
from assistant.prompts import Prompt, TextTokenizer
from assistant.prompts.stopping import StopFilter


class AnswerText:
    """Whole characters, up to a stop string."""

    def __init__(self, tokenizer: TextTokenizer, prompt: Prompt, params: SamplingParams) -> None:
        """The stop strings are those of the prompt's format and those that were asked for."""
        self._characters = Detokenizer(tokenizer, drop_space=prompt.drop_space)
        self._stops = StopFilter((*prompt.stop, *params.stop))

    def push(self, token: int) -> str:
        """Take the next token and give the text that is certain now."""
        return self._stops.push(self._characters.push(token))

    def finish(self) -> str:
        """No more tokens come: give what is left."""
        return self._stops.push(self._characters.finish()) + self._stops.finish()

    @property
    def stopped(self) -> bool:
        """Whether a stop string was found."""
        return self._stops.stopped
