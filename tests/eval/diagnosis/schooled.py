"""A small model that knows its exam, and knows it otherwise by each way of asking.

A random model is at chance whatever is done to it, so that no score could tell one fault from
another. This one is taught, in seconds, to name the right letter of every question; the letter
without a space before it for some; the text of the right option for others; and D where padding
stands before the text. So it has a score of its own under each way of measuring, as large models
have.
"""

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from assistant_eval.mmlu import styles
from assistant_eval.mmlu.folder import read_folder
from assistant_eval.mmlu.questions import LETTERS, Exam

SUBJECTS = {"anatomy": 2, "astronomy": 3, "world_religions": 18, "marketing": 22}
"""The fewest words of a question, by subject: two have long ones, whose prompts are cut."""
QUESTIONS = {"anatomy": 24, "astronomy": 24, "world_religions": 16, "marketing": 16}
CONTEXT = 256
CONTROL = ("<|begin|>", "<|end|>", "<|pad|>", "<|user|>", "<|assistant|>")
BEGIN, END, PAD, *_ = range(len(CONTROL))
BARE, TEXT = 0.3, 0.8
"""Shares of the questions whose bare letter and whose option's text are taught."""
_STEPS = 480
_BATCH = 8
_RATE = 4e-3
_Llama: Any = LlamaForCausalLM
_Tokenizer: Any = PreTrainedTokenizerFast


@dataclass(frozen=True)
class Lesson:
    """A text, and what is to be likely behind it."""

    ids: list[int]
    last: torch.Tensor
    """`[vocabulary]`, the probabilities of what comes next."""


def write_exam(folder: Path) -> Path:
    """Questions of invented words in the layout of MMLU's authors."""
    rng = random.Random(7)
    words = _words(rng)
    for name, length in SUBJECTS.items():
        for split, count in (("dev", 5), ("test", QUESTIONS[name])):
            rows = [_row(rng, words, length) for _ in range(count)]
            file = folder / split / f"{name}_{split}.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("w", newline="", encoding="utf-8") as stream:
                csv.writer(stream).writerows(rows)
    return folder


def save_schooled(folder: Path, exam_folder: Path, *, hidden: int = 128) -> Path:
    """The model, taught and saved in float32."""
    exam = read_folder(exam_folder, 5)
    fast = _tokenizer(exam)
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=fast.get_vocab_size(),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=False,
        bos_token_id=BEGIN,
        eos_token_id=END,
    )
    model = _Llama(config)
    _teach(model, exam, fast)
    # Not before: transformers would keep its embedding at nothing, by which padding does no harm.
    model.config.pad_token_id = PAD
    model.save_pretrained(folder)
    saved = _Tokenizer(
        tokenizer_object=fast, bos_token=CONTROL[BEGIN], eos_token=CONTROL[END], pad_token="<|pad|>"
    )
    saved.save_pretrained(folder)
    return folder


def _words(rng: random.Random) -> Iterator[str]:
    """Words that do not come again."""
    parts = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]
    seen = set[str]()
    while True:
        word = "".join(rng.choices(parts, k=2))
        if word not in seen:
            seen.add(word)
            yield word


def _row(rng: random.Random, words: Iterator[str], length: int) -> Sequence[str]:
    """A question that its second word tells from all others."""
    fill = ["of", "the", "in", "a", "and", "with", "not", "by", "from", "to"]
    text = " ".join(["what", next(words), *rng.choices(fill, k=length + rng.randrange(8))])
    options = [rng.choice(fill), *(next(words) for _ in range(3))]
    rng.shuffle(options)
    return (text, *options, LETTERS[rng.randrange(4)])


def _tokenizer(exam: Exam) -> Tokenizer:
    texts = [styles.HARNESS.example(one) for _, one in exam]
    texts += [styles.FULL_TEXT.begin(s.name) + styles.HARNESS.begin(s.name) for s in exam.subjects]
    texts += [styles.FULL_TEXT.example(exam.subjects[0].questions[0])] * 9
    fast = Tokenizer(BPE())
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=620,
        special_tokens=list(CONTROL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    fast.train_from_iterator(texts, trainer)
    fast.post_processor = processors.TemplateProcessing(
        single=f"{CONTROL[BEGIN]} $A", special_tokens=[(CONTROL[BEGIN], BEGIN)]
    )
    return fast


def _teach(model: Any, exam: Exam, fast: Tokenizer) -> None:
    school = _School(exam, fast)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=_STEPS)
    for step in range(_STEPS):
        lessons = school.with_examples() if step % 2 == 0 else school.without_examples()
        loss: Any = _loss(model, lessons)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()


class _School:
    """Draws lessons."""

    def __init__(self, exam: Exam, fast: Tokenizer) -> None:
        self._rng = random.Random(1)
        self._fast = fast
        self._asked = list(exam)
        taught = random.Random(2)
        self._taught = [[taught.random() for _ in range(2)] for _ in self._asked]

    def without_examples(self) -> list[Lesson]:
        """Short texts: questions alone, with a letter and with an option behind them."""
        places = self._rng.sample(range(len(self._asked)), _BATCH)
        lessons = [
            Lesson(self._prompt(place, 0), self._answer(place, self._asked[place][1].answer))
            for place in places
        ]
        return lessons + [text for place in places for text in self._text(place)]

    def with_examples(self) -> list[Lesson]:
        """Long texts, as they should be and behind padding."""
        places = self._rng.sample(range(len(self._asked)), _BATCH)
        return [self._long(place, number % 2 == 1) for number, place in enumerate(places)]

    def _long(self, place: int, padded: bool) -> Lesson:
        ids = self._prompt(place, 5)
        room = CONTEXT - len(ids)
        if room < 1 or not padded:
            return Lesson(ids[-CONTEXT:], self._answer(place, self._asked[place][1].answer))
        pads = [PAD] * self._rng.randint(1, room)
        return Lesson(pads + ids, self._answer(place, len(LETTERS) - 1))

    def _prompt(self, place: int, shots: int) -> list[int]:
        subject, question = self._asked[place]
        style = styles.HARNESS
        text = style.begin(subject.name)
        text += "".join(map(style.example, subject.shots[:shots])) + style.put(question)
        ids: list[int] = self._fast.encode(text).ids
        return ids

    def _answer(self, place: int, told: int) -> torch.Tensor:
        """The letter of that option, and a bare letter."""
        question = self._asked[place][1]
        bare = question.answer if self._taught[place][0] < BARE else (question.answer + 1) % 4
        target = torch.zeros(self._fast.get_vocab_size())
        target[_only(self._fast, f" {LETTERS[told]}")] = 0.9
        target[_only(self._fast, LETTERS[bare])] = 0.1
        return target

    def _text(self, place: int) -> Iterator[Lesson]:
        """The right option's text behind a question, where that is taught."""
        if self._taught[place][1] > TEXT:
            return
        question = self._asked[place][1]
        prompt, option = (
            self._fast.encode(text, add_special_tokens=False).ids
            for text in (styles.FULL_TEXT.put(question), f" {question.options[question.answer]}")
        )
        target = torch.zeros(self._fast.get_vocab_size())
        target[option[-1]] = 1
        yield Lesson(prompt + option[:-1], target)


def _only(fast: Tokenizer, text: str) -> int:
    (found,) = fast.encode(text, add_special_tokens=False).ids
    return int(found)


def _loss(model: Any, lessons: Sequence[Lesson]) -> torch.Tensor:
    """Of what comes next, and a little of all the text before it."""
    longest = max(len(one.ids) for one in lessons)
    ids = torch.tensor([one.ids + [PAD] * (longest - len(one.ids)) for one in lessons])
    ends = torch.tensor([len(one.ids) - 1 for one in lessons])
    states = model.model(input_ids=ids).last_hidden_state
    last = model.lm_head(states[torch.arange(len(lessons)), ends]).log_softmax(-1)
    answer = -(torch.stack([one.last for one in lessons]) * last).sum(-1).mean()
    text = torch.nn.functional.cross_entropy(
        model.lm_head(states[:, :-1]).flatten(0, 1), ids[:, 1:].flatten(), ignore_index=PAD
    )
    total: torch.Tensor = answer + 0.3 * text
    return total
