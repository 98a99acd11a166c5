"""An evaluation that was killed at any moment ends as if nothing had happened, to the byte."""

import os
import random
import subprocess
from contextlib import suppress
from pathlib import Path

from assistant_eval.runs import ANSWERS_FILE, PASSPORT_FILE, REPORT_FILE, SCORES_FILE
from tests.eval.exams import write_exam
from tests.eval.interrupted import sittings

KILLS = int(os.environ.get("ASSISTANT_TEST_KILLS", "2"))
PROTOCOLS = ["harness", "old-harness", "helm"]
FILES = (PASSPORT_FILE, ANSWERS_FILE, SCORES_FILE, REPORT_FILE)


def test_killed_at_random_moments_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    sizes = {"anatomy": 6, "astronomy": 9, "formal_logic": 4}
    data = str(write_exam(tmp_path / "data", sizes, words=40))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    rng = random.Random()
    with sittings(KILLS + 2) as (first, *others):
        said = list(first.begin(whole, data=data, protocols=PROTOCOLS))
        count = 3 * sum(sizes.values())
        assert said[-1] == f"{count}/{count}\n"
        steps = [line for line in said if "/" in line]
        for number, sitting in enumerate(others):
            lines = sitting.begin(killed, data=data, protocols=PROTOCOLS)
            if sitting is others[-1]:
                rest = list(lines)
                break
            # A kill in each part of the run, so that there is always something left to kill.
            last = rng.uniform(number, number + 1) / KILLS * 0.9 * len(steps)
            before = steps[int(last)]
            for line in lines:
                if "/" in line and int(line.split("/")[0]) >= int(before.split("/")[0]):
                    break
            with suppress(subprocess.TimeoutExpired):  # anywhere between one piece and the next
                sitting.process.wait(rng.random() * 0.05)
            sitting.process.kill()
            sitting.process.wait()
    # The last kill may have come after the last answer: then nothing is left to be asked.
    begun_at = next(int(line.split("/")[0]) for line in rest if "/" in line)
    assert begun_at > 0
    for name in FILES:
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
