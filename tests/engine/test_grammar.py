"""Answers are held to a JSON schema, whatever the model would rather say."""

import functools
import json
import string
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

import assistant
from assistant.engine.grammar import Grammars, Matcher
from assistant.errors import AssistantError, UsageError
from assistant.prompts import TextTokenizer
from tests.prompts.families import byte_level

VOCAB = 8192 + 64
"""The model's; the last 64 are no tokens."""
ENDS = frozenset({1, 7})
STARTER = Path(assistant.__file__).parent / "starter" / "tokenizer.json"
Schema = dict[str, Any]


@functools.cache
def tokenizer() -> TextTokenizer:
    return TextTokenizer(Tokenizer.from_file(str(STARTER)), bos="<|bos|>", eos="<|eos|>")


@functools.cache
def grammars() -> Grammars:
    return Grammars(tokenizer(), VOCAB)


@functools.cache
def closers() -> torch.Tensor:
    """Which tokens close something, so that random answers come to an end: [VOCAB]."""
    texts = [tokenizer().decode([number]) for number in range(8192)]
    closing = [any(mark in text for mark in '"]}') for text in texts]
    return torch.tensor([*closing, *[False] * 64]).float()


def answer(matcher: Matcher, seed: int) -> list[int]:
    """What a model that knows nothing says, closing the sooner the longer it has talked."""
    random = torch.Generator().manual_seed(seed)
    ids: list[int] = []
    while True:
        logits = 2 * torch.randn(VOCAB, generator=random) + closers() * len(ids) / 4
        allowed = matcher.mask(logits).softmax(0)
        token = int(torch.multinomial(allowed, 1, generator=random))
        if token in ENDS:
            return ids
        ids.append(token)
        matcher.advance(token)


def whole(schema: Schema, seed: int) -> Any:
    matcher = grammars().matcher(json.dumps(schema), ENDS)
    ids = answer(matcher, seed)
    assert tokenizer().control_ids.isdisjoint(ids)
    return json.loads(tokenizer().decode(ids))


def follows(value: Any, schema: Schema) -> bool:
    """Whether `value` is as `schema` says, for the keywords of the schemas below."""
    match schema:
        case {"anyOf": members}:
            return any(follows(value, member) for member in members)
        case {"enum": values}:
            return any(type(value) is type(item) and value == item for item in values)
        case {"type": "object", "properties": properties, "required": required}:
            return (
                isinstance(value, dict)
                and set(required) <= set(value) <= set(properties)
                and all(follows(item, properties[name]) for name, item in value.items())
            )
        case {"type": "array", "items": items, "minItems": least, "maxItems": most}:
            return (
                isinstance(value, list)
                and least <= len(value) <= most
                and all(follows(item, items) for item in value)
            )
        case {"type": "integer", "minimum": least, "maximum": most}:
            return type(value) is int and least <= value <= most
        case {"type": "string", "maxLength": most}:
            return isinstance(value, str) and len(value) <= most
        case {"type": "boolean"}:
            return isinstance(value, bool)
    raise AssertionError(schema)


def objects(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    names = st.text(string.ascii_letters + ' "\\é{', min_size=1, max_size=6)

    def schema(properties: dict[str, Schema], optional: set[int]) -> Schema:
        required = [name for index, name in enumerate(properties) if index not in optional]
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }

    chosen = st.dictionaries(names, inner, max_size=3)
    return st.builds(schema, chosen, st.sets(st.integers(0, 2)))


SCHEMAS = st.recursive(
    st.one_of(
        st.just({"type": "boolean"}),
        st.builds(lambda most: {"type": "string", "maxLength": most}, st.integers(0, 20)),
        st.builds(
            lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
            st.integers(-1000, 1000),
            st.integers(0, 100),
        ),
        st.builds(
            lambda values: {"enum": values},
            st.lists(st.one_of(st.none(), st.booleans(), st.text(max_size=5)), min_size=1),
        ),
    ),
    lambda inner: st.one_of(
        objects(inner),
        st.builds(
            lambda items, least, more: {
                "type": "array",
                "items": items,
                "minItems": least,
                "maxItems": least + more,
            },
            inner,
            st.integers(0, 2),
            st.integers(0, 2),
        ),
        st.builds(lambda members: {"anyOf": members}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(SCHEMAS, st.integers(0, 2**32))
def test_every_answer_follows_its_schema(schema: Schema, seed: int) -> None:
    value = whole(schema, seed)
    assert follows(value, schema), value


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_any_json_and_any_object(seed: int) -> None:
    whole({}, seed)
    assert isinstance(whole({"type": "object"}, seed), dict)


def test_end_tokens_are_allowed_exactly_where_the_answer_may_end() -> None:
    matcher = grammars().matcher('{"enum": ["ab", 12]}', ENDS)
    logits = torch.zeros(VOCAB)
    for token in tokenizer().encode_text('"ab"'):
        assert not matcher.accepting
        assert not matcher.finished
        masked = matcher.mask(logits)
        assert masked[token] == 0
        assert all(masked[end] == -torch.inf for end in ENDS)
        matcher.advance(token)
    assert matcher.accepting
    assert matcher.finished
    assert {int(number) for number in matcher.mask(logits).isfinite().nonzero()} == ENDS


def test_a_number_may_end_or_go_on() -> None:
    matcher = grammars().matcher('{"type": "integer"}', ENDS)
    (digit,) = tokenizer().encode_text("4")
    matcher.advance(digit)
    assert matcher.accepting
    assert not matcher.finished
    masked = matcher.mask(torch.zeros(VOCAB))
    assert masked[digit] == 0
    assert all(masked[end] == 0 for end in ENDS)


def test_what_is_no_token_and_what_is_no_text_is_never_allowed() -> None:
    masked = grammars().matcher("{}", ENDS).mask(torch.zeros(VOCAB))
    assert not masked[8192:].isfinite().any()
    assert not masked[list(tokenizer().control_ids)].isfinite().any()


def test_a_token_that_is_not_allowed_is_refused() -> None:
    matcher = grammars().matcher('{"type": "boolean"}', ENDS)
    with pytest.raises(AssistantError, match="left the JSON schema"):
        matcher.advance(tokenizer().encode_text("x")[0])


def test_a_control_token_that_the_vocabulary_calls_text_is_no_text() -> None:
    fast = byte_level().fast
    fast.add_tokens(["<|mine|>"])
    own = TextTokenizer(fast, bos=byte_level().bos, eos=byte_level().eos)
    matcher = Grammars(own, fast.get_vocab_size()).matcher('{"type": "string"}', frozenset({0}))
    matcher.advance(own.encode_text('"')[0])
    masked = matcher.mask(torch.zeros(fast.get_vocab_size()))
    assert masked[own.encode_text("x")[0]] == 0
    assert masked[fast.token_to_id("<|mine|>")] == -torch.inf


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("nope", "not valid JSON"),
        ("[]", "must be an object"),
        ('{"a": ' + "[" * 99 + "]" * 99 + "}", "64 levels deep"),
        ('{"const": "' + "x" * 100_001 + '"}', "longer than 100,000"),
        ('{"type": "strin"}', r"at \$: Invalid type: strin"),
        ('{"properties": {"a": {"items": {"type": "x"}}}}', r"at \$\.properties\.a\.items: Inval"),
        ('{"anyOf": [{}, {"not": {}}]}', r"at \$\.anyOf\[1\]: Unimplemented keys"),
        ('{"$defs": {"d": {"type": 5}}, "items": {"$ref": "#/$defs/d"}}', r"at \$\.\$defs\.d: "),
        ('{"items": {"type": "string", "pattern": "(?=a)"}}', r"at \$\.items: .*look-ahead"),
        ('{"oneOf": [{"type": "integer"}, {"type": "number"}]}', "use anyOf"),
        ('{"x-guidance": {"lenient": true}, "not": {}}', "Unimplemented keys"),
    ],
)
def test_a_schema_that_cannot_be_followed_is_refused_with_the_place(schema: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        grammars().matcher(schema, ENDS)
    assert "\n" not in str(error.value)
