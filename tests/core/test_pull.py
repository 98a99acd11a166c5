"""Pulling: against a server that behaves like the model hub, well or badly."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from assistant import pull as pulling
from assistant.download import PullError, Standing, transfer
from assistant.errors import ModelNotFoundError, UsageError
from assistant.pull import pull, remove
from assistant.registry import folder_of, installed, locate
from tests.core.model_hub import NAME, REPOSITORY, WEIGHTS, Hub, serving

RANGE = 512_000
WHOLE = [f"bytes={start}-{start + RANGE - 1}" for start in range(0, len(WEIGHTS), RANGE)]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    state = Hub()
    monkeypatch.setattr(transfer, "_RETRY_SECONDS", 0.01)
    with serving(state):
        monkeypatch.setenv("HF_ENDPOINT", state.url)
        yield state


@pytest.fixture
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> int:
    """The weights are six ranges."""
    monkeypatch.setattr(transfer, "_RANGE_BYTES", RANGE)
    return RANGE


def test_a_complete_pull(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    folder = pull(NAME, on_progress=lambda standing: lines.append(str(standing)))
    assert folder == folder_of(NAME, "gptq")
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        name: data for name, data in hub.files.items() if data != b"never fetched"
    }
    assert lines[-1] == f"{NAME}: 3.1 MB of 3.1 MB"
    assert installed()[NAME] == ["gptq"]
    assert locate(NAME).folder == folder
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    assert pull(NAME) == folder  # what is here already needs no network


def test_a_break_in_the_middle_of_a_file_is_bridged(hub: Hub) -> None:
    hub.break_after["model.safetensors"] = 2_000_000
    folder = pull(NAME)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    asked = hub.fetched("model.safetensors")
    assert asked[0] is None
    assert asked[1] is not None
    assert asked[1] == f"bytes=2000000-{len(WEIGHTS) - 1}"


def test_an_interrupted_pull_goes_on_at_the_next_command(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_RETRIES", 0)
    hub.break_after["model.safetensors"] = 2_000_000
    with pytest.raises(PullError, match=r"model\.safetensors cannot be fetched.*same command"):
        pull(NAME)
    partial = folder_of(NAME, "gptq").with_name("vicuna-13b-gptq.partial")
    assert partial.is_dir()
    assert NAME not in installed()
    with pytest.raises(ModelNotFoundError):
        locate(NAME)
    hub.break_after.clear()
    hub.requests.clear()
    (partial / "config.json").write_bytes(hub.files["config.json"])
    folder = pull(NAME)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.fetched("model.safetensors") == [f"bytes=2000000-{len(WEIGHTS) - 1}"]
    assert hub.fetched("config.json") == []
    assert not partial.exists()


def test_a_server_without_ranges_sends_everything_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.break_after["model.safetensors"] = 2_000_000
    hub.break_times, hub.ranges = 1, False
    folder = pull(NAME)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


def test_ranges_of_a_large_file_come_at_the_same_time(hub: Hub, small_ranges: int) -> None:
    together = threading.Barrier(4)
    hub.pause_after, hub.on_bytes = 100_000, lambda: together.wait(30)
    hub.files["model-2.safetensors"] = WEIGHTS[: 2 * RANGE]
    folder = pull(NAME, connections=4)  # eight ranges, that go on four by four
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert (folder / "model-2.safetensors").read_bytes() == WEIGHTS[: 2 * RANGE]
    assert sorted(map(str, hub.fetched("model.safetensors"))) == sorted(WHOLE)
    assert hub.most_open <= 5  # those four, and the one that the listing came over


@pytest.mark.parametrize("connections", [1, 3])
def test_no_more_connections_than_allowed(hub: Hub, small_ranges: int, connections: int) -> None:
    folder = pull(NAME, connections=connections)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.most_open <= connections + 1


def test_a_killed_pull_goes_on_at_the_byte_where_each_range_was(
    hub: Hub, small_ranges: int
) -> None:
    never = threading.Event()
    hub.pause_after, hub.on_bytes = 100_000, lambda: never.wait(60)
    program = f"""
from assistant import pull
from assistant.download import transfer
transfer._RANGE_BYTES = {RANGE}
pull.pull({NAME!r}, on_progress=lambda line: print(line, flush=True), connections=3)
"""
    killed = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    assert any("0.3 MB" in line for line in killed.stdout)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    killed.stdout.close()
    hub.pause_after = 10**9
    never.set()
    hub.requests.clear()
    folder = pull(NAME)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    begun = [f"bytes={start + 100_000}-{start + RANGE - 1}" for start in (0, RANGE, 2 * RANGE)]
    assert sorted(map(str, hub.fetched("model.safetensors"))) == sorted([*begun, *WHOLE[3:]])


def test_a_hub_that_goes_down_and_another_that_takes_over(
    hub: Hub, small_ranges: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go_down() -> None:
        hub.down = True
        raise ConnectionAbortedError

    hub.pause_after, hub.on_bytes = 200_000, go_down
    with pytest.raises(PullError, match=r"cannot be fetched.*same command again"):
        pull(NAME)
    other = Hub()
    with serving(other):
        monkeypatch.setenv("HF_ENDPOINT", other.url)
        folder = pull(NAME)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    asked = other.fetched("model.safetensors")
    assert f"bytes=200000-{RANGE - 1}" in asked
    assert WHOLE[0] not in asked


def test_ranges_that_break_again_and_again(hub: Hub, small_ranges: int) -> None:
    hub.break_after["model.safetensors"] = 70_000
    assert (pull(NAME) / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("answers_with_ranges", [1, 2, 4])
def test_a_server_that_forgets_about_ranges(
    hub: Hub, small_ranges: int, answers_with_ranges: int
) -> None:
    hub.ranged_times = answers_with_ranges
    assert (pull(NAME) / "model.safetensors").read_bytes() == WEIGHTS


def test_ranges_that_nobody_asked_for_are_not_kept(hub: Hub, small_ranges: int) -> None:
    hub.shift = 1
    with pytest.raises(PullError, match="a range that was not asked for"):
        pull(NAME)
    hub.shift = 0
    assert (pull(NAME) / "model.safetensors").read_bytes() == WEIGHTS


def test_a_hub_that_asks_for_patience(hub: Hub, small_ranges: int) -> None:
    hub.refusals = ["1"]
    lines: list[str] = []
    folder = pull(NAME, on_progress=lambda standing: lines.append(str(standing)))
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert any("the model hub asks to wait 1 s" in line for line in lines)
    in_time = [moment for moment in hub.times if moment < hub.times[0] + 0.9]
    # Those that were under way when one was refused, or were sent before that was read.
    assert len(in_time) <= 8 < len(hub.times)


def test_refusals_that_name_no_time(hub: Hub, small_ranges: int) -> None:
    hub.refusals = [None, "soon", "Wed, 21 Oct 2015 07:28:00 GMT"]
    assert (pull(NAME) / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("as_date", [False, True])
def test_a_wait_that_is_too_long(hub: Hub, as_date: bool) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    hub.refusals = [format_datetime(later, usegmt=True) if as_date else "3600"] * 20
    with pytest.raises(PullError, match=r"asks to wait (59|60) minutes"):
        pull(NAME)


def test_both_variants_stand_side_by_side(hub: Hub) -> None:
    hub.files = {"config.json": b"{}", "model.safetensors": b"full"}
    full = pull("llama-7b", "full")
    hub.files = {"config.json": b"{}", "model.safetensors": b"gptq"}
    quantized = pull("llama-7b", "gptq")
    assert (full / "model.safetensors").read_bytes() == b"full"
    assert (quantized / "model.safetensors").read_bytes() == b"gptq"
    assert pull("llama-7b-gptq", "gptq") == quantized
    with pytest.raises(UsageError, match="names its variant itself"):
        pull("llama-7b-gptq", "full")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("model.safetensors", WEIGHTS[:-1] + b"x"),
        ("model.safetensors", WEIGHTS[:-1]),
        ("model.safetensors", WEIGHTS + b"x"),
        ("config.json", b'{"model_type": "other"}'),
    ],
    ids=["other bytes", "too short", "too long", "small file"],
)
def test_damaged_files_are_noticed(hub: Hub, name: str, wrong: bytes) -> None:
    hub.served[name] = wrong
    with pytest.raises(PullError, match=r"damaged|cannot be fetched"):
        pull(NAME)
    assert NAME not in installed()
    hub.served.clear()
    assert (pull(NAME) / name).read_bytes() == hub.files[name]


def test_a_file_that_changed_on_the_hub_is_fetched_anew(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.status["model.safetensors"] = 404
    with pytest.raises(PullError, match="cannot be fetched"):
        pull(NAME)
    hub.status.clear()
    hub.files["config.json"] = b'{"model_type": "lLama"}'
    assert (pull(NAME) / "config.json").read_bytes() == b'{"model_type": "lLama"}'


def test_a_disk_too_small_is_refused_beforehand(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "free_bytes", lambda: 2_000_000)
    with pytest.raises(PullError, match=r"needs 3\.1 MB more and 2\.0 MB are free.*ASSISTANT_HOME"):
        pull(NAME)
    assert hub.requests == []


def test_pickled_weights_are_refused_with_the_reason(hub: Hub) -> None:
    del hub.files["model.safetensors"], hub.files["onnx/model.safetensors"]
    with pytest.raises(PullError, match=r"pickled weights alone \(pytorch_model\.bin\)"):
        pull(NAME, "full")
    del hub.files["pytorch_model.bin"]
    with pytest.raises(PullError, match="holds no weights"):
        pull(NAME)
    assert hub.requests == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_licence_to_accept(hub: Hub, status: int) -> None:
    hub.status["model.safetensors"] = status
    with pytest.raises(PullError, match=r"asks for its licence to be accepted.*HF_TOKEN"):
        pull(NAME)


def test_the_token_stays_with_the_hub(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.url = hub.url.replace("127.0.0.1", "localhost")  # what the hub redirects to
    pull(NAME)
    assert hub.authorizations == {None}


def test_an_unknown_repository(hub: Hub) -> None:
    hub.missing = True
    with pytest.raises(PullError, match=f"no repository {REPOSITORY}"):
        pull(NAME)


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(PullError, match="cannot be fetched from the model hub") as caught:
        pull(NAME)
    assert "\n" not in str(caught.value)
    assert "same command again" in str(caught.value)
    assert not folder_of(NAME, "gptq").with_name("vicuna-13b-gptq.partial").exists()


def test_two_pulls_of_one_model(hub: Hub) -> None:
    blocked = threading.Event()
    errors: list[PullError] = []

    def second(_: Standing) -> None:
        if not blocked.is_set():
            blocked.set()
            try:
                pull(NAME)
            except PullError as error:
                errors.append(error)

    pull(NAME, on_progress=second)
    assert "by another process" in str(errors[0])


def test_an_interrupt_stops_all_threads(hub: Hub) -> None:
    def interrupt(_: Standing) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(NAME, on_progress=interrupt)
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]
    assert (pull(NAME) / "model.safetensors").read_bytes() == WEIGHTS


def test_remove(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = pull(NAME)
    freed = remove(NAME)
    assert freed == sum(len(data) for data in hub.files.values() if data != b"never fetched")
    assert not folder.exists()
    with pytest.raises(ModelNotFoundError, match="nothing to remove"):
        remove(NAME)
    with pytest.raises(ModelNotFoundError, match="no model is called"):
        remove("vicunna")


def test_remove_of_one_variant_and_of_what_was_interrupted(tmp_path: Path) -> None:
    full, quantized = folder_of(NAME, "full"), folder_of(NAME, "gptq")
    partial = full.with_name(full.name + ".partial")
    for folder in (full, quantized, partial):
        folder.mkdir(parents=True)
    remove("vicuna-13b-gptq")
    assert (full.is_dir(), quantized.is_dir(), partial.is_dir()) == (True, False, True)
    remove(NAME)
    assert (full.is_dir(), partial.is_dir()) == (False, False)


@pytest.mark.parametrize("name", ["../precious", "/tmp/precious", ".", "..", "starter", "~"])
def test_nothing_else_is_ever_removed(name: str) -> None:
    with pytest.raises((UsageError, ModelNotFoundError)):
        remove(name)


def test_what_cannot_be_pulled() -> None:
    with pytest.raises(UsageError, match="part of the program"):
        pull("starter")
    with pytest.raises(PullError, match="not known in a GPTQ variant"):
        pull("starcoder2-7b", "gptq")


def test_an_installation_without_the_hubs_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "find_module", lambda _: None)
    with pytest.raises(PullError, match=r"install `assistant\[server\]`"):
        pull(NAME)
