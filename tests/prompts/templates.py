"""Chat templates like those that models bring, run through transformers as the engine does."""

import functools
from typing import Any

from transformers import PreTrainedTokenizerFast

from assistant.prompts import Renderer
from tests.prompts.families import families

CHATML_LIKE = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are helpful.<|im_end|>\n"
    "{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA2_LIKE = (
    "{% if messages[0]['role'] == 'system' %}"
    "{% set lead = '<<SYS>>\n' + messages[0]['content'] + '\n<</SYS>>\n\n' %}"
    "{% set rest = messages[1:] %}{% else %}{% set lead = '' %}{% set rest = messages %}{% endif %}"
    "{% for m in rest %}"
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% set text = lead + m['content'] if loop.index0 == 0 else m['content'] %}"
    "{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + text + ' [/INST]' }}"
    "{% else %}{{ ' ' + text + ' ' + eos_token }}{% endif %}{% endfor %}"
)
TRIMMING = (
    "{{ bos_token }}{% for m in messages %}"
    "<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n{{ m['content'] | trim }}<|eot_id|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
TEMPLATES = {"chatml-like": CHATML_LIKE, "llama2-like": LLAMA2_LIKE, "trimming": TRIMMING}


@functools.cache
def wrapped(family: str, template: str) -> Any:
    """The family's tokenizer as transformers has it, with the template."""
    made = families()[family]
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=made.fast,
        bos_token=made.bos,
        eos_token=made.eos,
        chat_template=TEMPLATES[template],
    )


@functools.cache
def template_renderer(family: str, template: str) -> Renderer:
    """A renderer that goes through the template."""
    tokenizer = wrapped(family, template)

    def run(messages: list[dict[str, str]], for_answer: bool) -> str:
        return str(
            tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=for_answer
            )
        )

    return Renderer(families()[family].text_tokenizer(run))
