"""Every kind of model gives, token by token, what transformers' own greedy generation gives."""

import json
import queue
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from bitsandbytes import functional
from peft import PeftModel
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from assistant.config import Quantization
from assistant.engine.engine import Engine
from assistant.engine.load import LoadedModel, LoadOptions, load_model
from assistant.engine.native.int4 import find_kernel
from assistant.engine.requests import Chunk, Job
from assistant.engine.sampling import Sampler
from assistant.errors import AssistantError, ModelFolderError, UsageError
from assistant.messages import CompletionRequest, Conversation, Message, SamplingParams
from assistant.prompts import FIM_FORMATS, Prompt
from tests.engine import tiny

REQUESTS = (
    CompletionRequest("def add(first, second):\n    return", "\n\nprint(add(1, 2))\n"),
    CompletionRequest("class Point:\n", language="python"),
    CompletionRequest("The quick brown 你好"),
)
KINDS = ("float32", "bfloat16", "nf4 at load", "nf4 folder", "gptq")
FOLDERS = {
    "float32": "llama",
    "bfloat16": "llama_bf16",
    "nf4 at load": "llama_bf16",
    "nf4 folder": "llama_nf4",
    "gptq": "llama_gptq",
    "int4": "llama_bf16",
}
TOKENS = 24
ALWAYS = 1 << 30
"""Rows for a 4-bit kernel: also in the references, kernels multiply however many rows there are."""
_Auto: Any = AutoModelForCausalLM
_Nf4: Any = BitsAndBytesConfig
_functional: Any = functional
HAS_KERNEL = find_kernel() is not None or _functional.has_avx512bf16()
NF4_KERNEL = "kernel" if HAS_KERNEL else "kept in bfloat16"


def by_transformers(folder: Path, kind: str, adapter: Path | None) -> Any:
    nf4 = _Nf4(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    extra = {"quantization_config": nf4} if kind == "nf4 at load" else {}
    dtype = torch.float32 if kind == "float32" else torch.bfloat16
    model: Any = _Auto.from_pretrained(folder, dtype=dtype, device_map={"": "cpu"}, **extra)
    return model if adapter is None else PeftModel.from_pretrained(model, str(adapter))


def greedy(model: Any, prompt: Prompt) -> list[int]:
    ids = torch.tensor([prompt.ids])
    found = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=TOKENS,
        do_sample=False,
        eos_token_id=sorted(prompt.end_ids),
        pad_token_id=1,
    )
    answer: list[int] = found[0, len(prompt.ids) :].tolist()
    return answer


class Recording(Sampler):
    """Chooses as ever, and remembers what."""

    def __init__(self) -> None:
        super().__init__(SamplingParams())
        self.ids: list[int] = []

    def choose(self, logits: torch.Tensor) -> int:
        self.ids.append(super().choose(logits))
        return self.ids[-1]


def answer(loaded: LoadedModel, prompt: Prompt) -> tuple[str, list[int]]:
    pieces: queue.SimpleQueue[Chunk | Exception] = queue.SimpleQueue()
    recording = Recording()
    engine = Engine(loaded)
    engine.submit(prompt, SamplingParams(max_tokens=TOKENS), Job(), pieces.put, sampler=recording)
    text = ""
    while True:
        piece = pieces.get(timeout=60)
        assert isinstance(piece, Chunk), piece
        text += piece.text
        if piece.finish is not None:
            return text, recording.ids


def answer_text(loaded: LoadedModel, prompt: Prompt) -> str:
    return answer(loaded, prompt)[0]


def behind_the_likeliest(model: Any, prompt: Prompt, found: list[int]) -> torch.Tensor:
    """How far each token's logit is behind the highest, as a share of the largest, `[tokens]`.

    Each by what stands before it, so that one that could be either changes nothing behind it.
    """
    with torch.inference_mode():
        rows = model(torch.tensor([[*prompt.ids, *found]])).logits[0, -len(found) - 1 : -1].float()
    own = rows.gather(1, torch.tensor(found)[:, None])[:, 0]
    behind: torch.Tensor = (rows.amax(1) - own) / rows.abs().amax(1)
    return behind


@pytest.mark.parametrize("with_adapter", [False, True], ids=["base", "adapter"])
@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_those_of_transformers(
    kind: str, with_adapter: bool, adapter: Path, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(FOLDERS[kind])
    lora = adapter if with_adapter else None
    quantization: Any = "nf4" if kind == "nf4 at load" else "none"
    loaded = load_model(
        tiny.local_model(folder, adapter=lora),
        LoadOptions("cpu", quantization, activations="bf16", kernel_rows=ALWAYS),
    )
    reference = by_transformers(folder, kind, lora)
    answers = set()
    for completion in REQUESTS:
        prompt = loaded.renderer.complete(completion)
        expected = greedy(reference, prompt)
        assert len(set(expected)) > 3, "the model repeats itself: this test could not fail"
        text, found = answer(loaded, prompt)
        assert text == loaded.renderer.tokenizer.decode(found)
        if kind == "float32":
            assert found == expected
        # A pass of one row and one of many round the same sums differently in bfloat16; base and
        # adapter are rounded one after the other, two steps of its 8 bits.
        behind = behind_the_likeliest(reference, prompt, found)
        assert behind.max() <= 2**-6
        assert (behind == 0).sum() > len(found) / 2
        answers.add(tuple(expected))
    assert len(answers) == len(REQUESTS)


def logits(model: Any, prompt: Prompt) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(torch.tensor([prompt.ids])).logits
    return found.float()


@pytest.mark.parametrize("dense_bytes", [0, 1 << 30], ids=["unpacked", "kept"])
@pytest.mark.parametrize("kind", ["nf4 folder", "gptq"])
def test_many_rows_give_the_logits_of_transformers(
    kind: str, dense_bytes: int, request: pytest.FixtureRequest
) -> None:
    """Many rows are multiplied with weights rounded to bfloat16, which no kernel does.

    So tokens that are nearly as likely as each other may change places here, as they do from one
    kernel to another, and it is the logits that have to agree: as well as bfloat16 does.
    """
    folder: Path = request.getfixturevalue(FOLDERS[kind])
    options = LoadOptions("cpu", activations="bf16", dense_bytes=dense_bytes, kernel_rows=0)
    loaded = load_model(tiny.local_model(folder), options)
    prompt = loaded.renderer.complete(REQUESTS[0])
    expected = logits(by_transformers(folder, kind, None), prompt)
    found = logits(loaded.model, prompt)
    assert float((found - expected).norm() / expected.norm()) < 0.03


def test_inputs_in_8_bits_cost_little(llama_gptq: Path) -> None:
    loaded = load_model(tiny.local_model(llama_gptq), LoadOptions("cpu"))
    prompt = loaded.renderer.complete(REQUESTS[0])
    expected = logits(by_transformers(llama_gptq, "gptq", None), prompt)
    found = logits(loaded.model, prompt)
    assert float((found - expected).norm() / expected.norm()) < 0.05


def test_int4_loses_less_than_nf4(llama_bf16: Path) -> None:
    local = tiny.local_model(llama_bf16)
    whole = load_model(local, LoadOptions("cpu"))
    prompt = whole.renderer.complete(REQUESTS[0])
    expected = logits(whole.model, prompt)
    losses: dict[Quantization, float] = {"int4": 0.0, "nf4": 0.0}
    for quantization in losses:
        options = LoadOptions("cpu", quantization, dense_bytes=0)
        small = load_model(local, options)
        assert small.description.memory_bytes < whole.description.memory_bytes
        losses[quantization] = float((logits(small.model, prompt) - expected).norm())
    assert 0 < losses["int4"] < losses["nf4"] < float(expected.norm())


def test_int4_is_not_for_training(llama_bf16: Path) -> None:
    options = LoadOptions("cpu", "int4", for_inference=False)
    with pytest.raises(UsageError, match="no gradients to train with: set it to nf4"):
        load_model(tiny.local_model(llama_bf16), options)


def test_layers_with_gradients_are_left_to_training(llama_gptq: Path) -> None:
    loaded = load_model(tiny.local_model(llama_gptq), LoadOptions("cpu", for_inference=False))
    assert loaded.description.kernel == "TorchLinear"


def test_an_adapter_changes_the_answer(loaded: LoadedModel, llama: Path, adapter: Path) -> None:
    adapted = load_model(tiny.local_model(llama, adapter=adapter), LoadOptions("cpu"))
    prompt = loaded.renderer.complete(REQUESTS[0])
    assert answer_text(adapted, prompt) != answer_text(loaded, prompt)
    assert adapted.description.adapter == "tiny-adapter"
    assert adapted.description.parameters == loaded.description.parameters


@pytest.mark.parametrize(
    ("kind", "quantization", "kernel"),
    [
        ("float32", "none", None),
        ("nf4 at load", "nf4", NF4_KERNEL),
        ("nf4 folder", "nf4", NF4_KERNEL),
        ("gptq", "gptq", "int4 kernel"),
        ("int4", "int4", "int4 kernel"),
    ],
)
def test_the_description_says_what_was_loaded(
    kind: str,
    quantization: str,
    kernel: str | None,
    loaded: LoadedModel,
    request: pytest.FixtureRequest,
) -> None:
    folder: Path = request.getfixturevalue(FOLDERS[kind])
    wanted: Any = {"nf4 at load": "nf4", "int4": "int4"}.get(kind, "none")
    found = load_model(tiny.local_model(folder), LoadOptions("cpu", wanted)).description
    assert (found.quantization, found.device) == (quantization, "cpu")
    assert (kernel or "None") in str(found.kernel)
    assert found.parameters == loaded.description.parameters
    assert found.dtype == ("float32" if kind == "float32" else "bfloat16")
    assert "\n" not in found.line() and found.name in found.line()
    if kernel:
        assert found.memory_bytes < loaded.description.memory_bytes
        assert kernel in found.line()


def test_a_gptq_folder_of_before_transformers_knew_them(llama_gptq: Path, tmp_path: Path) -> None:
    """Its quantization stands in a file of its own, and its weights have a name of their own."""
    folder = Path(shutil.copytree(llama_gptq, tmp_path / "old-gptq"))
    tiny.edit_json(folder / "config.json", quantization_config=None)
    older: dict[str, object] = {
        "bits": 4,
        "group_size": 32,
        "damp_percent": 0.01,
        "desc_act": False,
    }
    older |= {"sym": True, "true_sequential": True, "model_name_or_path": None}
    (folder / "quantize_config.json").write_text(json.dumps(older))
    (folder / "model.safetensors").rename(folder / "gptq_model-4bit-32g.safetensors")
    old = load_model(tiny.local_model(folder), LoadOptions("cpu"))
    new = load_model(tiny.local_model(llama_gptq), LoadOptions("cpu"))
    assert old.description.quantization == "gptq"
    prompt = new.renderer.complete(REQUESTS[0])
    assert answer_text(old, prompt) == answer_text(new, prompt)


def test_gptq_without_its_package(llama_gptq: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(AssistantError, match=r"gptqmodel: pip install 'assistant\[gptq\]'"):
        load_model(tiny.local_model(llama_gptq), LoadOptions("cpu"))


def test_float16_weights_become_bfloat16_on_a_cpu(tmp_path: Path) -> None:
    folder = tiny.save_llama(tmp_path / "half", dtype=torch.float16)
    assert load_model(tiny.local_model(folder), LoadOptions("cpu")).description.dtype == "bfloat16"
    tiny.edit_json(folder / "config.json", dtype=None)
    assert load_model(tiny.local_model(folder), LoadOptions("cpu")).description.dtype == "bfloat16"


def test_a_device_that_is_not_there(llama: Path) -> None:
    for device in ("cuda:77", "toaster"):
        with pytest.raises(UsageError, match=f"there is no device '{device}' here"):
            load_model(tiny.local_model(llama), LoadOptions(device))


def test_loading_says_nothing_on_stdout(
    llama_gptq: Path, adapter: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    load_model(tiny.local_model(llama_gptq, adapter=adapter), LoadOptions("cpu"))
    assert capfd.readouterr().out == ""


def test_formats_are_found_in_the_folder(loaded: LoadedModel) -> None:
    # The starter's control tokens include all of Qwen's form but its end.
    assert loaded.renderer.fim_format is FIM_FORMATS["starter"]
    assert loaded.renderer.can_chat and loaded.renderer.chat_format is None
    ids = loaded.renderer.chat(Conversation((Message("user", "Hi <|end|>"),))).ids
    names = [loaded.renderer.tokenizer.fast.id_to_token(number) for number in ids]
    assert (names[0], names[1], names[-1]) == ("<|begin|>", "<|user|>", "<|assistant|>")
    assert names.count("<|end|>") == 1
    assert loaded.context == tiny.CONTEXT


def test_formats_are_those_of_the_registry_where_it_says(llama: Path) -> None:
    local = tiny.local_model(
        llama, chat_format="vicuna_v1.1", fim_format="none", context=100, wording="brief"
    )
    named = load_model(local, LoadOptions("cpu"))
    assert named.renderer.chat_format is not None
    assert named.renderer.chat_format.name == "vicuna_v1.1"
    assert named.renderer.fim_format is None
    assert (named.context, named.wording) == (100, "brief")


def test_a_template_that_is_asked_for_and_missing(llama: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(llama, tmp_path / "no-template"))
    (folder / "chat_template.jinja").unlink()
    assert not load_model(tiny.local_model(folder), LoadOptions("cpu")).renderer.can_chat
    with pytest.raises(ModelFolderError, match="no chat template"):
        load_model(tiny.local_model(folder, chat_format="template"), LoadOptions("cpu"))
