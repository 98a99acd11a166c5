"""Gathers the corpus: `python -m tools.starter.corpus` fills RUN/archives and RUN/corpus.

Python's standard library from the running interpreter, and the code and documentation of the
packages in `sources.toml`. Every archive's licence is checked against its own metadata.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from email.parser import Parser
from itertools import chain
from multiprocessing import Pool
from pathlib import Path

from tools.starter import prose
from tools.starter.functions import Function, Part, functions_of

SOURCES = Path(__file__).with_name("sources.toml")
DEVELOPMENT_PERCENT = 2
TESTS_PERCENT = 8
PACKAGE_LIMIT = 2_200_000
"""Characters of Python taken from one package, so that none drowns the others."""
FILE_LIMIT = 120_000
_COPYLEFT = re.compile(r"GPL|MPL|Mozilla|Affero|EUPL|CDDL|Eclipse", re.IGNORECASE)
_VENDORED = re.compile(
    r"(^|/)(_?vendor(ed)?|_vendored|externals?|_?extern|third_party|node_modules|locale|locales"
    r"|lib2to3|encodings|pydoc_data|site-packages|migrations|ensurepip|cpython)(/|$)"
)
_TESTS = re.compile(r"(^|/)(tests?|testing|test_[^/]*|[^/]*_test\.py|conftest\.py)(/|$)")
_NEWS = re.compile(r"chang|history|whatsnew|news|releas|licen|author|contributors", re.IGNORECASE)
_GENERATED = re.compile(r"generated (by|from|file|auto)|auto-?generated|do not edit", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """One package of the corpus, pinned."""

    name: str
    version: str
    licence: str
    form: str
    part: Part = "train"
    """`held out` for packages of which nothing is learned."""


@dataclass(frozen=True)
class Document:
    """One file: Python source, or the prose of a documentation file."""

    package: str
    path: str
    kind: str
    part: Part
    text: str


def sources() -> list[Source]:
    """What `sources.toml` lists."""
    return [Source(**entry) for entry in tomllib.loads(SOURCES.read_text())["source"]]


def download(archives: Path) -> None:
    """Fetch every pinned archive that is not there yet."""
    archives.mkdir(parents=True, exist_ok=True)
    for source in sources():
        if _archive(archives, source) is None:
            form = "--only-binary" if source.form == "wheel" else "--no-binary"
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            command += [
                form,
                source.name,
                "--dest",
                str(archives),
                f"{source.name}=={source.version}",
            ]
            subprocess.run(command, check=True)


def _archive(archives: Path, source: Source) -> Path | None:
    wanted = re.sub(r"[-_.]+", "-", source.name).lower()
    suffix = ".whl" if source.form == "wheel" else ".tar.gz"
    for path in sorted(archives.glob(f"*-{source.version}*{suffix}")):
        if re.sub(r"[-_.]+", "-", path.name.split(f"-{source.version}")[0]).lower() == wanted:
            return path
    return None


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """The Python, documentation and metadata files of a wheel or a source archive."""
    suffixes = (".py", ".md", ".rst", ".txt", "METADATA", "PKG-INFO")
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for name in sorted(wheel.namelist()):
                if name.endswith(suffixes):
                    yield name, wheel.read(name)
        return
    with tarfile.open(archive) as packed:
        for entry in sorted(packed.getmembers(), key=lambda entry: entry.name):
            handle = packed.extractfile(entry) if entry.name.endswith(suffixes) else None
            if handle is not None:
                yield entry.name.split("/", 1)[-1], handle.read()


def check_licence(metadata: str, source: Source) -> None:
    """Raise ValueError when an archive's own metadata names no licence, or a copyleft one."""
    fields = Parser().parsestr(metadata)
    stated = [fields["License-Expression"] or "", (fields["License"] or "").split("\n")[0]]
    stated += [line for line in fields.get_all("Classifier", []) if line.startswith("License")]
    text = " ".join(stated).strip()
    if not text or _COPYLEFT.search(text):
        raise ValueError(f"{source.name} {source.version}: its licence reads {text!r}")


def _percent(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 100


def _code(name: str, text: str) -> str:
    """A Python file as it is trained on, or nothing if it is not worth it."""
    if _VENDORED.search(name) or _GENERATED.search(text[:600]) or len(text) < 400:
        return ""
    if _TESTS.search(name) and _percent(name) >= TESTS_PERCENT:
        return ""
    lines = text.splitlines()
    digits = sum(character.isdigit() for character in text)
    if len(text) > FILE_LIMIT or max(map(len, lines)) > 400 or digits > 0.15 * len(text):
        return ""
    return text


def _make(package: str, name: str, raw: bytes, part: Part = "train") -> Document | None:
    try:
        text = raw.decode().replace("\r\n", "\n").expandtabs(4)
    except UnicodeDecodeError:
        return None
    if name.endswith(".py"):
        kind, text = "code", _code(name, text)
    elif _NEWS.search(name) or _VENDORED.search(name) or _TESTS.search(name):
        return None
    else:
        kind, text = "prose", prose.document(text)
    # The words that are hashed stay, and so do the files that no version was ever trained on.
    if part == "train" and _percent(f"held out {package}/{name}") < DEVELOPMENT_PERCENT:
        part = "development"
    return Document(package, f"{package}/{name}", kind, part, text) if text else None


def read_source(job: tuple[Path, Source]) -> list[Document]:
    """The documents of one package, at most `PACKAGE_LIMIT` characters of code, in hash order."""
    archives, source = job
    archive = _archive(archives, source)
    if archive is None:
        raise FileNotFoundError(f"{source.name} {source.version} is not in {archives}")
    documents, metadata = [], ""
    for name, raw in members(archive):
        if name.endswith(("METADATA", "PKG-INFO")):
            metadata = metadata or raw.decode(errors="replace")
        elif document := _make(source.name, name, raw, source.part):
            documents.append(document)
    check_licence(metadata, source)
    return _limited(documents)


def read_standard_library() -> list[Document]:
    """The running interpreter's own Python files."""
    root = Path(sysconfig.get_path("stdlib"))
    documents = []
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if not _TESTS.search(name) and (document := _make("python", name, path.read_bytes())):
            documents.append(document)
    return documents


def _limited(documents: list[Document]) -> list[Document]:
    total, kept = 0, []
    for document in sorted(documents, key=lambda document: _percent(document.path)):
        total += len(document.text) if document.kind == "code" else 0
        if document.kind == "prose" or total <= PACKAGE_LIMIT:
            kept.append(document)
    return kept


def _functions(document: Document) -> list[Function]:
    return functions_of(document.text, document.path, document.part)


def build(run: Path) -> None:
    """Read all sources and write the corpus, each text once."""
    with Pool() as pool:
        packages = pool.map(read_source, [(run / "archives", source) for source in sources()], 1)
        seen: set[str] = set()
        documents = []
        for document in chain(read_standard_library(), *packages):
            digest = hashlib.sha256("".join(document.text.split()).encode()).hexdigest()
            if digest not in seen:
                seen.add(digest)
                documents.append(document)
        code = [document for document in documents if document.kind == "code"]
        write(run, documents, list(chain.from_iterable(pool.map(_functions, code, 64))))
    for kind in ("code", "prose"):
        size = sum(len(document.text) for document in documents if document.kind == kind)
        print(f"{kind}: {size / 1e6:.1f} million characters")


def write(run: Path, documents: list[Document], functions: list[Function]) -> None:
    """Write RUN/corpus/documents.jsonl and functions.jsonl."""
    folder = run / "corpus"
    folder.mkdir(parents=True, exist_ok=True)
    records: list[tuple[str, Sequence[Document | Function]]]
    records = [("documents.jsonl", documents), ("functions.jsonl", functions)]
    for name, kind in records:
        with (folder / name).open("w") as file:
            file.writelines(json.dumps(asdict(record)) + "\n" for record in kind)


def main() -> None:
    """Download, then build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=Path(".starter"))
    run = parser.parse_args().run
    download(run / "archives")
    build(run)


if __name__ == "__main__":
    main()
