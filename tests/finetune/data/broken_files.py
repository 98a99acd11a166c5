"""Forty ways in which a data file is broken, and what is said of each."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def talk(question: str, answer: str) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    }


GOOD = [talk(f"question {number}", f"answer {number}") for number in range(1, 4)]
FIRST, SECOND, THIRD = (json.dumps(good) for good in GOOD)


@dataclass(frozen=True)
class Broken:
    """A broken file."""

    name: str
    file: str
    content: bytes | Callable[[Path], None]
    said: str
    """A part of the reason."""
    line: int
    """Where it is said to be; 0 for the whole file."""
    good: int = 3
    """How many of the good records are still read."""


def lines(broken: str) -> bytes:
    """Two good lines, the broken one, and another good one."""
    return "\n".join([FIRST, SECOND, broken, THIRD, ""]).encode()


def record(name: str, value: Any, said: str) -> Broken:
    return Broken(name, "chats.jsonl", lines(json.dumps(value)), said, 3)


def message(name: str, entry: Any, said: str) -> Broken:
    whole = {"messages": [{"role": "user", "content": "q"}, entry]}
    return record(name, whole, said)


def parquet(path: Path, *, cut: int = 0, damage: bool = False) -> None:
    import pyarrow as arrow
    import pyarrow.parquet as parquet_files

    table = arrow.Table.from_pylist(GOOD)
    parquet_files.write_table(
        table, path, row_group_size=1, compression="gzip", use_dictionary=False
    )
    data = bytearray(path.read_bytes())
    if damage:
        group = parquet_files.ParquetFile(path).metadata.row_group(1)
        start = group.column(0).data_page_offset
        data[start : start + 40] = b"\xff" * 40
    path.write_bytes(bytes(data[: len(data) - cut]))


def array(*elements: str, end: str = "\n]\n") -> bytes:
    """A list, one element to a line, as `json.dump` with an indent writes it."""
    return ("[\n  " + ",\n  ".join(elements) + end).encode()


_GZ = gzip.compress("\n".join([FIRST, SECOND, THIRD] * 2000).encode())
_HUGE = '{"messages": "' + "x" * (65 * 2**20) + '"}'
_TREE = {"message_id": "a", "parent_id": None, "message_tree_id": "a", "role": "prompter"}

# fmt: off
BROKEN = [
    Broken("half a line", "c.jsonl", lines(FIRST[:30]), "not JSON", 3),
    Broken("no JSON at all", "c.jsonl", lines("hello"), "not JSON: expecting value", 3),
    Broken("two values on a line", "c.jsonl", lines("{} {}"), "not JSON: extra data", 3),
    Broken("single quotes", "c.jsonl", lines("{'messages': []}"), "not JSON", 3),
    Broken("a tab in a text", "c.jsonl", lines('{"a": "\t"}'), "control character", 3),
    Broken("a bad escape", "c.jsonl", lines(r'{"a": "\x"}'), "escape", 3),
    Broken("Latin-1", "c.jsonl", lines("{}").replace(b"{}", b'{"a": "\xe9"}'), "not UTF-8", 3),
    Broken("nested too deeply", "c.jsonl", lines("[" * 100_000), "nested too deeply", 3),
    Broken("a long number", "c.jsonl", lines("9" * 5000), "number", 3),
    Broken("a huge line", "c.jsonl", lines(_HUGE), "longer than 64 MB", 3),
    Broken("no end", "c.jsonl",
           f"{FIRST}\n{SECOND}\n{THIRD}\n{FIRST[:-4]}".encode(), "not JSON", 4),
    record("null", None, "it is null, not an object"),
    record("a number", 12, "it is a number, not an object"),
    record("an empty object", {}, "it is an empty object"),
    record("unknown fields", {"colour": "red"}, "nobody knows what its fields mean (colour)"),
    record("a lone message", {"role": "user", "content": "q"}, "a single message"),
    record("a preference", {"chosen": "a", "rejected": "b"}, "a good and a bad answer"),
    record("messages are a text", {"messages": "hi"}, "messages is a text, not a list"),
    record("no messages", {"messages": []}, "messages is empty"),
    record("a message is a text", {"messages": ["hi"]}, "message 1 is a text, not an object"),
    message("an unknown role", {"role": "cat", "content": "a"}, "message 2 is by 'cat'"),
    message("no role", {"content": "a"}, "message 2 is by null"),
    message("no content", {"role": "assistant"}, "message 2: content is null, not a text"),
    message("a number as content", {"role": "assistant", "content": 7}, "content is a number"),
    message(
        "a picture",
        {"role": "assistant", "content": [{"type": "image_url", "image_url": "x"}]},
        "message 2 has a part that is no text",
    ),
    message(
        "a tool call",
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        "message 2 calls a tool",
    ),
    message("a bad weight", {"role": "assistant", "content": "a", "weight": -1}, "its weight"),
    message("a system message behind", {"role": "system", "content": "s"}, "only stand first"),
    record("only a question", {"messages": [{"role": "user", "content": "q"}]}, "no answer"),
    message("an empty answer", {"role": "assistant", "content": " "}, "all its answers are empty"),
    record("ShareGPT without value", {"conversations": [{"from": "human"}]}, "has no value"),
    record("Alpaca without output", {"instruction": "do"}, "it has no output"),
    record("Alpaca without words", {"instruction": "", "output": "a"}, "instruction is empty"),
    record("an answer to nobody", _TREE | {"parent_id": "z", "text": "t"}, "is missing"),
    Broken("a broken element", "c.json",
           array(FIRST, '{"a": nothing}', SECOND, THIRD), "not JSON", 3),
    Broken("a list without end", "c.json", array(FIRST, SECOND, THIRD, end=""), "breaks off", 4),
    Broken("half an element", "c.json",
           array(FIRST, SECOND, THIRD, FIRST[:40], end=""), "not JSON", 5),
    Broken("Latin-1 in a list", "c.json",
           array(FIRST, "{}", SECOND, THIRD).replace(b"{}", b'{"a": "\xe9"}'), "not UTF-8", 3),
    Broken("text behind a list", "c.json", array(FIRST, SECOND, THIRD) + b"the end", "goes on", 6),
    Broken("a cut gz", "c.jsonl.gz", _GZ[:-6], "breaks off", 6000, 6000),
    Broken("a damaged gz", "c.jsonl.gz", _GZ[:-8] + b"\0" * 8, "damaged", 6000, 6000),
    Broken("UTF-16", "c.jsonl", FIRST.encode("utf-16"), "UTF-16: save it as UTF-8", 0, 0),
    Broken("a zip", "c.json", b"PK\x03\x04" + b"\0" * 50, "zip archive: unpack it", 0, 0),
    Broken("an empty file", "c.json", b"", "it is empty", 0, 0),
    Broken("no Parquet", "c.parquet", b"PAR1 and no more", "no whole Parquet file", 0, 0),
    Broken("half a Parquet", "c.parquet", lambda p: parquet(p, cut=30), "no whole Parquet", 0, 0),
    Broken("a damaged Parquet", "c.parquet",
           lambda p: parquet(p, damage=True), "rows 2 to 2", 2, 2),
    Broken("a program as text", "notes.txt", b"\x7fELF\x02\x00\x00" * 9, "zero bytes", 1, 0),
]
# fmt: on
