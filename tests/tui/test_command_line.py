"""The assistant's own commands, asked, read line by line, and begun to go on by themselves."""

import asyncio
import os
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from assistant.errors import AssistantError
from assistant_tui.command_line import (
    answer_of,
    begin,
    done,
    failure_in,
    last_words,
    lines_of,
)
from tests.tui.training_room import SLOW, measured, run_folder


async def test_an_answer_and_why_there_is_none() -> None:
    run_folder("mine", measured(3, 4))
    (run,) = await answer_of("finetune", "--runs")
    assert (run["name"], run["step"]) == ("mine", 3)
    with pytest.raises(AssistantError, match=r"^no run is called yours: there are mine$"):
        await answer_of("finetune", "--watch", "yours")
    with pytest.raises(AssistantError, match=r"^No such option"):
        await answer_of("finetune", "--no-such-option")


async def test_what_a_command_says_is_its_last_line() -> None:
    assert await done("adapters", "use", "--none") == "the base is used alone"
    with pytest.raises(AssistantError, match=r"^the starter model is part of the program"):
        await done("models", "rm", "starter", "--yes")


async def test_lines_come_one_by_one_and_end_with_what_was_wrong() -> None:
    run_folder("mine", measured(3, 4))
    steps = []
    with pytest.raises(AssistantError, match="mine was interrupted at step 3 of 4"):
        async with aclosing(lines_of("finetune", "--watch", "mine")) as lines:
            async for line in lines:
                steps.append(line["step"])
    assert steps == [1, 2, 3]


async def test_who_takes_no_more_lines_ends_the_command() -> None:
    run = run_folder("mine", measured(1, 4))
    with run.locked():
        async with aclosing(lines_of("finetune", "--watch", "mine")) as lines:
            async for line in lines:
                assert line["step"] == 1
                break
            watching = [one for one in psutil.Process().children() if "--watch" in one.cmdline()]
            assert len(watching) == 1
        assert not [one for one in psutil.Process().children() if "--watch" in one.cmdline()]


async def test_what_is_begun_has_a_session_a_log_and_a_low_priority(tmp_path: Path) -> None:
    run = run_folder("mine", measured(1, 4))
    log = tmp_path / "log" / "mine.log"
    log.parent.mkdir()
    log.write_text("of the last time\n" * 3)
    with run.locked():
        process = begin("finetune", "--watch", "mine", log=log)
        assert os.getsid(process.pid) == process.pid
        assert os.getpriority(os.PRIO_PROCESS, process.pid) > 0
        assert process.poll() is None
    await asyncio.wait_for(asyncio.to_thread(process.wait), SLOW)
    assert "of the last time" not in log.read_text()
    assert failure_in(log).startswith("mine was interrupted")
    assert last_words(log) == failure_in(log)


def test_a_log_without_an_error_tells_none(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    assert (failure_in(log), last_words(log)) == ("", "")
    log.write_text("assistant: first\nstopped at step 4\n")
    assert (failure_in(log), last_words(log)) == ("", "stopped at step 4")
