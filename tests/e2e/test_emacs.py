"""The assistant in a real Emacs, without a screen, by the configuration in the documentation."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assistant.client.record import read_record
from assistant.history import History
from tests.lsp.scripted_model import ScriptedModel

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
DOCUMENTATION = HERE.parents[1] / "docs" / "editors.md"
ASSISTANT = Path(sys.executable).parent / "assistant"
PATIENCE = 300.0


class Emacs:
    """What is run in one Emacs."""

    def __init__(self, executable: str, home: Path) -> None:
        self._executable = executable
        self._home = home
        found = re.search(r"^## Emacs.*?```elisp\n(.*?)```", DOCUMENTATION.read_text(), re.S | re.M)
        assert found is not None
        self._configuration = home / "init.el"
        self._configuration.write_text(found[1])

    def run(self, program: str) -> dict[str, Any]:
        """Run a program; what it reported."""
        script = self._home / "program.el"
        script.write_text(program)
        loaded = [HERE / "assistant-test.el", self._configuration, script]
        path = f"{ASSISTANT.parent}:{os.environ['PATH']}"
        done = subprocess.run(
            [self._executable, "-Q", "--batch"]
            + [argument for file in loaded for argument in ("-l", str(file))],
            env={**os.environ, "HOME": str(self._home), "PATH": path},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said = re.findall(r"^reported (\w+) (.*)$", done.stderr, re.M)
        return {name: json.loads(value) for name, value in said}


@pytest.fixture
def emacs(sealed_home: Path) -> Iterator[Emacs]:
    named = os.environ.get("ASSISTANT_TEST_EMACS")
    if not named:
        pytest.skip("ASSISTANT_TEST_EMACS names no Emacs 30 to test with")
    try:
        yield Emacs(named, sealed_home)
    finally:
        if (record := read_record()) is not None:
            os.kill(record.pid, signal.SIGTERM)


def test_ghost_text_of_the_starter_is_seen_accepted_and_recorded(
    emacs: Emacs, tmp_path: Path
) -> None:
    file = tmp_path / "example.py"
    file.write_text("")
    seen = emacs.run(f"""
      (assistant-test-open "{file}")
      (assistant-test-type "def add(first, second):\\n    return ")
      (assistant-test-report 'typed (buffer-string))
      (assistant-test-report 'shown (assistant-test-wait "ghost text" #'assistant-test-ghost-text))
      (lsp-inline-completion-accept)
      (assistant-test-report 'accepted (buffer-string))
      (assistant-test-wait-recorded "accepted")
      (assistant-test-end)
    """)
    with closing(History()) as history:
        rows = list(history.find())
    assert seen["accepted"].startswith(seen["typed"])
    assert seen["shown"].endswith(seen["accepted"].removeprefix(seen["typed"]))
    (row,) = [row for row in rows if row.fate.outcome == "accepted"]
    assert seen["typed"] + row.text == seen["accepted"]
    assert (row.path, row.model) == (str(file), "starter")


def test_a_text_is_polished_by_a_code_action(
    emacs: Emacs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "note.md"
    file.write_text("漢字 😀 teh cat sat.\n")
    with ScriptedModel() as model:
        monkeypatch.setenv("ASSISTANT_SERVER_URL", model.url)
        model.answers("漢字 😀 the cat sat.")
        seen = emacs.run(f"""
          (assistant-test-open "{file}")
          (lsp-execute-code-action-by-kind "refactor.rewrite.assistant.polish")
          (assistant-test-wait "text" (lambda () (string-match-p "the cat" (buffer-string))))
          (assistant-test-report 'text (buffer-string))
          (assistant-test-wait-recorded "accepted")
          (assistant-test-end)
        """)
    assert seen["text"] == "漢字 😀 the cat sat.\n"
    with closing(History()) as history:
        (row,) = history.find()
    assert (row.kind, row.fate.outcome) == ("polish", "accepted")
