import os
import sys
import threading

import pytest
import torch

from assistant.engine.threads import end_workers, openmp_runtimes


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_a_thread_that_has_computed_keeps_no_workers() -> None:
    if not any("libgomp" in runtime for runtime in openmp_runtimes()):
        pytest.skip("this PyTorch computes with another OpenMP")
    set_before = torch.get_num_threads()
    counts: list[int] = []

    def compute() -> None:
        torch.set_num_threads(2)
        for _ in range(2):
            (torch.ones(4_000_000) * 2).sum()
            counts.append(len(os.listdir("/proc/self/task")))
            end_workers()
            counts.append(len(os.listdir("/proc/self/task")))

    thread = threading.Thread(target=compute)
    thread.start()
    thread.join()
    torch.set_num_threads(set_before)
    busy, ended, busy_again, ended_again = counts
    assert ended < busy
    assert ended_again < busy_again
    assert busy == busy_again
