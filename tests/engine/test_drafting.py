"""What is guessed is what stood there before, and guesses that fail become few."""

from hypothesis import given
from hypothesis import strategies as st

from assistant.engine.drafting import LookUp

TOKENS = st.lists(st.integers(1, 4), max_size=60)


@given(TOKENS, st.lists(st.tuples(TOKENS, st.integers(0, 20)), max_size=6))
def test_a_guess_follows_an_earlier_place_that_reads_the_same(
    ids: list[int], steps: list[tuple[list[int], int]]
) -> None:
    drafter, text = LookUp(), list(ids)
    for added, most in steps:
        text += added
        guess = drafter.guess(text, most)
        assert len(guess) <= most
        if guess:
            end = text[-2:]
            places = range(2, len(text))
            assert any(
                text[place - 2 : place] == end and text[place : place + len(guess)] == guess
                for place in places
            )


def test_a_repeated_text_is_guessed_in_ever_longer_pieces() -> None:
    text = [place * 37 % 1009 for place in range(100)]
    drafter, made = LookUp(), text[:5]
    sizes = []
    while len(made) < 60:
        guess = drafter.guess([*text, *made], 64)
        assert guess == text[len(made) : len(made) + len(guess)]
        drafter.learn_outcome(len(guess), len(guess))
        made = text[: len(made) + len(guess) + 1]
        sizes.append(len(guess))
    assert sizes[:-1] == sorted(sizes[:-1])  # the last one ends with the text
    assert sizes[-2] > sizes[0]


def test_guesses_that_were_wrong_half_way_become_shorter() -> None:
    text = [place * 37 % 1009 for place in range(100)]
    drafter = LookUp()
    first = drafter.guess([*text, *text[:5]], 64)
    drafter.learn_outcome(len(first), 1)
    drafter.learn_outcome(len(first), 0)
    assert len(drafter.guess([*text, *text[:6]], 64)) < len(first)


def test_nothing_is_guessed_where_nothing_repeats() -> None:
    drafter = LookUp()
    assert all(not drafter.guess(range(length), 8) for length in range(1, 50))


def test_guesses_that_are_always_wrong_come_seldom() -> None:
    drafter, text = LookUp(), [1, 2, 3]
    guesses = 0
    for number in range(400):
        # The same two tokens again and again, and each time something new behind them.
        text += [1, 2, 100 + number]
        for place in range(len(text) - 2, len(text) + 1):
            guess = drafter.guess(text[:place], 8)
            guesses += bool(guess)
            drafter.learn_outcome(len(guess), 0)
    assert 0 < guesses < 60
