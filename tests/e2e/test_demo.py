"""What a stranger sees first: `make demo`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.e2e
def test_the_demo_shows_completions_an_explanation_and_a_polished_paragraph(
    tmp_path: Path,
) -> None:
    picture = tmp_path / "demo.svg"
    environment = os.environ | {"HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo.demo", "--svg", str(picture)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(re.findall("complete · inventory.py:", done.stdout)) == 3
    assert "(nothing)" not in done.stdout
    assert "explain · find_item" in done.stdout
    assert "polish · notes.md" in done.stdout
    assert len(re.findall(r"\d+ ms", done.stdout)) == 5
    assert "models pull" in done.stdout
    assert "complete · inventory.py" in picture.read_text().replace("&#160;", " ")
