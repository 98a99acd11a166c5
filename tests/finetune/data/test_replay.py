"""Other code beside the user's: so much of it as was asked for, the same for the same seed."""

from itertools import islice

import pytest

from assistant.messages import Conversation, Message
from assistant_finetune.data import Chat, Document, Example, Origin
from assistant_finetune.data.replay import kept_back, library_files, with_replay

CODE = Document("x = 1\n" * 20_000, Origin("a.py"), "a.py", "python")


def replayed(examples: list[Example], share: float, seed: int = 0) -> list[Document]:
    found = list(with_replay(examples, share, seed))
    assert found[: len(examples)] == examples
    added = found[len(examples) :]
    assert all(isinstance(one, Document) for one in added)
    return [one for one in added if isinstance(one, Document)]


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_the_library_has_its_share(share: float) -> None:
    added = sum(len(one.text) for one in replayed([CODE], share))
    assert added / (added + len(CODE.text)) == pytest.approx(share, abs=0.04)


def test_half_of_it_is_code_to_fill_in_and_half_is_read_as_it_stands() -> None:
    languages = [one.language for one in replayed([CODE], 0.5)]
    assert languages.count("python") == pytest.approx(languages.count(""), abs=1)


def test_it_is_the_same_for_a_seed_and_another_for_another() -> None:
    assert replayed([CODE], 0.2) == replayed([CODE], 0.2)
    assert replayed([CODE], 0.2) != replayed([CODE], 0.2, seed=1)


def test_more_than_the_library_has_begins_it_again() -> None:
    large = Document("x = 1\n" * 50, Origin("a.py"), "a.py", "python")
    stream = with_replay([large] * 100_000, 0.5, 0)
    files = len(library_files())
    assert len(list(islice(stream, 100_000, 100_000 + 2 * files))) == 2 * files


def test_what_is_kept_back_is_never_replayed() -> None:
    kept = {one.origin for one in kept_back(12)}
    assert len(kept) == 12
    everything = replayed([Document(CODE.text * 200, Origin("a.py"), "a.py", "python")], 0.5)
    assert not kept.intersection(one.origin for one in everything)


def test_chats_and_notes_get_nothing_beside_them() -> None:
    chat = Chat(
        Conversation((Message("user", "Hi"), Message("assistant", "Hello."))), Origin("a.json")
    )
    note = Document("A note.\n" * 1000, Origin("a.md"), "a.md", "markdown")
    assert replayed([chat, note], 0.5) == []
    assert replayed([CODE], 0.0) == []


def test_the_librarys_tests_and_other_packages_are_left_out() -> None:
    files = library_files()
    assert any(file.name == "argparse.py" for file in files)
    assert not any({"test", "site-packages"}.intersection(file.parts) for file in files)
