"""How a base reads: its tokenizer, its formats, and how it is asked for a task."""

from assistant.prompts import Wording
from assistant.registry import locate
from assistant_finetune.data.rendering.sample import Learn, Rendering


def rendering_for(
    base: str, *, max_length: int, learn: Learn = Learn.ANSWERS, seed: int = 0
) -> Rendering:
    """The rendering for a base by its name or folder; only its tokenizer is loaded.

    Raises ModelNotFoundError and ModelFolderError.
    """
    from assistant.engine.renderers import load_renderer

    local = locate(base)
    renderer = load_renderer(local)
    return Rendering(renderer, max_length, learn, Wording(local.wording), seed)
