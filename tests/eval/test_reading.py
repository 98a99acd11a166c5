"""What is read behind a common beginning is what transformers' own modules make of whole texts."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from assistant.engine.load import LoadedModel, LoadOptions, load_model
from assistant.registry import LocalModel
from assistant_eval.reading import Reader
from tests.engine import tiny

_Models: Any = AutoModelForCausalLM
BEGINNING = tuple(range(40, 140))
ENDS = [tuple(range(200, 200 + count)) for count in (7, 1, 30)]
CONTINUATIONS = [(9,), (10, 11, 12), (9, 10), (30,)]


def save_forgetful(folder: Path) -> Path:
    """A model with a sliding window, whose cache forgets and so cannot be shared."""
    from transformers import MistralConfig, MistralForCausalLM

    torch.manual_seed(3)
    config = MistralConfig(
        vocab_size=512,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        sliding_window=32,
        max_position_embeddings=512,
        bos_token_id=0,
        eos_token_id=1,
    )
    model: Any = MistralForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(8)
    model.save_pretrained(folder)
    tiny.save_tokenizer(folder)
    return folder


@pytest.fixture(scope="module", params=["llama", "forgetful"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "llama":
        found: Path = request.getfixturevalue("llama")
        return found
    return save_forgetful(tmp_path_factory.mktemp("reading") / "forgetful")


@pytest.fixture(scope="module")
def loaded(folder: Path) -> LoadedModel:
    return load_model(LocalModel("tiny", folder), LoadOptions("cpu"))


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Any:
    return _Models.from_pretrained(folder, dtype=torch.float32)


def test_likelihoods_of_continuations(loaded: LoadedModel, theirs: Any) -> None:
    reader = Reader(loaded)
    start = reader.begin(BEGINNING)
    read = reader.read([(start, end) for end in ENDS])
    assert [text.ids for text in read] == [BEGINNING + end for end in ENDS]
    found = reader.likelihoods([(text, CONTINUATIONS) for text in read])
    for text, own in zip(read, found, strict=True):
        for ids, value in zip(CONTINUATIONS, own, strict=True):
            whole = torch.tensor([[*text.ids, *ids]])
            with torch.inference_mode():
                logprobs = torch.log_softmax(theirs(whole).logits[0].float(), dim=-1)
            places = range(len(text.ids) - 1, whole.shape[1] - 1)
            expected = sum(float(logprobs[place, whole[0, place + 1]]) for place in places)
            assert value == pytest.approx(expected, abs=1e-4)


def test_what_would_be_written(loaded: LoadedModel, theirs: Any) -> None:
    reader = Reader(loaded)
    read = reader.read([(reader.begin(BEGINNING), end) for end in ENDS])
    texts = reader.generate(read, 6, None)
    for text, found in zip(read, texts, strict=True):
        whole = theirs.generate(
            torch.tensor([text.ids]), max_new_tokens=6, do_sample=False, pad_token_id=0
        )
        ids = whole[0, len(text.ids) :].tolist()
        assert found == loaded.renderer.tokenizer.decode(ids)
    assert len(set(texts)) > 1
    assert reader.generate(read, 1, None) != texts


def test_a_stop_ends_what_is_written(loaded: LoadedModel) -> None:
    reader = Reader(loaded)
    read = reader.read([(reader.begin(BEGINNING), end) for end in ENDS])
    for text, whole in zip(read, reader.generate(read, 6, None), strict=True):
        stop = whole[len(whole) // 2]
        assert reader.generate([text], 6, stop) == [whole.partition(stop)[0]]
    # What was read is as it was: asking again gives the same.
    assert reader.generate(read, 6, None) == reader.generate(read, 6, None)
