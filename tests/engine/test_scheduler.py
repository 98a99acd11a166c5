"""Who goes first, and that nobody is forgotten."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.engine.requests import Job, Priority
from assistant.engine.scheduler import CHATS_EVERY, Limits, Scheduler, Turn

LIMITS = Limits(together=4, chunk=16, checked=8)


@dataclass(eq=False)
class Request:
    """As much of a request as the scheduler looks at, with so many tokens to read and to make."""

    name: str
    prompt: int = 16
    answer: int = 4
    priority: Priority = Priority.CHAT
    client: str = "somebody"
    job: Job = field(init=False)

    def __post_init__(self) -> None:
        self.job = Job(priority=self.priority, client=self.client)

    @property
    def reading(self) -> bool:
        return self.prompt > 0

    def advance(self, tokens: int) -> None:
        if self.reading:
            self.prompt = max(0, self.prompt - tokens)
        else:
            self.answer -= 1


def new(*requests: Request) -> Scheduler[Request]:
    scheduler: Scheduler[Request] = Scheduler(LIMITS)
    for request in requests:
        scheduler.add(request)
    while scheduler.admit() is not None:
        pass
    return scheduler


def names(turns: list[Turn[Request]]) -> list[str]:
    return [turn.request.name for turn in turns]


def chat(name: str, client: str = "somebody", prompt: int = 0) -> Request:
    return Request(name, prompt, client=client)


def test_a_cursor_is_read_alone_and_at_once_however_many_chats_there_are() -> None:
    scheduler = new(*(chat(str(number)) for number in range(4)))
    assert len(scheduler.turns()) == 4
    scheduler.add(Request("cursor", 40, priority=Priority.COMPLETION))
    assert scheduler.admit() is not None
    assert names(scheduler.turns()) == ["cursor"]


def test_chats_go_on_now_and_then_while_completions_are_made() -> None:
    cursor = Request("cursor", 0, priority=Priority.COMPLETION)
    scheduler = new(chat("chat"), cursor)
    together = [len(scheduler.turns()) for _ in range(2 * CHATS_EVERY)]
    assert together.count(2) == 2 and together.count(1) == 2 * (CHATS_EVERY - 1)


def test_nobody_makes_batch_work_while_people_wait() -> None:
    batch, person = Request("batch", 0, priority=Priority.BATCH), chat("chat")
    scheduler = new(batch, person)
    assert names(scheduler.turns()) == ["chat"]
    scheduler.remove(person)
    assert names(scheduler.turns()) == ["batch"]


def test_batch_work_takes_no_place_from_people() -> None:
    batches = (Request(str(number), priority=Priority.BATCH) for number in range(6))
    scheduler = new(*batches)
    assert len(scheduler.running) == LIMITS.together
    scheduler.add(chat("chat"))
    assert scheduler.admit() is not None


def test_the_client_with_the_fewest_answers_gets_the_next_place() -> None:
    scheduler = new(*(chat(f"many {number}", "many") for number in range(8)), chat("one", "few"))
    assert "one" in [request.name for request in scheduler.running]
    scheduler.add(chat("two", "few"))
    scheduler.remove(next(one for one in scheduler.running if one.client == "many"))
    admitted = scheduler.admit()
    assert admitted is not None and admitted.name == "two"


def test_one_prompt_is_read_at_a_time_and_answers_go_on_beside_it() -> None:
    scheduler = new(chat("first", prompt=40), chat("second", prompt=8), chat("answer"))
    turns = scheduler.turns()
    assert names(turns) == ["first", "answer"]
    assert [turn.tokens for turn in turns] == [LIMITS.chunk, 1]


def test_guesses_are_for_those_who_are_few() -> None:
    assert [turn.tokens for turn in new(chat("alone")).turns()] == [LIMITS.checked]
    four = new(*(chat(str(number)) for number in range(4)))
    assert {turn.tokens for turn in four.turns()} == {LIMITS.checked // 4}


REQUESTS = st.builds(
    Request,
    name=st.just("one of many"),
    prompt=st.integers(0, 50),
    answer=st.integers(1, 6),
    priority=st.sampled_from(Priority),
    client=st.sampled_from(["one", "two"]),
)


@given(st.lists(st.lists(REQUESTS, max_size=4), max_size=12))
@settings(deadline=None)
def test_everything_that_comes_is_done(waves: list[list[Request]]) -> None:
    """In every pass somebody advances, and never more than the limits say."""
    scheduler: Scheduler[Request] = Scheduler(LIMITS)
    left = sum(map(len, waves))
    arrivals = iter(waves)
    for _ in range(2000):
        for request in next(arrivals, ()):
            scheduler.add(request)
        while scheduler.admit() is not None:
            pass
        people = [one for one in scheduler.running if one.priority is Priority.CHAT]
        assert len(people) <= LIMITS.together
        turns = scheduler.turns()
        assert bool(turns) == bool(scheduler.running)
        for turn in turns:
            turn.request.advance(turn.tokens)
            if turn.request.answer == 0:
                scheduler.remove(turn.request)
                left -= 1
    assert left == 0 and len(scheduler) == 0
