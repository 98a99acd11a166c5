"""Harnesses that measure wrongly, in plain transformers: each with one fault that real ones had."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from assistant_eval.mmlu.folder import read_folder
from assistant_eval.mmlu.questions import LETTERS, Question, Subject

_Models: Any = AutoModelForCausalLM
_Tokenizers: Any = AutoTokenizer


@dataclass
class Harness:
    """Measures one model on one exam, all by itself."""

    model: Path
    exam: Path

    def __post_init__(self) -> None:
        self._tokenizer = _Tokenizers.from_pretrained(self.model)
        self._model = _Models.from_pretrained(self.model, dtype=torch.float32).eval()

    def faithful(self) -> float:
        """As lm-evaluation-harness does it: letters behind a space, cut at the left."""
        return self._score(self._cut(ids, left=True) for ids in self._prompts())

    def by_bare_letters(self) -> float:
        """The letters' ids by `convert_tokens_to_ids`."""
        bare = [self._tokenizer.convert_tokens_to_ids(letter) for letter in LETTERS]
        return self._score((self._cut(ids, left=True) for ids in self._prompts()), bare)

    def cut_at_the_right(self, most: int) -> float:
        """`truncation=True, max_length=most`, by which `Answer:` is lost."""
        return self._score(ids[:most] for ids in self._prompts())

    def padded_at_the_left(self, size: int) -> float:
        """`padding_side="left"`, and neither attention_mask nor position_ids for the model."""
        prompts = [self._cut(ids, left=True) for ids in self._prompts()]
        padded: list[list[int]] = []
        for start in range(0, len(prompts), size):
            group = prompts[start : start + size]
            longest = max(map(len, group))
            pad = self._tokenizer.pad_token_id
            padded += [[pad] * (longest - len(ids)) + ids for ids in group]
        return self._score(padded)

    def by_whole_texts(self, shots: int = 0, *, by_length: bool = False) -> float:
        """The likeliest of the options' texts, as `hendrycksTest` version 0."""
        right = 0
        for subject, question in self._asked():
            examples = "".join(f"{_asked_whole(q)} {_answer(q)}\n\n" for q in subject.shots[:shots])
            prompt = self._plain(examples + _asked_whole(question))
            costs = []
            for option in question.options:
                behind = self._plain(f" {option}")
                ids = self._cut([*prompt, *behind], left=True)
                logprobs = self._logits(ids).log_softmax(-1)
                wanted = torch.tensor(behind)
                found = logprobs[-len(behind) - 1 : -1].gather(-1, wanted[:, None]).sum()
                costs.append(float(found) / (len(option) if by_length else 1))
            right += max(range(4), key=costs.__getitem__) == question.answer
        return 100 * right / len(list(self._asked()))

    def _asked(self) -> Iterator[tuple[Subject, Question]]:
        for subject in read_folder(self.exam, 5).subjects:
            for question in subject.questions:
                yield subject, question

    def _prompts(self) -> Iterator[list[int]]:
        for subject, question in self._asked():
            name = subject.name.replace("_", " ")
            head = f"The following are multiple choice questions (with answers) about {name}.\n\n"
            examples = "".join(f"{_asked(q)} {q.letter}\n\n" for q in subject.shots)
            yield self._tokenizer(head + examples + _asked(question))["input_ids"]

    def _plain(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def _cut(self, ids: Sequence[int], *, left: bool) -> list[int]:
        most = self._model.config.max_position_embeddings
        return list(ids[-most:] if left else ids[:most])

    def _score(self, prompts: Any, letters: Sequence[int] | None = None) -> float:
        behind = [self._plain(f" {letter}")[-1] for letter in LETTERS]
        wanted = list(letters or behind)
        right = [
            int(self._logits(ids)[-1, wanted].argmax()) == question.answer
            for ids, (_, question) in zip(prompts, self._asked(), strict=True)
        ]
        return 100 * sum(right) / len(right)

    @torch.inference_mode()
    def _logits(self, ids: Sequence[int]) -> torch.Tensor:
        found: torch.Tensor = self._model(torch.tensor([list(ids)])).logits[0].float()
        return found


def _asked(question: Question) -> str:
    options = "".join(f"{k}. {o}\n" for k, o in zip(LETTERS, question.options, strict=True))
    return f"{question.text.strip()}\n{options}Answer:"


def _asked_whole(question: Question) -> str:
    options = "".join(f"{k}. {o}\n" for k, o in zip(LETTERS, question.options, strict=True))
    return f"Question: {question.text}\nChoices:\n{options}Answer:"


def _answer(question: Question) -> str:
    return question.options[question.answer]
