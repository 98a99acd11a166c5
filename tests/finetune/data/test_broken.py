"""A broken line or file is named with its reason, kept, and everything else is read."""

import json
from pathlib import Path

import pytest

from assistant_finetune.data.examples import Chat, Example
from assistant_finetune.data.journal import FileJournal
from assistant_finetune.data.sources import Source, read_source
from tests.finetune.data.broken_files import BROKEN, Broken


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.name)
def test_a_broken_file(broken: Broken, tmp_path: Path) -> None:
    file = tmp_path / broken.file
    if isinstance(broken.content, bytes):
        file.write_bytes(broken.content)
    else:
        broken.content(file)
    journal = FileJournal(tmp_path / "rejects.jsonl", tmp_path / "changes.jsonl")
    found = [example for example, _ in read_source(Source(str(file)), journal)]
    journal.close()

    assert len(found) == broken.good
    assert {question(example) for example in found} <= {f"question {n}" for n in (1, 2, 3)}
    rejects = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert [(one["file"], one["line"]) for one in rejects] == [(str(file), broken.line)]
    assert broken.said in rejects[0]["reason"]
    assert "\n" not in rejects[0]["reason"]
    assert "Traceback" not in rejects[0]["reason"]


def question(example: Example) -> str:
    assert isinstance(example, Chat)
    return example.conversation.messages[0].content


def test_there_are_forty() -> None:
    assert len({broken.name for broken in BROKEN}) == len(BROKEN) >= 40


def test_a_rejected_line_is_kept_as_it_stood(tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"
    file.write_bytes(b'{"messages": [\xe9 "caf\xc3\xa9"}\n')
    journal = FileJournal(tmp_path / "r.jsonl", tmp_path / "changes.jsonl")
    assert list(read_source(Source(str(file)), journal)) == []
    journal.close()
    (line,) = (tmp_path / "r.jsonl").read_text().splitlines()
    kept = json.loads(line)["text"].encode("utf-8", "surrogateescape")
    assert kept == file.read_bytes().rstrip(b"\n")
    assert (tmp_path / "r.jsonl").stat().st_mode & 0o077 == 0
