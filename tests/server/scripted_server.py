"""`assistant serve` with the scripted engine: a real process that needs no model.

The name of the model says how loading goes: `missing` raises, `crash` ends the process, `slow`
waits until somebody creates the file `go` in the state folder.
"""

import argparse
import os
import sys
import time

from assistant import paths
from assistant.client.record import ModelChoice
from assistant.config import load_settings
from assistant.errors import AssistantError, ModelNotFoundError
from assistant.server.engines import Served
from assistant.server.run import serve
from tests.server.scripted_engine import ScriptedLoader

MISSING = "no model is called missing. `assistant models list` shows all"
CRASH = "the disk is on fire"


class Loading(ScriptedLoader):
    """As the name of the model says."""

    def load(self, choice: ModelChoice) -> Served:
        name = choice.model
        if name == "missing":
            raise ModelNotFoundError(MISSING)
        if name == "crash":
            print(CRASH, file=sys.stderr, flush=True)
            os._exit(3)
        while name == "slow" and not (paths.state_dir() / "go").exists():
            time.sleep(0.01)
        return super().load(choice)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--idle-minutes", type=float, default=0)
    parser.add_argument("--grace-seconds", type=float, default=0)
    parser.add_argument("--port", type=int, default=0)
    chosen = parser.parse_args()
    try:
        serve(
            load_settings(),
            port=chosen.port,
            idle_minutes=chosen.idle_minutes,
            grace_seconds=chosen.grace_seconds,
            announce=lambda line: print(line, flush=True),
            loader=Loading(),
        )
    except AssistantError as error:
        sys.exit(f"assistant: {error}")


if __name__ == "__main__":
    main()
