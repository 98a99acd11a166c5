"""Small real models, made here and saved as real files: random, but the same every time."""

import importlib
import json
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import (
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from assistant.engine.load import few_cores_for_gptqmodel
from assistant.registry import LocalModel

CORPUS = (
    "def add(first, second):\n    return first + second\n",
    "class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.y = y\n",
    "for index, line in enumerate(lines):\n    print(index, line)\n",
    "The quick brown fox jumps over the lazy dog. 你好, 世界! Voilà: naïve café 🙂\n",
    "with open(path, encoding='utf-8') as file:\n    return file.read()\n",
)
CONTROL = (
    "<|begin|>",
    "<|end|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
)
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
CONTEXT = 512
LORA_TARGETS = ["q_proj", "v_proj", "down_proj"]
# Parts of the libraries that have no type annotations, or wrong ones.
_Auto: Any = AutoModelForCausalLM
_Llama: Any = LlamaForCausalLM
_Tokenizer: Any = PreTrainedTokenizerFast
_BitsAndBytes: Any = BitsAndBytesConfig


def save_tokenizer(folder: Path, *, template: str | None = TEMPLATE) -> None:
    """A byte-level BPE tokenizer of about 500 tokens."""
    fast = Tokenizer(BPE())
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast.decoder = decoders.ByteLevel()
    fast.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = BpeTrainer(
        vocab_size=504,
        special_tokens=list(CONTROL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    fast.train_from_iterator(CORPUS * 4, trainer)
    tokenizer = _Tokenizer(tokenizer_object=fast, bos_token="<|begin|>", eos_token="<|end|>")
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)


def save_llama(
    folder: Path, *, dtype: torch.dtype = torch.float32, hidden: int = 64, layers: int = 2
) -> Path:
    """A random Llama whose answers vary: the weights are large, so no token always wins."""
    torch.manual_seed(hidden + layers)
    config = LlamaConfig(
        vocab_size=512,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.25,
        bos_token_id=0,
        eos_token_id=1,
    )
    model = _Llama(config).to(dtype)
    model.save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def save_adapter(base: Path, folder: Path, *, seed: int = 5) -> Path:
    """A LoRA adapter with both of its matrices random, so that it changes the answers."""
    model: Any = _Auto.from_pretrained(base)
    torch.manual_seed(seed)
    config = LoraConfig(
        r=4,
        lora_alpha=8,
        target_modules=LORA_TARGETS,
        init_lora_weights=False,
        task_type="CAUSAL_LM",
    )
    adapted: Any = get_peft_model(model, config)
    adapted.save_pretrained(str(folder))
    return folder


def save_nf4(base: Path, folder: Path) -> Path:
    """The model of `base`, saved quantized to NF4."""
    config = _BitsAndBytes(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    model = _Auto.from_pretrained(base, quantization_config=config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def save_gptq(base: Path, folder: Path) -> Path:
    """The model of `base`, quantized to 4 bits by gptqmodel."""
    few_cores_for_gptqmodel()
    gptqmodel: Any = importlib.import_module("gptqmodel")

    # The other way of packing compiles C++ first, which takes half a minute.
    config = gptqmodel.QuantizeConfig(bits=4, group_size=32, pack_impl="original")
    model = gptqmodel.GPTQModel.load(str(base), config)
    model.quantize([text * 8 for text in CORPUS], batch_size=1)
    model.save(str(folder))
    save_tokenizer(folder)
    return folder


def local_model(folder: Path, *, adapter: Path | None = None, **fields: Any) -> LocalModel:
    """As the registry would name the folder."""
    return LocalModel(folder.name, folder, adapter, **fields)


def edit_json(file: Path, **changes: Any) -> None:
    """Change entries of a JSON object in a file; None removes one."""
    content = json.loads(file.read_text("utf-8"))
    content.update(changes)
    file.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
