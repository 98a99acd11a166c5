import json
from pathlib import Path

import pytest

from bench import first_token


def test_the_bench_prints_one_object_and_its_verdict(
    llama: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--model", str(llama), "--device", "cpu", "--rounds", "1", "--tokens", "8"]
    monkeypatch.setattr("sys.argv", ["first_token.py", *arguments, "--json"])
    code = first_token.main()
    found = json.loads(capsys.readouterr().out)
    assert set(found["ratios"]) == {"cold_first_token", "warm_first_token", "decode_speed"}
    for ratio in found["ratios"].values():
        assert ratio["holds"] == (ratio["value"] >= ratio["target"])
    assert code == (0 if all(ratio["holds"] for ratio in found["ratios"].values()) else 1)


def test_the_bench_without_its_model(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["first_token.py", "--model", "./nowhere"])
    assert first_token.main() == 1
    assert "nowhere" in capsys.readouterr().err
