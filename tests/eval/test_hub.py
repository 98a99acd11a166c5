"""Questions in the form of the hub's data set."""

from pathlib import Path

import pytest

from assistant.errors import UsageError
from assistant_eval.mmlu.folder import read_folder
from assistant_eval.mmlu.hub import read_hub
from tests.eval.exams import CARD, publish


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def test_the_same_questions_as_in_a_folder(folder: Path, tmp_path: Path) -> None:
    published = publish(folder, tmp_path / "published")
    found, expected = read_hub(str(published), 3), read_folder(folder, 3)
    assert found.subjects == expected.subjects
    assert found.sha256() == expected.sha256()


def test_other_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "README.md").write_text(CARD)
    for split in ("test", "dev"):
        (tmp_path / "other" / f"{split}.jsonl").write_text('{"text": "something else"}\n')
    with pytest.raises(UsageError, match="is not in the form of cais/mmlu"):
        read_hub(str(tmp_path / "other"), 5)
