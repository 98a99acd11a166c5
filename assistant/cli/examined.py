"""The model that an evaluation is of, as the command line names it."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from assistant.config import Quantization
    from assistant_eval.model import Examined

AdapterOption = Annotated[
    str | None,
    typer.Option(
        help="An adapter's name or folder.", show_default="from settings, unless --model is given"
    ),
]
QuantizationOption = Annotated[
    Literal["none", "int4", "nf4"] | None,
    typer.Option(help="How 16-bit weights are loaded.", show_default="from settings"),
]
DeviceOption = Annotated[
    str | None, typer.Option(help="cpu, cuda:0, or auto.", show_default="from settings")
]

OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="The folder of the run.", show_default="one among the evaluations"
    ),
]


def names_in(given: Iterable[str]) -> tuple[str, ...]:
    """Names that may stand several in one, with commas between."""
    names = (name.strip() for several in given for name in several.split(","))
    return tuple(name for name in names if name)


def examined(
    model: str | None,
    adapter: str | None,
    quantization: "Quantization | None",
    device: str | None,
) -> "Examined":
    """The model of the settings, as far as nothing else is said.

    Raises ModelNotFoundError, ModelFolderError or UsageError where it is not there.
    """
    from assistant.config import load_settings
    from assistant.registry import adapter_named, locate
    from assistant_eval.model import Examined

    settings = load_settings()
    if adapter is None and model is None:
        adapter = settings.adapter
    elif adapter is not None and not adapter.startswith((".", "~")) and "/" not in adapter:
        adapter = str(adapter_named(adapter).folder)
    return Examined(
        locate(model or settings.model, adapter),
        quantization or settings.quantization,
        settings.activations,
        device or settings.device,
    )
