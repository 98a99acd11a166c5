"""`assistant models pull` as another program reads it."""

import json

from tests.cli.conftest import Run
from tests.core.model_hub import NAME, WEIGHTS, Hub, serving


def test_progress_is_told_line_by_line(run: Run, sealed_home: object) -> None:
    hub = Hub()
    with serving(hub):
        settings = {"HF_ENDPOINT": hub.url, "ASSISTANT_HOME": str(sealed_home)}
        done = run("models", "pull", NAME, "--json", settings=settings)
        *reports, end = [json.loads(line) for line in done.stdout.splitlines()]
        assert reports[-1]["done_bytes"] == reports[-1]["total_bytes"] > len(WEIGHTS)
        assert {report["name"] for report in reports} == {NAME}
        assert end["folder"].endswith("vicuna-13b-gptq")
        hub.missing = True
        failed = run("models", "pull", "vicuna-7b", "--json", settings=settings)
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "no repository" in failed.stderr


def test_the_list_tells_what_is_begun_and_how_much_there_is_to_come(
    run: Run, sealed_home: object
) -> None:
    hub = Hub()
    hub.break_after["model.safetensors"], hub.status["tokenizer.json"] = 1_000_000, 403
    settings = {"ASSISTANT_HOME": str(sealed_home)}
    with serving(hub):
        run("models", "pull", NAME, settings={**settings, "HF_ENDPOINT": hub.url})
    listed = json.loads(run("models", "list", "--json", settings=settings).stdout)
    row = next(row for row in listed if row["name"] == NAME)
    assert (row["here"], row["interrupted"]) == ([], ["gptq"])
    assert 6e9 < row["download_bytes"]["gptq"] < 9e9
