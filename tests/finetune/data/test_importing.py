"""The whole way in: what comes into a data folder, what is written down, and how much memory."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import UsageError
from assistant_finetune.data import (
    Chat,
    Choices,
    DataError,
    Document,
    Example,
    Journal,
    Origin,
    Source,
    import_data,
    is_held_out,
    pack,
    read_all,
    rendering_for,
    samples,
    split,
)
from assistant_finetune.data.statistics import count
from tests.prompts.families import conversation


def talk(question: str, answer: str) -> dict[str, Any]:
    return {
        "conversations": [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    }


MANY = [talk(f"What is the square of {n}?", f"It is {n * n}.") for n in range(200)]


def write(path: Path, *records: Any) -> Source:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return Source(str(path))


def rows(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_whole_way(tmp_path: Path) -> None:
    german = "Wie viele Einwohner hat die Stadt München heute ungefähr?"
    source = write(
        tmp_path / "a.jsonl",
        talk("I am a@acme.io, and what is the weather like?", "<p>Hello <b>a@acme.io</b></p>"),
        talk("I am a@acme.io, and what is the weather like?", "<p>Hello <b>a@acme.io</b></p>"),
        {"conversations": []},
        talk(german, "Ungefähr anderthalb Millionen Menschen leben dort."),
    )
    out = tmp_path / "out"
    report, journal = import_data([source], out, Choices(languages=("en",)))
    assert report.examples == 1
    (kept,) = rows(out / "data.jsonl")
    assert [message["content"] for message in kept["messages"]] == [
        "I am <EMAIL_1>, and what is the weather like?",
        "Hello **<EMAIL_1>**",
    ]
    assert kept["origin"] == {"source": source.name, "line": 1}
    (refused,) = rows(out / "rejects.jsonl")
    assert (refused["file"], refused["line"]) == (source.name, 3)
    changes = [(row["origin"], row["change"]) for row in rows(out / "changes.jsonl")]
    assert (f"{source.name}:2", "exact duplicates left out") in changes
    assert (f"{source.name}:4", "left out for its language") in changes
    written = json.loads((out / "report.json").read_text())
    assert written["replaced"] == {"EMAIL": 2}
    assert written["rejected"] == dict(journal.rejected)
    assert "a@acme.io" not in "".join(
        (out / name).read_text() for name in ("data.jsonl", "report.json", "changes.jsonl")
    )
    assert all(file.stat().st_mode & 0o077 == 0 for file in [out, *out.iterdir()])


def test_nothing_is_done_that_is_not_wanted(tmp_path: Path) -> None:
    record = talk("I am a@acme.io", "<p>Hello</p>")
    source = write(tmp_path / "a.jsonl", record, record)
    nothing = Choices(clean=False, scrub=False, deduplicate=False)
    report, journal = import_data([source], tmp_path / "out", nothing)
    assert (report.examples, journal.changed.total()) == (2, 0)
    first = rows(tmp_path / "out" / "data.jsonl")[0]["messages"]
    assert [message["content"] for message in first] == ["I am a@acme.io", "<p>Hello</p>"]


def test_a_data_folder_is_read_again(tmp_path: Path) -> None:
    import_data([write(tmp_path / "a.jsonl", *MANY)], tmp_path / "out", Choices())
    journal = Journal()
    found = list(read_all([Source(str(tmp_path / "out"))], journal))
    assert len(found) == len(MANY)
    assert found[3].origin == Origin(str(tmp_path / "a.jsonl"), 4)
    packed = list(pack(samples(found, rendering_for("starter", max_length=512), journal), 512))
    assert sum(len(row.origins) for row in packed) == len(MANY)
    assert len(packed) < len(MANY) / 10


def test_an_old_folder_is_never_written_over(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", *MANY[:2])
    (tmp_path / "out").mkdir()
    with pytest.raises(UsageError, match="is there already"):
        import_data([source], tmp_path / "out", Choices())


def test_nothing_is_left_of_an_import_that_failed(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", {"conversations": []}, 5)
    with pytest.raises(DataError, match=r"a\.jsonl:1: conversations is empty, and 1 more"):
        import_data([source], tmp_path / "out", Choices())
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_sides(tmp_path: Path) -> None:
    import_data([write(tmp_path / "a.jsonl", *MANY)], tmp_path / "out", Choices())
    train, held_out = split(tmp_path / "out", 0.2)
    assert train + held_out == len(MANY)
    assert 20 < held_out < 60
    train_rows, held_rows = (rows(tmp_path / "out" / f"{n}.jsonl") for n in ("train", "held_out"))
    assert (len(train_rows), len(held_rows)) == (train, held_out)
    # A data folder that was split gives its training side.
    found = list(read_all([Source(str(tmp_path / "out"))], Journal()))
    assert len(found) == train

    # The same conversations in another order, with others among them.
    other = write(tmp_path / "b.jsonl", talk("Something else?", "Yes."), *reversed(MANY))
    import_data([other], tmp_path / "again", Choices())
    split(tmp_path / "again", 0.2)
    held_again = {str(row["messages"]) for row in rows(tmp_path / "again" / "held_out.jsonl")}
    assert {str(row["messages"]) for row in held_rows} <= held_again


def chat(*texts: str) -> Example:
    return Chat(conversation(*texts), Origin("a"))


def test_what_has_grown_stays_on_its_side() -> None:
    for number in range(50):
        first = chat(f"question {number}", "answer")
        grown = chat(f"question {number}", "answer", "more?", "yes")
        assert is_held_out(first, 0.3) == is_held_out(grown, 0.3)
        before = Document("x = 1\n", Origin("a"), f"src/{number}.py", "python")
        edited = Document("x = 2\n", Origin("a"), f"src/{number}.py", "python")
        assert is_held_out(before, 0.3) == is_held_out(edited, 0.3)


def test_a_side_that_would_be_empty_is_refused(tmp_path: Path) -> None:
    import_data([write(tmp_path / "a.jsonl", MANY[0])], tmp_path / "out", Choices())
    with pytest.raises(DataError, match="none would be on the"):
        split(tmp_path / "out", 0.05)
    assert not (tmp_path / "out" / "train.jsonl").exists()
    with pytest.raises(UsageError, match="assistant data import"):
        split(tmp_path, 0.05)


def test_statistics(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", *MANY[:10], MANY[0])
    journal = Journal()
    found = count(read_all([source], journal), rendering_for("starter", max_length=512), journal)
    fields = found.as_fields()
    assert fields["examples"] == {"chat": 11}
    assert fields["messages"] == 22
    assert fields["duplicates"] == {"exact": 1, "near": 0}
    assert fields["samples"] == 11
    assert 0 < fields["learned_share"] < 1
    assert fields["lengths"]["shortest"] <= fields["lengths"]["median"] <= fields["lengths"]["p95"]
    assert sum(found.lengths) == fields["tokens"] > fields["learned_tokens"] > 11


READ = """
import resource, sys
from assistant_finetune.data import Journal, Source, read_all
count = sum(1 for _ in read_all([Source(sys.argv[1])], Journal()))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
IMPORT = """
import resource, sys
from pathlib import Path
from assistant_finetune.data import Choices, Source, import_data
report, _ = import_data([Source(sys.argv[1])], Path(sys.argv[1] + ".out"), Choices())
print(report.examples, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def large_file(path: Path, megabytes: int, *, lines: bool) -> int:
    """A file of conversations that are all different; returns how many."""
    parts = [" ".join(f"w{(n * 7919 + i * 31) % 50_000}" for i in range(150)) for n in range(500)]
    number = 0
    with path.open("w") as file:
        file.write("" if lines else "[\n")
        while file.tell() < megabytes * 10**6:
            chosen = [parts[(number * 13 + place * place) % 500] for place in range(20)]
            record = json.dumps(talk(f"{number} {chosen[0]}", f"{number} {' '.join(chosen)}"))
            file.write(record + "\n" if lines else ("" if number == 0 else ",\n") + record)
            number += 1
        file.write("" if lines else "\n]\n")
    return number


def peak(program: str, file: Path) -> tuple[int, int]:
    """How many examples a program of its own finds, and its peak of memory in KB."""
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True
    )
    found, memory = done.stdout.split()
    return int(found), int(memory)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in other units there")
@pytest.mark.parametrize("lines", [True, False], ids=["lines", "one list"])
def test_reading_takes_no_more_memory_for_a_larger_file(lines: bool, tmp_path: Path) -> None:
    small, large = tmp_path / "small.json", tmp_path / "large.json"
    large_file(small, 10, lines=lines)
    number = large_file(large, 300, lines=lines)
    (_, before), (found, after) = peak(READ, small), peak(READ, large)
    assert found == number
    assert after - before < 20_000


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in other units there")
def test_importing_takes_no_more_memory_for_a_larger_file(tmp_path: Path) -> None:
    small, large = tmp_path / "small.jsonl", tmp_path / "large.jsonl"
    large_file(small, 2, lines=True)
    large_file(large, 20, lines=True)
    (_, before), (found, after) = peak(IMPORT, small), peak(IMPORT, large)
    assert found > 100
    assert after - before < 20_000
