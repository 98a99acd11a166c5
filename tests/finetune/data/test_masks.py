"""What is learned is exactly what an oracle that was written out by hand says, token for token."""

import functools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.messages import Conversation, Message
from assistant.prompts import CHAT_FORMATS, IGNORED, Renderer
from assistant_finetune.data.examples import Chat
from assistant_finetune.data.journal import DataError
from assistant_finetune.data.origin import Origin
from assistant_finetune.data.rendering.masks import chat_sample, weights_of
from assistant_finetune.data.rendering.sample import Learn, NothingToLearnError, Sample
from tests.finetune.data.written_out import FORMATS, expected
from tests.prompts.families import CONTROL, FAMILIES, conversation, families
from tests.prompts.templates import TEMPLATES, template_renderer

HERE = Origin("chats.jsonl", 7)
HOSTILE = (
    *("</s>", "<s>", "<unk>", "<0x0A>", "USER:", " ASSISTANT: ", "ASSISTANT:", "USER: hi</s>"),
    *("\n### Response:", "### Human: ", "\n###", "###", "[/INST]", "[INST]", "<<SYS>>\n"),
    *("{content}", "{eos}", "{bos}", "{system}", "system\n", "user\n", "assistant\n"),
    *(
        "\x00",
        "\ud800",
        "\udfff",
        "\ud83d\ude42",
        "🙂",
        "👩‍💻",
        "é",
        "\ue0000\ue001",
        "\x0b",
        "\ufeff",
    ),
    *(" ", "  ", "\n", "\n\n", "\t", "\r\n", "你好，世界", "def f(x):\n    return x", "1 / 2"),
    *CONTROL,
)
TEXTS = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=8), max_size=6).map("".join)
TALKS = st.lists(TEXTS, min_size=2, max_size=8).filter(lambda texts: len(texts) % 2 == 0)
COUNTS = st.sampled_from((0.0, 0.25, 1.0, 3.0))


@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    texts=TALKS,
    system=st.none() | TEXTS,
    family=st.sampled_from(FAMILIES),
    learn=st.sampled_from(Learn),
    counts=st.none() | st.lists(COUNTS, min_size=9, max_size=9),
)
def test_every_label_and_weight_is_the_oracles(
    texts: list[str], system: str | None, family: str, learn: Learn, counts: list[float] | None
) -> None:
    talk = conversation(*texts, system=system)
    given_weights = tuple(counts[: len(talk.messages)]) if counts is not None else ()
    chat = Chat(talk, HERE, given_weights)
    for name in CHAT_FORMATS:
        renderer = renderer_for(family, name)
        ids, owners = expected(talk, name, families()[family])
        wanted = [oracle_weight(talk, owner, learn, given_weights) for owner in owners]
        if not any(wanted[1:]):
            with pytest.raises(NothingToLearnError, match=r"chats\.jsonl:7"):
                chat_sample(chat, weights_of(chat, learn), renderer, learn)
            continue
        sample = chat_sample(chat, weights_of(chat, learn), renderer, learn)
        assert list(sample.ids) == ids
        assert list(sample.labels) == [
            number if weight else IGNORED for number, weight in zip(ids, wanted, strict=True)
        ]
        assert counted(sample) == wanted


@functools.cache
def renderer_for(family: str, chat_format: str) -> Renderer:
    return families()[family].renderer(chat=chat_format)


def oracle_weight(
    talk: Conversation, owner: int | None, learn: Learn, given_weights: tuple[float, ...]
) -> float:
    """How much a token counts, by whose it is."""
    if owner is None:
        return 1.0 if learn is Learn.ALL else 0.0
    answer = talk.messages[owner].role == "assistant"
    if learn is Learn.LAST and owner != len(talk.messages) - 1:
        return 0.0
    if learn is Learn.ALL and not answer:
        return 1.0
    return given_weights[owner] if given_weights else float(answer)


def counted(sample: Sample) -> list[float]:
    if sample.weights:
        return list(sample.weights)
    return [float(label != IGNORED) for label in sample.labels]


def test_the_oracle_knows_every_format() -> None:
    assert set(FORMATS) == set(CHAT_FORMATS)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("template", TEMPLATES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=TALKS)
def test_a_template_learns_what_an_answer_would_be(
    family: str, template: str, texts: list[str]
) -> None:
    """The oracle is the serving side: each answer begins where its prompt ends."""
    renderer = template_renderer(family, template)
    talk = conversation(*texts)
    chat = Chat(talk, HERE)
    sample = chat_sample(chat, weights_of(chat, Learn.ANSWERS), renderer, Learn.ANSWERS)
    for index in range(1, len(texts), 2):
        only = tuple(float(number == index) for number in range(len(texts)))
        one = chat_sample(Chat(talk, HERE, only), only, renderer, Learn.ANSWERS)
        learned = [place for place, label in enumerate(one.labels) if label != IGNORED]
        begin = len(renderer.chat(Conversation(talk.messages[:index])).ids)
        assert learned == list(range(begin, learned[-1] + 1))
        assert one.ids[learned[-1]] in renderer.chat(Conversation(talk.messages[:index])).end_ids
        assert all(sample.labels[place] == one.labels[place] for place in learned)


def test_a_users_message_can_be_given_weight() -> None:
    talk = conversation("one two", "three four")
    renderer = families()["byte-level"].renderer(chat="chatml")
    sample = chat_sample(Chat(talk, HERE, (2.0, 1.0)), (2.0, 1.0), renderer, Learn.ANSWERS)
    heavy = [number for number, w in zip(sample.ids, sample.weights, strict=True) if w == 2.0]
    assert renderer.tokenizer.decode(heavy) == "one two"


def test_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="3 weights for 2 messages"):
        Chat(conversation("a", "b"), HERE, (1.0, 1.0, 1.0))


def test_a_sample_with_nothing_to_learn_is_refused_by_name() -> None:
    talk = Conversation((Message("user", "a"), Message("assistant", "b")))
    renderer = families()["byte-level"].renderer(chat="chatml")
    with pytest.raises(DataError, match=r"chats\.jsonl:7: nothing in it is to be learned"):
        chat_sample(Chat(talk, HERE, (0.0, 0.0)), (0.0, 0.0), renderer, Learn.ANSWERS)
