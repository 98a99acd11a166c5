"""The engine as its users see it: streaming, ends, seeds, cancelling, usage, several threads."""

import gc
import queue
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
import torch

from assistant.engine.engine import Engine
from assistant.engine.load import LoadedModel
from assistant.engine.parts import Part
from assistant.engine.requests import Chunk, Job, Priority, Usage
from assistant.engine.scheduler import Limits
from assistant.errors import AssistantError, Cancelled, PromptError
from assistant.messages import CompletionRequest, Conversation, Message, SamplingParams
from assistant.prompts import Prompt
from tests.engine.tiny import CONTEXT, CORPUS

REQUEST = CompletionRequest("def add(first, second):\n    return ", "\n")
QUOTE = "a message that quotes the words of the user"
CONVERSATION = Conversation((Message("user", "What is a point?"),))


def text_of(chunks: Iterator[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def usage_of(chunks: Iterator[Chunk]) -> Usage:
    last = list(chunks)[-1]
    assert last.usage is not None
    return last.usage


def greedy(count: int = 16, *, stop: tuple[str, ...] = ()) -> SamplingParams:
    return SamplingParams(max_tokens=count, stop=stop)


def endless(engine: Engine, request: CompletionRequest = REQUEST) -> Prompt:
    """A prompt whose answer no token ends."""
    return Prompt(engine.loaded.renderer.complete(request).ids, frozenset())


def test_the_last_chunk_alone_says_how_it_ended(engine: Engine) -> None:
    chunks = list(engine.generate(endless(engine), greedy(10)))
    assert len(chunks) > 2
    assert all(chunk.finish is None and chunk.usage is None for chunk in chunks[:-1])
    assert all(chunk.text for chunk in chunks[:-1])
    assert chunks[-1].finish == "length"
    usage = chunks[-1].usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.cached_tokens) == (len(endless(engine).ids), 0)
    assert usage.completion_tokens == 10


def test_chat_and_complete_answer(engine: Engine) -> None:
    for chunks in (engine.chat(CONVERSATION, greedy()), engine.complete(REQUEST, greedy())):
        found = list(chunks)
        assert found[-1].finish in ("stop", "length")
        assert "".join(chunk.text for chunk in found)


def test_an_end_token_ends_the_answer_and_gives_no_text(engine: Engine) -> None:
    prompt = endless(engine)
    whole = text_of(engine.generate(prompt, greedy()))
    model, ids = engine.loaded.model, torch.tensor([prompt.ids])
    tokens = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=16,
        do_sample=False,
        eos_token_id=None,
    )[0, len(prompt.ids) :].tolist()
    end = tokens[8]
    chunks = list(engine.generate(Prompt(prompt.ids, frozenset({end})), greedy()))
    assert chunks[-1].finish == "stop"
    text = "".join(chunk.text for chunk in chunks)
    assert text == engine.loaded.renderer.tokenizer.decode(tokens[: tokens.index(end)])
    assert whole.startswith(text.rstrip("\ufffd"))
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == tokens.index(end) + 1


def test_a_stop_string_ends_the_answer_and_is_not_part_of_it(engine: Engine) -> None:
    prompt = endless(engine)
    whole = text_of(engine.generate(prompt, greedy(24)))
    for start in range(2, 12):
        stop = whole[start : start + 3]
        chunks = list(engine.generate(prompt, greedy(24, stop=("never there", stop))))
        assert "".join(chunk.text for chunk in chunks) == whole[: whole.index(stop)]
        assert chunks[-1].finish == "stop"
        assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens <= 24


def test_a_formats_own_stop_strings_count(engine: Engine) -> None:
    prompt = endless(engine)
    whole = text_of(engine.generate(prompt, greedy(24)))
    stopped = Prompt(prompt.ids, frozenset(), stop=(whole[5:8],))
    assert text_of(engine.generate(stopped, greedy(24))) == whole[: whole.index(whole[5:8])]


def test_the_same_seed_gives_the_same_text(engine: Engine) -> None:
    def sample(seed: int | None) -> str:
        params = SamplingParams(max_tokens=24, temperature=1.5, top_p=0.95, seed=seed)
        return text_of(engine.generate(endless(engine), params))

    first = sample(1)
    torch.manual_seed(123)
    assert sample(1) == first
    assert sample(2) != first
    assert sample(None) != sample(None)


def test_earlier_requests_are_reused_and_reported(engine: Engine) -> None:
    text = CORPUS[1]
    first = usage_of(engine.generate(endless(engine, CompletionRequest(text)), greedy(4)))
    again = usage_of(engine.generate(endless(engine, CompletionRequest(text)), greedy(4)))
    longer = CompletionRequest(text + "    def norm(self):")
    typed = usage_of(engine.generate(endless(engine, longer), greedy(4)))
    assert first.cached_tokens == 0
    assert again.cached_tokens == again.prompt_tokens - 1
    # Behind the file's beginning stand the token that asks for the middle, and the old answer.
    assert first.prompt_tokens - 3 <= typed.cached_tokens < first.prompt_tokens
    engine.forget()
    assert usage_of(engine.generate(endless(engine, longer), greedy(4))).cached_tokens == 0


def test_a_conversation_that_goes_on_computes_its_new_turn_alone(engine: Engine) -> None:
    answer = text_of(engine.chat(CONVERSATION, greedy(8)))
    follow_up = (*CONVERSATION.messages, Message("assistant", answer), Message("user", "Why?"))
    usage = usage_of(engine.chat(Conversation(follow_up), greedy(8)))
    assert usage.cached_tokens >= len(engine.loaded.renderer.chat(CONVERSATION).ids) - 1


def test_a_prompt_too_long_for_the_context_is_refused_with_the_figures(engine: Engine) -> None:
    long = Conversation((Message("user", "many words " * 300),))
    tokens = len(engine.loaded.renderer.chat(long).ids)
    expected = rf"has {tokens} tokens .* at most {CONTEXT}: shorten it by {tokens - CONTEXT + 1}"
    with pytest.raises(PromptError, match=expected):
        engine.chat(long, greedy())


def test_the_context_ends_an_answer(engine: Engine) -> None:
    prompt = Prompt(tuple(range(8, 8 + 100)) * 5, frozenset())
    chunks = list(engine.generate(prompt, greedy(10_000)))
    assert chunks[-1].finish == "length"
    usage = chunks[-1].usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (500, CONTEXT - 500)


def test_an_empty_prompt_is_refused(engine: Engine) -> None:
    with pytest.raises(PromptError, match="empty"):
        engine.generate(Prompt((), frozenset()), greedy())


def test_cancelling_ends_an_answer_and_keeps_what_was_computed(engine: Engine) -> None:
    job = Job()
    prompt = endless(engine)
    chunks = engine.generate(prompt, greedy(400), job)
    next(chunks)
    job.cancel.cancel()
    with pytest.raises(Cancelled):
        list(chunks)
    usage = usage_of(engine.generate(prompt, greedy(2)))
    assert usage.cached_tokens == len(prompt.ids) - 1


def test_a_prompt_is_read_in_chunks_between_which_it_can_be_cancelled(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = Prompt(tuple(range(8, 208)), frozenset())
    whole = text_of(Engine(loaded).generate(prompt, greedy(8)))
    monkeypatch.setattr("assistant.engine.engine._limits", lambda _: Limits(4, 32, 8))
    engine = Engine(loaded)
    job = Job()
    read: list[int] = []
    forward = engine._runner.forward

    def cancel_later(parts: Sequence[Part], *_: object) -> list[torch.Tensor]:
        read.extend(len(part.ids) for part in parts)
        if len(read) == 3:
            job.cancel.cancel()
        return forward(parts)

    monkeypatch.setattr(engine._runner, "forward", cancel_later)
    with pytest.raises(Cancelled):
        list(engine.generate(prompt, greedy(2), job))
    assert read == [32, 32, 32]
    warm = list(engine.generate(prompt, greedy(8)))
    assert warm[-1].usage is not None and warm[-1].usage.cached_tokens == 96
    assert text_of(iter(warm)) == whole


def test_closing_an_answer_ends_it(engine: Engine) -> None:
    chunks = engine.generate(endless(engine), greedy(400))
    next(chunks)
    getattr(chunks, "close")()  # noqa: B009 - an iterator by contract, a generator in fact
    wait_queued(engine, 0)
    assert usage_of(engine.generate(endless(engine), greedy(2))).cached_tokens > 0


def wait_queued(engine: Engine, count: int) -> None:
    """Wait until so many requests are at the engine."""
    while engine.queued != count:
        threading.Event().wait(0.001)


def test_requests_of_several_threads_are_answered_as_if_alone(engine: Engine) -> None:
    requests = [CompletionRequest(text) for text in CORPUS]
    alone = [text_of(Engine(engine.loaded).complete(request, greedy(8))) for request in requests]
    answers: dict[int, str] = {}

    def ask(number: int) -> None:
        answers[number] = text_of(engine.complete(requests[number], greedy(8)))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [answers[number] for number in range(len(requests))] == alone


def test_running_out_of_memory_is_said_in_one_line(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(engine._runner, "forward", full)
        with pytest.raises(AssistantError, match=r"ran out of memory on cpu at \d+ tokens"):
            list(engine.generate(endless(engine), greedy()))
    assert text_of(engine.generate(endless(engine), greedy()))


def test_a_failure_in_a_pass_is_told_and_spares_later_requests(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = text_of(engine.generate(endless(engine), greedy()))
    engine.forget()
    forward = engine._runner.forward

    def broken(parts: Sequence[Part], *_: object) -> list[torch.Tensor]:
        forward(parts)
        raise RuntimeError(QUOTE)

    with monkeypatch.context() as patch:
        patch.setattr(engine._runner, "forward", broken)
        with pytest.raises(RuntimeError):
            list(engine.generate(endless(engine), greedy()))
    assert "RuntimeError" in caplog.text and QUOTE not in caplog.text
    assert text_of(engine.generate(endless(engine), greedy())) == before


def test_a_cursor_does_not_wait_for_a_long_prompt_to_be_read(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    long, short = Prompt(tuple(range(8, 408)), frozenset()), endless(Engine(loaded))
    alone = [text_of(Engine(loaded).generate(prompt, greedy(6))) for prompt in (long, short)]
    engine = Engine(loaded)
    order: list[str] = []
    answers: list[queue.SimpleQueue[Chunk | Exception]] = [queue.SimpleQueue() for _ in "ab"]
    reading = threading.Event()
    forward = engine._runner.forward

    def watched(
        parts: Sequence[Part], interrupt: Callable[[], bool] | None = None
    ) -> list[torch.Tensor]:
        if len(parts[0].ids) == 400 and not reading.is_set():
            reading.set()
            wait_queued(engine, 2)
        logits = forward(parts, interrupt)
        order.append("long" if parts[0].ids[0] in long.ids[:1] else "short")
        return logits

    monkeypatch.setattr(engine._runner, "forward", watched)
    engine.submit(long, greedy(6), Job(), answers[0].put)
    reading.wait(5)
    engine.submit(short, greedy(6), Job(priority=Priority.COMPLETION), answers[1].put)
    texts = ["".join(piece.text for piece in until_end(answer)) for answer in answers]
    assert texts == alone
    assert order[:5] == ["short"] * 5


def until_end(pieces: "queue.SimpleQueue[Chunk | Exception]") -> Iterator[Chunk]:
    while True:
        piece = pieces.get(timeout=30)
        assert isinstance(piece, Chunk), piece
        yield piece
        if piece.finish is not None:
            return


def test_a_closed_engine_cancels_what_runs_and_takes_nothing_more(engine: Engine) -> None:
    chunks = engine.generate(endless(engine), greedy(400))
    next(chunks)
    engine.close()
    with pytest.raises(Cancelled):
        list(chunks)
    with pytest.raises(Cancelled, match="closed"):
        engine.generate(endless(engine), greedy(2))


def test_an_engine_that_nobody_uses_ends_its_thread(loaded: LoadedModel) -> None:
    engine = Engine(loaded)
    thread = engine._loop.thread
    assert text_of(engine.generate(endless(engine), greedy(2)))
    del engine
    gc.collect()
    thread.join(5)
    assert not thread.is_alive()


def test_consumers_of_an_answer_are_not_in_inference_mode(engine: Engine) -> None:
    for _ in engine.generate(endless(engine), greedy(3)):
        assert not torch.is_inference_mode_enabled()
