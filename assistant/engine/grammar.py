"""Answers that follow a JSON schema: which tokens may come next.

The grammar is llguidance's, which walks the vocabulary's bytes beside a parser of JSON. What is
added here is what belongs to this program: an answer may begin with the space that some chat
formats end a turn with, control tokens are never text, the prompt's own end tokens end the answer
exactly where the JSON may end, and a schema that cannot be followed is refused with the place.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy
import torch
from llguidance import LLMatcher, LLParserLimits, LLTokenizer

from assistant.engine.folder import reason
from assistant.errors import AssistantError, UsageError
from assistant.prompts import TextTokenizer
from assistant.prompts.segments import EOS

_MAX_SCHEMA = 100_000
"""Characters of a schema."""
_MAX_DEPTH = 64
# Between two parts of JSON: enough to be legible, and too little for a weak model to get lost in.
_WHITESPACE = r"\n[ \t]{0,40}|[ \t]{1,4}"
_LIMITS = LLParserLimits(verbose_errors=False)
# Definitions first: what is wrong in one of them is wrong wherever it is used.
_NAMED = ("$defs", "definitions", "properties", "patternProperties")
_LISTED = ("anyOf", "allOf", "oneOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "additionalItems")
_DEFINITIONS = ("$defs", "definitions", "$schema", "$id")


class Matcher:
    """How far one answer has come, and what may stand next in it."""

    def __init__(self, parser: LLMatcher, banned: torch.Tensor, end_ids: frozenset[int]) -> None:
        """`banned` [vocab], true for tokens that are never text; `end_ids` end the answer."""
        self._parser = parser
        self._banned = banned
        self._end_ids = [number for number in sorted(end_ids) if number < len(banned)]

    def mask(self, logits: torch.Tensor) -> torch.Tensor:
        """The logits of the next token [vocab], those that may not stand here at -inf.

        Raises AssistantError when the grammar has become too large to be followed.
        """
        allowed = self._allowed().to(logits.device)
        return logits.masked_fill(~allowed, float("-inf"))

    def advance(self, token: int) -> None:
        """Take the token that was chosen. Raises AssistantError when it was not allowed."""
        if token in self._end_ids:
            return
        if not self._parser.consume_token(token):
            raise AssistantError("the answer has left the JSON schema that it was to follow")

    @property
    def accepting(self) -> bool:
        """Whether the answer may end here."""
        return self._parser.is_accepting()

    @property
    def finished(self) -> bool:
        """Whether the answer is complete: nothing but an end token may follow."""
        return self._parser.is_stopped() and not self._parser.is_error()

    def _allowed(self) -> torch.Tensor:
        """A truth value for each token of the vocabulary: [vocab], on the CPU."""
        allowed = torch.zeros(len(self._banned), dtype=torch.bool)
        if not self.finished:
            bits = numpy.frombuffer(self._parser.compute_bitmask(), dtype=numpy.uint8)
            if self._parser.is_error():
                message = "this JSON schema has become too complex to follow: simplify it"
                raise AssistantError(message)
            unpacked = numpy.unpackbits(bits, bitorder="little")[: len(allowed)]
            allowed = torch.from_numpy(unpacked).to(torch.bool) & ~self._banned
        allowed[self._end_ids] = self.accepting
        return allowed


class Grammars:
    """Makes matchers for one tokenizer. Making one takes a moment; matchers are cheap."""

    def __init__(self, tokenizer: TextTokenizer, vocab: int) -> None:
        """`vocab` is how many logits the model gives, often more than the tokenizer has tokens.

        Raises AssistantError for a tokenizer of a kind that llguidance does not know.
        """
        fast = type(tokenizer.fast).from_str(tokenizer.fast.to_str())
        fast.no_padding()
        fast.no_truncation()
        # The library wants a token that ends texts. It is never used as one: formats differ in
        # how an answer ends, and the prompt says it.
        end = tokenizer.token_id(EOS)
        if end is None:
            end = min(tokenizer.control_ids, default=None)
        if end is None:
            raise AssistantError("this model cannot be held to a JSON schema: it has no end token")
        size = max(vocab, fast.get_vocab_size(with_added_tokens=True))
        try:
            self._tokens = LLTokenizer(fast.to_str(), n_vocab=size, eos_token=end)
        except ValueError as error:
            message = f"this model's tokenizer cannot be held to a JSON schema: {reason(error)}"
            raise AssistantError(message) from error
        self._banned = torch.zeros(vocab, dtype=torch.bool)
        self._banned[[number for number in (*tokenizer.control_ids, end) if number < vocab]] = True

    def matcher(self, schema: str, end_ids: frozenset[int]) -> Matcher:
        """What follows `schema`, a JSON schema as JSON, and then ends with one of `end_ids`.

        Raises UsageError with the place when the schema is wrong, or more than can be followed.
        """
        rules = _parsed(schema)
        # A schema may carry options of the library's own; none of them is the client's to set.
        options = {**rules, "x-guidance": {"whitespace_pattern": _WHITESPACE}}
        lark = f'start: " "? answer\nanswer: %json {json.dumps(options)}\n'
        parser = self._parser(LLMatcher.grammar_from_lark(lark))
        if parser.is_error():
            raise UsageError(self._problem(rules, parser.get_error()))
        return Matcher(parser, self._banned, end_ids)

    def _parser(self, grammar: str) -> LLMatcher:
        return LLMatcher(self._tokens, grammar, log_level=0, limits=_LIMITS)

    def _problem(self, rules: dict[str, Any], error: str) -> str:
        """The innermost part of the schema that is wrong by itself, and what is wrong with it."""
        definitions = {name: rules[name] for name in _DEFINITIONS if name in rules}
        place = "$"
        wrong: tuple[tuple[str, Any], ...] = (("", rules),)
        while wrong:
            path, part = wrong[0]
            place += path
            error = self._error(definitions, part) or error
            wrong = tuple(
                (path, inner) for path, inner in _parts(part) if self._error(definitions, inner)
            )
        return f"the JSON schema cannot be followed at {place}: {reason(Exception(error))}"

    def _error(self, definitions: Mapping[str, Any], part: Any) -> str:
        """What is wrong with a part of a schema; empty where nothing is."""
        alone = {**definitions, **part, "x-guidance": {}} if isinstance(part, Mapping) else part
        try:
            grammar = LLMatcher.grammar_from_json_schema(json.dumps(alone))
        except ValueError as problem:
            return str(problem)
        error: str = self._parser(grammar).get_error()
        if error.startswith("oneOf"):
            return "oneOf is followed only where no value fits two of its members: use anyOf"
        return error


def _parsed(schema: str) -> Any:
    if len(schema) > _MAX_SCHEMA:
        raise UsageError(f"the JSON schema is longer than {_MAX_SCHEMA:,} characters")
    try:
        rules = json.loads(schema)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the JSON schema is not valid JSON: {reason(error)}") from error
    if not isinstance(rules, dict):
        raise UsageError("the JSON schema must be an object")
    if _deeper(rules, _MAX_DEPTH):
        raise UsageError(f"the JSON schema is nested more than {_MAX_DEPTH} levels deep")
    return rules


def _deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(item, levels - 1) for item in inner)


def _parts(rules: Any) -> Iterator[tuple[str, Any]]:
    """The schemas right inside a schema, each with its path from there."""
    if not isinstance(rules, Mapping):
        return
    for keyword in _NAMED:
        inner = rules.get(keyword)
        if isinstance(inner, Mapping):
            yield from ((f".{keyword}.{name}", value) for name, value in inner.items())
    for keyword in _LISTED:
        inner = rules.get(keyword)
        if isinstance(inner, list):
            yield from ((f".{keyword}[{index}]", value) for index, value in enumerate(inner))
    for keyword in _SINGLE:
        if isinstance(rules.get(keyword), Mapping):
            yield f".{keyword}", rules[keyword]
