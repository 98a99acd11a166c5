"""Data to learn from: import it, look at it, split it, count it, make it private."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.cli.session import JsonOption, packages_of

if TYPE_CHECKING:
    from assistant.prompts import TextTokenizer
    from assistant_finetune.data import Journal, Rendering, Sample, Source

app = typer.Typer(
    help="Data to learn from: import, show, split, stats, scrub.", no_args_is_help=True
)

KindName = Literal["sharegpt", "alpaca", "openai", "oasst", "text", "code"]
Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="Files, folders, a data set of the hub (owner/name), or `history`.",
    ),
]
KindOption = Annotated[
    KindName | None, typer.Option(help="What the sources hold.", show_default="recognized")
]
PathsOption = Annotated[
    Literal["best", "ranked"],
    typer.Option(help="Of OASST trees: the best path, or every ranked one."),
]
BaseOption = Annotated[
    str | None,
    typer.Option("--base", "-b", help="Whose tokens: a model's name or folder."),
]
MaxLengthOption = Annotated[int, typer.Option(min=16, help="Longest sample, in tokens.")]
LearnOption = Annotated[
    Literal["answers", "last", "all"],
    typer.Option(help="What of a conversation is learned: every answer, the last one, or all."),
]
RegionOption = Annotated[
    str | None,
    typer.Option(
        metavar="COUNTRY", help="Such as US: find its phone numbers without a country code, too."
    ),
]


@app.command("import")
def import_command(
    sources: Sources,
    output: Annotated[Path, typer.Option("--output", "-o", help="The new data folder.")],
    kind: KindOption = None,
    paths: PathsOption = "best",
    languages: Annotated[
        list[str] | None,
        typer.Option("--language", metavar="CODE", help="Keep only this, such as en; repeatable."),
    ] = None,
    clean: Annotated[bool, typer.Option(help="Mend ShareGPT's conversations.")] = True,
    scrub: Annotated[bool, typer.Option(help="Replace secrets and personal data.")] = True,
    deduplicate: Annotated[bool, typer.Option(help="Leave out what comes twice, nearly.")] = True,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read data of many forms into a data folder, with a report and what was refused."""
    from assistant.cli.session import Status

    with packages_of("finetune"):
        from assistant_finetune.data import Choices, import_data

        chosen = Choices(clean, tuple(languages or ()), scrub, _region(region), deduplicate)
        with Status() as status:
            report, journal = import_data(
                _sources(sources, kind, paths),
                output.expanduser(),
                chosen,
                lambda count: status.show(f"{count:,} examples"),
            )
    _tell(journal)
    for what, count in report.replaced.most_common():
        typer.echo(f"replaced {what}: {count}", err=True)
    typer.echo(f"{report.examples:,} examples in {output}", err=True)
    if as_json:
        typer.echo(json.dumps(report.as_fields(), ensure_ascii=False))


@app.command()
def show(
    sources: Sources,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="Which sample.")] = 1,
    count: Annotated[
        int, typer.Option(min=1, help="So many from there on; --json gives a line for each.")
    ] = 1,
    base: BaseOption = None,
    max_length: MaxLengthOption = 2048,
    learn: LearnOption = "answers",
    kind: KindOption = None,
    paths: PathsOption = "best",
    as_json: JsonOption = False,
) -> None:
    """Print a sample as the model sees it: what is learned in green, or in ⟦⟧."""
    from itertools import islice

    from assistant.errors import UsageError

    with packages_of("finetune"):
        from assistant_finetune.data import Journal, read_all, samples

        rendering, journal = _rendering(base, max_length, learn), Journal()
        stream = samples(read_all(_sources(sources, kind, paths), journal), rendering, journal)
        found = 0
        for sample in islice(stream, number - 1, number - 1 + count):
            _show_sample(sample, rendering.renderer.tokenizer, as_json)
            found += 1
        _tell(journal)
        if not found:
            raise UsageError(f"there is no sample {number}: there are fewer, or none")


def _show_sample(sample: "Sample", tokenizer: "TextTokenizer", as_json: bool) -> None:
    from assistant_finetune.data import showing

    if as_json:
        typer.echo(json.dumps(showing.as_fields(sample, tokenizer), ensure_ascii=False))
    elif sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False, soft_wrap=True).print(showing.coloured(sample, tokenizer))
    else:
        typer.echo(showing.plain(sample, tokenizer))
    said = f"{sample.origin}: {len(sample.ids)} tokens, {sample.learned} learned"
    typer.echo(said, err=True)


@app.command()
def split(
    folder: Annotated[Path, typer.Argument(help="A folder that data was imported into.")],
    held_out: Annotated[
        float, typer.Option(min=0.0001, max=0.9, help="The share that is not trained on.")
    ] = 0.05,
    as_json: JsonOption = False,
) -> None:
    """Part data into train.jsonl and held_out.jsonl, by what the examples are."""
    with packages_of("finetune"):
        from assistant_finetune.data import split as split_folder

        train, held = split_folder(folder.expanduser(), held_out)
    typer.echo(f"{train:,} examples to train on, {held:,} held out", err=True)
    if as_json:
        typer.echo(json.dumps({"train": train, "held_out": held}))


@app.command()
def stats(
    sources: Sources,
    base: BaseOption = None,
    max_length: MaxLengthOption = 2048,
    learn: LearnOption = "answers",
    kind: KindOption = None,
    paths: PathsOption = "best",
    as_json: JsonOption = False,
) -> None:
    """Count examples, languages and duplicates; with --base also tokens, and what is learned."""
    with packages_of("finetune"):
        from assistant_finetune.data import Journal, read_all
        from assistant_finetune.data.statistics import count

        journal = Journal()
        rendering = _rendering(base, max_length, learn) if base is not None else None
        found = count(read_all(_sources(sources, kind, paths), journal), rendering, journal)
    fields = {**found.as_fields(), "rejected": dict(journal.rejected.most_common())}
    _tell(journal)
    if as_json:
        typer.echo(json.dumps(fields, ensure_ascii=False))
        return
    for name, value in fields.items():
        typer.echo(f"{name.replace('_', ' '):15} {_shown(value)}")


@app.command()
def scrub(
    file: Annotated[Path, typer.Argument(help="A file of records or of text.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The new file.")],
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replace secrets and personal data in one file, and do nothing else."""
    with packages_of("finetune"):
        from assistant_finetune.data import Journal
        from assistant_finetune.data.privacy.files import scrub_file

        journal = Journal()
        replaced = scrub_file(file.expanduser(), output.expanduser(), journal, _region(region))
    _tell(journal)
    for what, count in replaced.most_common():
        typer.echo(f"replaced {what}: {count}", err=True)
    if not replaced:
        typer.echo("nothing private was found", err=True)
    if as_json:
        typer.echo(json.dumps(dict(replaced.most_common())))


def _sources(names: list[str], kind: KindName | None, paths: str) -> "list[Source]":
    from assistant_finetune.data import Kind, Paths, Source

    return [Source(name, Kind(kind) if kind else None, Paths(paths)) for name in names]


def _rendering(base: str | None, max_length: int, learn: str) -> "Rendering":
    from assistant.config import load_settings
    from assistant_finetune.data import Learn, rendering_for

    return rendering_for(base or load_settings().model, max_length=max_length, learn=Learn(learn))


def _region(name: str | None) -> str | None:
    """Raises UsageError for what is no country."""
    if name is None:
        return None
    import phonenumbers

    from assistant.errors import UsageError

    if name.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise UsageError(f"{name} is no country: name it by two letters, such as US or DE")
    return name.upper()


def _tell(journal: "Journal") -> None:
    for line in journal.summary:
        typer.echo(line, err=True)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count:,}" for name, count in value.items()) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)
