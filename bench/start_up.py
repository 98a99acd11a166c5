"""Claim: `assistant --help` answers no later than pip's own help does.

Runs both in turn and prints medians and their ratio; exits 1 when the claim does not hold.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

COMMANDS = {"assistant": ["-m", "assistant", "--help"], "pip": ["-m", "pip", "--help"]}
TARGET = 1.0


def seconds(arguments: list[str]) -> float:
    """Wall seconds of one run."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def main() -> None:
    """Measure, print, and exit 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(options.runs + 1):  # the first of each warms the disk cache
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    medians = {name: statistics.median(runs[1:]) for name, runs in times.items()}
    value = medians["assistant"] / medians["pip"]
    holds = value <= TARGET
    if options.json:
        ratios = {"assistant / pip": {"value": value, "target": TARGET, "holds": holds}}
        print(json.dumps({"medians": medians, "ratios": ratios}))
    else:
        for name, median in medians.items():
            print(f"{name:<12}{median:8.3f} s")
        print(f"{'ratio':<12}{value:8.2f}   (target: at most {TARGET})")
    sys.exit(not holds)


if __name__ == "__main__":
    main()
