"""Exporting an adapter and its base as a model for other programs."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.cli.session import JsonOption

if TYPE_CHECKING:
    from assistant_finetune.adapters import Installed
    from assistant_finetune.adapters.exporting import Exported


def export(
    name: Annotated[str, typer.Argument(help="A name from `assistant adapters list`.")],
    to: Annotated[
        Literal["gptq", "gguf"], typer.Option(help="4-bit weights, or llama.cpp's file.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The new folder or GGUF file.",
            show_default="for gptq NAME-gptq in the models folder",
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            "-d",
            help="What to fit and check with, as in `assistant data`; repeatable.",
            show_default="the run's",
        ),
    ] = None,
    weights: Annotated[
        Literal["bf16", "f16", "q8_0"], typer.Option(help="Of a GGUF file.")
    ] = "bf16",
    converter: Annotated[
        str | None,
        typer.Option(
            help="llama.cpp's convert_hf_to_gguf.py, or its folder.", show_default="from settings"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write base and adapter as one small model, checked to answer as the merged one."""
    from assistant.cli.session import Status, packages_of
    from assistant.errors import UsageError
    from assistant_finetune.adapters import find

    adapter = find(name)
    if output is None and to == "gguf":
        raise UsageError("say where the GGUF file goes: --output FILE.gguf")
    place = output.expanduser().absolute() if output is not None else _place(adapter)
    with Status() as status, packages_of("finetune"):
        from assistant_finetune.adapters.exporting import export_gguf, export_gptq

        sources = tuple(data or ())
        if to == "gptq":
            exported = export_gptq(adapter, place, sources, status.show)
        else:
            script = _converter(converter)
            exported = export_gguf(adapter, place, script, weights, sources, status.show)
    _tell(exported, as_json)


def _place(adapter: "Installed") -> Path:
    """Where a server finds it by its name. Raises UsageError where that means another model."""
    from assistant import paths
    from assistant.errors import UsageError
    from assistant.registry import load_registry

    if adapter.name in load_registry():
        raise UsageError(f"{adapter.name}-gptq is the name of another model: say --output FOLDER")
    return paths.models_dir() / f"{adapter.name}-gptq"


def _converter(named: str | None) -> Path:
    from assistant.config import load_settings
    from assistant_finetune.adapters.gguf import find_converter

    return find_converter(named or load_settings().gguf_converter)


def _tell(exported: "Exported", as_json: bool) -> None:
    found = exported.agreement
    groups = "" if exported.group_size is None else f", groups of {exported.group_size}"
    typer.echo(f"{exported.path}{groups}", err=True)
    if found is None:
        typer.echo(
            "not checked: `pip install llama-cpp-python` lets it be asked the next time", err=True
        )
    else:
        typer.echo(
            f"at {found.places} tokens of answers the most likely one is the merged model's "
            f"{found.same:.1%} of the time, probabilities are {found.distance:.2%} apart, and the "
            f"loss is {found.loss:.3f} instead of {found.expected_loss:.3f}",
            err=True,
        )
    if exported.cut_alike is not None and exported.cut_alike < 1:
        typer.echo(
            f"llama.cpp cuts {1 - exported.cut_alike:.0%} of the texts into other tokens than "
            "the model was trained with: it may answer worse there",
            err=True,
        )
    if as_json:
        fields = asdict(exported) | {"path": str(exported.path)}
        typer.echo(json.dumps(fields))
