"""How the model server stands beside what else runs on the machine."""

from assistant.turns import step_back, take_turns_of

NICE = 3
_TURN = 5.0
"""Milliseconds: longer than anybody's whose turns are as the system gives them, or a language
server's, and so each goes first when it wakes."""
_COMPUTING_TURN = 20.0
"""Longer than the server's own: what has been computed is sent while the next is computed."""


def stand_back() -> None:
    """Let others go first where all want to compute: what people type into, before anything else.

    A session that steps back comes behind background work of others too, however far back that
    stands in theirs. Beside one that computes on both of two processors the starter writes at about
    0.7 to 0.9 of its speed there with 3, at a third with 5 and at a twelfth with 10.
    """
    step_back(NICE)
    take_turns_of(_TURN)


def compute_in_long_turns() -> None:
    """Let this thread, and those it will start, compute for long, and all others go first.

    A server of which one thread is as any other waits for its own engine before it can send a
    piece: on two processors for 2 milliseconds in the median, and for 7 one time in ten.
    """
    take_turns_of(_COMPUTING_TURN)
