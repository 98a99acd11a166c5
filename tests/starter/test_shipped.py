"""The folder that is shipped, and the recipe from a checkpoint to such a folder."""

import contextlib
import io
import json
import re
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from assistant.prompts import TextTokenizer
from tools.starter import card, export, model
from tools.starter.answers import Starter
from tools.starter.corpus import sources
from tools.starter.evaluate import evaluate
from tools.starter.tokenizer import SPECIAL

STARTER = Path(__file__).parents[2] / "assistant" / "starter"
TOKENS = TextTokenizer(Tokenizer.from_file(str(STARTER / "tokenizer.json")))
PIECES = st.sampled_from(["\n", "    ", "if x:", "<|end|>", "é", "\t", "\r\n", "好"])
TEXTS = st.text(max_size=60) | st.lists(PIECES).map("".join)


@given(TEXTS)
@settings(deadline=None)
def test_the_tokenizer_loses_nothing_of_any_text(text: str) -> None:
    assert TOKENS.decode(TOKENS.encode_text(text)) == text


@given(TEXTS)
@settings(deadline=None)
def test_text_never_becomes_a_control_token(text: str) -> None:
    assert TOKENS.control_ids.isdisjoint(TOKENS.encode_text(text))


def test_it_is_small_and_transformers_loads_it() -> None:
    loaded = AutoModelForCausalLM.from_pretrained(STARTER)
    assert loaded.dtype == torch.bfloat16
    assert sum(one.numel() for one in loaded.parameters()) <= 12_500_000
    assert sum(file.stat().st_size for file in STARTER.iterdir() if file.is_file()) <= 25_000_000


def test_the_card_names_every_source_with_version_and_licence() -> None:
    text = (STARTER / "MODEL_CARD.md").read_text()
    for source in sources():
        if source.part != "train":
            continue
        assert f"| {source.name} | {source.version} | {source.licence} |" in text
    assert "Apache-2.0" in text and "$" not in text


def test_the_cards_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(STARTER.parents[1])
    code = re.search(r"```python\n(.*?)```", (STARTER / "MODEL_CARD.md").read_text(), re.DOTALL)
    assert code is not None
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(code[1], {})
    assert said.getvalue().strip()


def test_from_a_checkpoint_to_a_folder_with_a_measured_card(run: Path, tmp_path: Path) -> None:
    parameters = model.new(1).state_dict()
    parameters["model.embed_tokens.weight"][SPECIAL.index("<|end|>")] *= 50  # its answers end soon
    state = {"model": parameters, "step": 40, "tokens": 327_680}
    torch.save(state, run / "checkpoint.pt")
    entry = {"step": 40, "tokens": 327_680, "window": 512, "tokens_per_second": 2000}
    (run / "metrics.jsonl").write_text(json.dumps(entry) + "\n")
    assert export.export(run, tmp_path) == 40
    assert "Not measured" in card.write(run, tmp_path)
    figures = evaluate(tmp_path, run, count=4, rows=1)
    assert figures["parameters"] == sum(one.numel() for one in Starter(tmp_path).model.parameters())
    assert json.loads((run / "evaluation.json").read_text()) == figures
    text = card.write(run, tmp_path)
    assert "Not measured" not in text
    assert "327,680 tokens in all" in text and "512 tokens throughout" in text
    assert card.evaluation(run, 41) is None
