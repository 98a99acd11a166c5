"""The renderer of a model's folder: its tokenizer, its chat format and its fill-in-the-middle."""

from typing import Any

from transformers import AutoTokenizer

from assistant.engine.folder import reason
from assistant.errors import ModelFolderError
from assistant.prompts import (
    CHAT_FORMATS,
    FIM_FORMATS,
    TEMPLATE,
    FimFormat,
    Renderer,
    TextTokenizer,
)
from assistant.prompts.segments import BOS, EOS
from assistant.prompts.tokenizer import TemplateFunction
from assistant.registry import LocalModel


def load_renderer(local: LocalModel) -> Renderer:
    """The renderer for a model on this machine. Raises ModelFolderError when it has none."""
    tokenizer = load_text_tokenizer(local)
    chat_format = None
    if local.chat_format not in (None, TEMPLATE):
        chat_format = CHAT_FORMATS[str(local.chat_format)]
    elif local.chat_format == TEMPLATE and tokenizer.template is None:
        raise ModelFolderError(f"{local.folder} has no chat template: choose a chat_format for it")
    return Renderer(tokenizer, chat_format=chat_format, fim_format=_fim_format(local, tokenizer))


def load_text_tokenizer(local: LocalModel) -> TextTokenizer:
    """The tokenizer of a model's folder. Raises ModelFolderError when it cannot be used."""
    try:
        loaded: Any = AutoTokenizer.from_pretrained(
            local.folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # tokenizers raise bare exceptions for files they cannot read
        raise ModelFolderError(
            f"the tokenizer in {local.folder} cannot be loaded ({reason(error)}): download it again"
        ) from error
    fast = getattr(loaded, "backend_tokenizer", None)
    if fast is None:
        raise ModelFolderError(
            f"the tokenizer in {local.folder} has no tokenizer.json: convert it with transformers"
        )
    return TextTokenizer(
        fast, bos=loaded.bos_token, eos=loaded.eos_token, template=_template(loaded)
    )


def _template(loaded: Any) -> TemplateFunction | None:
    if not loaded.chat_template:
        return None

    def render(messages: list[dict[str, str]], for_answer: bool) -> str:
        text: str = loaded.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=for_answer
        )
        return text

    return render


def _fim_format(local: LocalModel, tokenizer: TextTokenizer) -> FimFormat | None:
    """The format by name, or the one whose tokens the vocabulary has."""
    if local.fim_format is not None:
        return FIM_FORMATS.get(local.fim_format)
    for fim_format in FIM_FORMATS.values():
        names = [name for name in fim_format.tokens if name not in (BOS, EOS)]
        if all(tokenizer.token_id(name) is not None for name in names):
            return fim_format
    return None
