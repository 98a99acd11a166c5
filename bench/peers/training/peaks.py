"""One training in a process of its own, and the most memory it had (Linux).

`python -m bench.peers.training.peaks SETTINGS` takes settings as JSON and prints, in bytes, what
the process held before the model, at most while it was loaded, and at most from the first step to
the result. All are resident pages, those of libraries' files among them.
"""

import json
import re
import sys
from pathlib import Path

from assistant_finetune.training.listening import Listener
from assistant_finetune.training.run import start
from assistant_finetune.training.settings import check

_SELF = Path("/proc/self")


def resident(name: str) -> int:
    """`VmRSS`, or `VmHWM` for the most since it was forgotten."""
    found = re.search(rf"{name}:\s*(\d+) kB", (_SELF / "status").read_text("ascii"))
    assert found is not None
    return int(found[1]) * 1024


class _Peaks:
    """Notes how much memory there was when something else begins."""

    def __init__(self) -> None:
        self.found = dict[str, int]()

    def say(self, what: str) -> None:
        """Listen to what is being done."""
        if what.startswith("loading"):
            self.found["before"] = resident("VmRSS")
        elif what == "training":
            self.found["loading"] = resident("VmHWM")
        else:
            return
        (_SELF / "clear_refs").write_text("5")  # forget the peak: man 5 proc


def main() -> None:
    """Train, and print the peaks."""
    peaks = _Peaks()
    start(check(json.loads(sys.argv[1]), "settings"), Listener(say=peaks.say), "cpu")
    print(json.dumps({**peaks.found, "training": resident("VmHWM")}))


if __name__ == "__main__":
    main()
