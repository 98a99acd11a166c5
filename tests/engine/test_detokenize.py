"""Against real tokenizers: byte-level BPE as in Llama 3, and sentencepiece's form as in Llama 2."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from assistant.engine.detokenize import Detokenizer
from assistant.prompts import TextTokenizer
from tests.engine.tiny import CORPUS

END = "</s>"


def byte_level() -> TextTokenizer:
    fast = Tokenizer(BPE())
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(
        vocab_size=320, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    fast.train_from_iterator(CORPUS, trainer)
    return TextTokenizer(fast, eos=END)


def sentencepiece() -> TextTokenizer:
    """With byte fallback, a space before the first word, and the decoder that takes it away."""
    characters = sorted({c for text in CORPUS for c in text if c.isascii() and c not in " \n"})
    names = ["<unk>", END, *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *characters]
    words = [("r", "e"), ("▁", "re"), ("t", "u"), ("▁re", "tu"), ("▁", "a")]
    names += [left + right for left, right in words]
    vocabulary = {name: number for number, name in enumerate(names)}
    fast = Tokenizer(BPE(vocabulary, words, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    fast.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    fast.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    fast.add_special_tokens([AddedToken("<unk>", special=True), AddedToken(END, special=True)])
    return TextTokenizer(fast, eos=END)


TOKENIZERS = {"byte-level": byte_level(), "sentencepiece": sentencepiece()}
BOTH = pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS.keys())
TEXTS = st.text(alphabet=st.sampled_from([*"reta b\n", "é", "好", "🙂", "\u200d"]), max_size=20)


def pieces_of(tokenizer: TextTokenizer, ids: list[int]) -> list[str]:
    detokenizer = Detokenizer(tokenizer)
    return [*map(detokenizer.push, ids), detokenizer.finish()]


@BOTH
@given(TEXTS)
@settings(max_examples=200)
def test_the_pieces_of_a_text_are_the_text(tokenizer: TextTokenizer, text: str) -> None:
    pieces = pieces_of(tokenizer, tokenizer.encode_text(text))
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)


@given(st.lists(st.integers(0, 319), max_size=20))
@settings(max_examples=300)
def test_any_tokens_give_what_decoding_all_at_once_gives(ids: list[int]) -> None:
    tokenizer = TOKENIZERS["byte-level"]
    assert "".join(pieces_of(tokenizer, ids)) == tokenizer.decode(ids)


@given(st.lists(st.integers(0, 300), max_size=20))
@settings(max_examples=300)
def test_broken_bytes_do_not_spoil_the_characters_before_them(ids: list[int]) -> None:
    tokenizer = TOKENIZERS["sentencepiece"]
    text = "".join(pieces_of(tokenizer, [*tokenizer.encode_text("好"), *ids]))
    assert text.startswith("好")


@BOTH
def test_the_pieces_go_on_from_the_prompts_end(tokenizer: TextTokenizer) -> None:
    prompt, answer = tokenizer.encode_text("ret"), tokenizer.encode_text(" return a")
    whole = tokenizer.decode([*prompt, *answer])
    assert "".join(pieces_of(tokenizer, answer)) == whole.removeprefix("ret")


@BOTH
def test_a_character_comes_out_whole_and_as_soon_as_it_is(tokenizer: TextTokenizer) -> None:
    ids = tokenizer.encode_text("a🙂")
    pieces = pieces_of(tokenizer, ids)
    assert len(ids) > 2 and pieces[-2] == "🙂" and pieces[-1] == ""


@BOTH
def test_an_unfinished_character_comes_out_as_replacement_at_the_end(
    tokenizer: TextTokenizer,
) -> None:
    ids = tokenizer.encode_text("a🙂")[:-1]
    assert "".join(pieces_of(tokenizer, ids)).rstrip("\ufffd") == "a"


@BOTH
def test_control_tokens_give_no_text(tokenizer: TextTokenizer) -> None:
    end = tokenizer.token_id(END)
    assert end is not None
    letters = tokenizer.encode_text("rt")
    assert "".join(pieces_of(tokenizer, [end, *letters, end])) == "rt"


@BOTH
def test_one_space_at_the_beginning_can_be_dropped(tokenizer: TextTokenizer) -> None:
    def dropped(text: str) -> str:
        detokenizer = Detokenizer(tokenizer, drop_space=True)
        ids = tokenizer.encode_text(text)
        return "".join([*map(detokenizer.push, ids), detokenizer.finish()])

    assert dropped(" return") == "return"
    assert dropped("  return") == " return"
    assert dropped("re a") == "re a"
