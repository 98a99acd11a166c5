"""The wording of a prompt: how the header, the examples and the question are written."""

from dataclasses import dataclass

from assistant_eval.mmlu.questions import LETTERS, Question

_ABOUT = "The following are multiple choice questions (with answers) about {subject}.\n\n"


@dataclass(frozen=True, slots=True)
class Style:
    """One way to write a question down. Every prompt ends in `Answer:`."""

    header: str
    """What stands first; `{subject}` is the subject in words."""
    lead: str = ""
    """What stands before a question."""
    choices: str = ""
    """What stands before the options."""
    strips: bool = False
    """Whether space around a question is taken away."""
    whole_answers: bool = False
    """Whether examples are answered by the option's text instead of its letter."""

    def begin(self, subject: str) -> str:
        """The header for a subject, which is named as its file is."""
        return self.header.format(subject=subject.replace("_", " "))

    def put(self, question: Question) -> str:
        """A question, up to where its answer is to stand."""
        text = question.text.strip() if self.strips else question.text
        options = zip(LETTERS, question.options, strict=True)
        lines = "".join(f"{letter}. {option}\n" for letter, option in options)
        return f"{self.lead}{text}\n{self.choices}{lines}Answer:"

    def example(self, question: Question) -> str:
        """A question with its answer."""
        whole = question.options[question.answer]
        return f"{self.put(question)} {whole if self.whole_answers else question.letter}\n\n"


ORIGINAL = Style(_ABOUT.replace("about ", "about  "))
"""The authors' own, whose subject has a space of its own before it: there are two."""
HARNESS = Style(_ABOUT, strips=True)
HELM = Style(_ABOUT, lead="Question: ")
FULL_TEXT = Style("", lead="Question: ", choices="Choices:\n", whole_answers=True)
