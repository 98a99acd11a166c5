"""Runs are followed until the app ends, whatever happens in that moment."""

import asyncio

from assistant_tui.training.following import Following, Seen


async def test_it_ends_though_it_is_to_look_again_in_that_moment() -> None:
    seen = asyncio.Queue[Seen]()
    following = Following(seen.put_nowait)
    following.begin()
    assert await seen.get() == Seen()
    await asyncio.sleep(0)  # it waits for its next look by now
    following.ask_again()
    async with asyncio.timeout(10):
        await following.aclose()
