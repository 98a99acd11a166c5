"""Questions as they are read, and what is refused."""

import json
from pathlib import Path

import pytest

from assistant.errors import UsageError
from assistant_eval.code.hub import read_hub
from assistant_eval.code.tasks import read_file
from tests.eval.code.questions import adding, write


def test_packed_or_not_the_questions_are_the_same(tmp_path: Path) -> None:
    tasks = [adding(number) for number in range(3)]
    plain, packed = write(tmp_path / "a.jsonl", tasks), write(tmp_path / "a.jsonl.gz", tasks)
    assert read_file(plain).tasks == read_file(packed).tasks == tuple(tasks)
    assert read_file(plain).sha256() == read_file(packed).sha256()
    assert read_file(plain).first(2).sha256() != read_file(plain).sha256()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "a.jsonl:2 is no JSON"),
        ("[]", "a.jsonl:2 is no JSON object"),
        ('{"task_id": "x", "prompt": ""}', "entry_point, canonical_solution, test"),
        (json.dumps(dict.fromkeys(("task_id", "prompt", "entry_point"), "a b")), "no text canon"),
    ],
)
def test_what_is_no_question_is_refused_with_its_place(
    tmp_path: Path, line: str, said: str
) -> None:
    file = write(tmp_path / "a.jsonl", [adding(1)])
    file.write_text(file.read_text() + line + "\n")
    with pytest.raises(UsageError, match=said):
        read_file(file)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    one = adding(1)
    file = tmp_path / "a.jsonl"
    rows = [
        {
            "task_id": "same",
            "prompt": one.prompt,
            "entry_point": name,
            "canonical_solution": one.canonical_solution,
            "test": test,
        }
        for name, test in (("no name", one.test), ("f", "assert False"))
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    with pytest.raises(UsageError, match=r"no name: 'no name'.*no check.*the same task_id"):
        read_file(file)
    file.write_text("")
    with pytest.raises(UsageError, match="holds no questions"):
        read_file(file)


def test_a_data_set_of_the_hub_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    published = tmp_path / "published"
    published.mkdir()
    file = write(published / "test.jsonl", [adding(number) for number in range(3)])
    assert read_hub(str(published)).tasks == read_file(file).tasks
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="name a file in the form of HumanEval by --data"):
        read_hub("nobody/here")
