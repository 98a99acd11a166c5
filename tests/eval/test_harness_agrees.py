"""lm-evaluation-harness 0.4.13 and the protocol `harness` choose the same letters.

The other side is lm-eval's own: its task of each subject by its own YAML file, which writes the
prompts, and its `HFLM`, which reads them. Only where a task's rows come from differs: they are
those of the folder, as there is no hub here (`custom_dataset`, an option of its tasks).
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from assistant.registry import STARTER, locate
from assistant_eval.mmlu.choosing import choose
from assistant_eval.mmlu.evaluation import Choices, read_exam
from assistant_eval.mmlu.folder import read_folder
from assistant_eval.mmlu.questions import LETTERS, Exam
from bench.peers.mmlu.sitting import letters_of
from tests.eval.exams import rows, write_exam, write_rows
from tests.prompts.families import Family, families

_Tokenizer: Any = PreTrainedTokenizerFast
VARIABLE = "ASSISTANT_TEST_MMLU"
"""Names a folder with the real MMLU."""


def same_letters(model: str, data: Path, shots: int) -> str:
    """The letters that both have chosen; it fails where they have not chosen the same."""
    pytest.importorskip("lm_eval")
    from bench.peers.mmlu.harness import Harness
    from bench.peers.mmlu.ours import Ours

    ours = Ours(model, str(data), "float32", shots).likelihoods()
    theirs = Harness(model, str(data), "float32", shots=shots).likelihoods()
    assert ours.keys() == theirs.keys()
    assert letters_of(ours) == letters_of(theirs)
    for place, values in ours.items():
        assert values == pytest.approx(theirs[place], abs=1e-3)
    return letters_of(ours)


def save_model(folder: Path, family: Family) -> Path:
    """A random Llama with the tokenizer of a family, which begins every text with a token."""
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=family.fast.get_vocab_size(),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        initializer_range=0.25,
        bos_token_id=family.id(family.bos),
        eos_token_id=family.id(family.eos),
    )
    model: Any = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    tokenizer = _Tokenizer(tokenizer_object=family.fast, bos_token=family.bos, eos_token=family.eos)
    tokenizer.save_pretrained(folder)
    return folder


def written(exam: Exam, folder: Path) -> Path:
    for subject in exam.subjects:
        write_rows(folder / "dev" / f"{subject.name}_dev.csv", rows(subject.shots))
        write_rows(folder / "test" / f"{subject.name}_test.csv", rows(subject.questions))
    return folder


@pytest.mark.parametrize("shots", [5, 0])
def test_on_made_up_questions(shots: int, folder: Path) -> None:
    assert len(set(same_letters(str(locate(STARTER).folder), folder, shots))) > 1


def test_where_the_beginning_is_cut_off(llama: Path, tmp_path: Path) -> None:
    """The model reads 512 tokens, and most prompts have more."""
    data = write_exam(tmp_path, {"anatomy": 6}, words=40)
    assert len(same_letters(str(llama), data, 5)) == 6


@pytest.mark.parametrize("name", ["byte-level", "sentencepiece-legacy"])
def test_where_the_tokenizer_begins_texts(name: str, folder: Path, tmp_path: Path) -> None:
    assert len(same_letters(str(save_model(tmp_path, families()[name])), folder, 1)) == 21


@pytest.mark.skipif(VARIABLE not in os.environ, reason=f"{VARIABLE} names no folder")
def test_on_real_questions(tmp_path: Path) -> None:
    exam = read_exam(Choices(data=os.environ[VARIABLE], limit=24))
    letters = same_letters(str(locate(STARTER).folder), written(exam, tmp_path), 5)
    assert len(letters) == len(exam)


@pytest.mark.skipif(VARIABLE not in os.environ, reason=f"{VARIABLE} names no folder")
def test_the_real_mmlu_is_read_whole() -> None:
    exam = read_folder(Path(os.environ[VARIABLE]), 5)
    answers = [question.letter for _, question in exam]
    shares = [answers.count(letter) / len(answers) for letter in LETTERS]
    assert shares == pytest.approx([0.2295, 0.2465, 0.2551, 0.2689], abs=5e-5)
    sizes = {
        category: len(choose(exam, [category], None, 0))
        for category in ("stem", "humanities", "social sciences", "other")
    }
    expected = {"stem": 3018, "humanities": 4705, "social sciences": 3077, "other": 3242}
    assert sizes == expected
    options: list[Sequence[str]] = [question.options for _, question in exam]
    assert sum("None" in one for one in options) == 10
