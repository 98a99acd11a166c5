"""Long conversations are cut between exchanges, and each answer is learned exactly once."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.messages import Conversation, Message
from assistant.prompts import CHAT_FORMATS, IGNORED, Renderer
from assistant_finetune.data import Chat, Journal, Learn, Origin, Rendering, Sample
from assistant_finetune.data.rendering.splitting import chat_samples
from tests.prompts.families import conversation, families

HERE = Origin("chats.jsonl", 7)
RENDERERS = {name: families()["byte-level"].renderer(chat=name) for name in CHAT_FORMATS}
BYTES = RENDERERS["chatml"]


def cut(
    talk: Conversation, length: int, renderer: Renderer = BYTES, learn: Learn = Learn.ANSWERS
) -> tuple[list[Sample], Journal]:
    journal = Journal()
    rendering = Rendering(renderer, length, learn)
    return list(chat_samples(Chat(talk, HERE), rendering, journal)), journal


def learned_text(sample: Sample, renderer: Renderer) -> str:
    return renderer.tokenizer.decode([label for label in sample.labels if label != IGNORED])


def whole_text(sample: Sample, renderer: Renderer) -> str:
    return renderer.tokenizer.decode(sample.ids)


LONG = [f"{'question' if place % 2 == 0 else 'answer'} number {place} " * 3 for place in range(12)]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sizes=st.lists(st.integers(0, 60), min_size=2, max_size=16),
    system=st.none() | st.just("Be brief."),
    length=st.integers(48, 200),
    name=st.sampled_from(sorted(CHAT_FORMATS)),
)
def test_each_answer_is_learned_once_or_named(
    sizes: list[int], system: str | None, length: int, name: str
) -> None:
    renderer = RENDERERS[name]
    texts = [f"n{place}x" + "y" * size for place, size in enumerate(sizes)]
    texts = texts[: len(texts) // 2 * 2]
    samples, journal = cut(conversation(*texts, system=system), length, renderer)
    assert all(len(sample.ids) <= length for sample in samples)
    learned = " ".join(learned_text(sample, renderer) for sample in samples)
    answers = texts[1::2]
    found = [answer for answer in answers if learned.count(answer) >= 1]
    assert len(found) + journal.rejected.total() == len(answers)
    order = [learned.index(answer) for answer in found]
    assert order == sorted(order)
    assert learned.count("x") == len(found)


def test_what_fits_is_left_whole() -> None:
    samples, _ = cut(conversation(*LONG), 10_000)
    assert [sample.origin for sample in samples] == [HERE]


def test_later_parts_have_the_system_text_and_what_came_before() -> None:
    texts = [f"{text} {place}" for place, text in enumerate(["question", "answer"] * 20)]
    samples, journal = cut(conversation(*texts, system="Be brief."), 200)
    assert len(samples) > 2
    assert journal.rejected.total() == 0
    for sample in samples:
        assert "Be brief." in whole_text(sample, BYTES)
    later = samples[1]
    first_learned = next(place for place, label in enumerate(later.labels) if label != IGNORED)
    read_only = BYTES.tokenizer.decode(later.ids[:first_learned])
    learned = [learned_text(sample, BYTES) for sample in samples]
    last_before = max(place for place in range(1, 40, 2) if f"answer {place}" in learned[0])
    assert f"answer {last_before}" in read_only
    assert f"messages {last_before + 3} to " in str(later.origin)
    assert read_only.index("Be brief.") < read_only.index("question")


def test_a_last_exchange_that_is_too_long_is_named() -> None:
    talk = conversation("short", "fine", "question", "long " * 400)
    samples, journal = cut(talk, 100)
    assert [learned_text(sample, BYTES) for sample in samples] == ["fine"]
    (rejected,) = journal.first
    assert "messages 3 to 4 have" in rejected.reason
    assert "more than the 100 of a sample" in rejected.reason
    assert "long long" in rejected.text


def test_one_too_long_exchange_in_the_middle_loses_no_other() -> None:
    talk = conversation("q1", "first", "q2", "long " * 400, "q3", "third")
    samples, journal = cut(talk, 100)
    assert [learned_text(sample, BYTES) for sample in samples] == ["first", "third"]
    assert journal.rejected.total() == 1


def test_only_the_last_answer() -> None:
    samples, _ = cut(conversation(*LONG), 220, learn=Learn.LAST)
    assert [learned_text(sample, BYTES).strip() for sample in samples] == [LONG[-1].strip()]


def test_everything_is_learned_once_too() -> None:
    samples, _ = cut(conversation(*LONG), 220, learn=Learn.ALL)
    learned = "".join(learned_text(sample, BYTES) for sample in samples)
    for text in LONG:
        assert learned.count(text.strip()) == 1


def test_questions_in_a_row_stay_with_their_answer() -> None:
    turns = [("user", "one"), ("user", "two"), ("assistant", "three")] * 8
    talk = Conversation(tuple(Message(role, text) for role, text in turns))  # type: ignore[arg-type]
    samples, journal = cut(talk, 90)
    assert journal.rejected.total() == 0
    assert sum(learned_text(sample, BYTES).count("three") for sample in samples) == 8
