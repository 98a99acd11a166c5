"""Asks a shipped folder as the server asks it: the same prompts, greedy, in batches."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from assistant.messages import CompletionRequest
from assistant.prompts import Prompt, Renderer, Task, Wording, ask, clean_answer
from tools.starter.samples import renderer

BATCH = 16
LINE_TOKENS = 32


class Starter:
    """The starter of a folder, ready to answer."""

    def __init__(self, folder: Path) -> None:
        self.tokens = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.renderer = renderer(self.tokens)
        self.model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
        with safe_open(folder / "model.safetensors", "pt") as file:
            said = file.metadata() or {}
        self.step = int(said.get("step", 0))
        self.line_ends = frozenset(
            number
            for number in range(self.tokens.get_vocab_size())
            if "\n" in self.tokens.decode([number], skip_special_tokens=False)
        )

    @property
    def parameters(self) -> int:
        """How many numbers the model has; what input and output share counts once."""
        return sum(one.numel() for one in self.model.parameters())

    def lines(self, requests: Sequence[CompletionRequest]) -> list[str]:
        """The completion at each cursor, up to the end of the line."""
        return self._lines([self.renderer.complete(request) for request in requests])

    def plain_lines(self, requests: Sequence[CompletionRequest]) -> list[str]:
        """The same from the prefix alone, as a text that goes on, without fill-in-the-middle."""
        plain = Renderer(self.renderer.tokenizer)
        return self._lines([plain.complete(request) for request in requests])

    def _lines(self, prompts: Sequence[Prompt]) -> list[str]:
        found = self._generate(prompts, LINE_TOKENS, self.line_ends)
        return [text.split("\n")[0] for text in found]

    def answers(self, task: Task, texts: Sequence[str], limit: int) -> list[str]:
        """What comes of each text."""
        asked = (ask(task, text, wording=Wording.BRIEF, language="python") for text in texts)
        prompts = [self.renderer.chat(conversation) for conversation in asked]
        return [clean_answer(task, text) for text in self._generate(prompts, limit, frozenset())]

    def _generate(
        self, prompts: Sequence[Prompt], limit: int, more_ends: frozenset[int]
    ) -> list[str]:
        """Greedy answers, computed for prompts of about the same length at once."""
        order = sorted(range(len(prompts)), key=lambda number: len(prompts[number].ids))
        texts = [""] * len(prompts)
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            answers = self._batch([prompts[number] for number in chosen], limit, more_ends)
            for number, ids in zip(chosen, answers, strict=True):
                texts[number] = self.renderer.tokenizer.decode(ids)
        return texts

    @torch.inference_mode()
    def _batch(
        self, prompts: Sequence[Prompt], limit: int, more_ends: frozenset[int]
    ) -> list[list[int]]:
        width = max(len(prompt.ids) for prompt in prompts)
        padding = self.model.config.pad_token_id
        rows = [[padding] * (width - len(one.ids)) + list(one.ids) for one in prompts]
        seen = [[0] * (width - len(one.ids)) + [1] * len(one.ids) for one in prompts]
        model: Any = self.model  # transformers' own annotation of generate refuses its models
        made = model.generate(
            torch.tensor(rows),
            attention_mask=torch.tensor(seen),
            max_new_tokens=limit,
            do_sample=False,
            eos_token_id=sorted(prompts[0].end_ids | more_ends),
            pad_token_id=padding,
        )
        answers: list[list[int]] = made[:, width:].tolist()
        return answers
