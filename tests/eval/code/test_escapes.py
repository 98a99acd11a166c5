"""Whatever a program tries, it stays in its sandbox, passes only when it is right, and ends."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from assistant_eval.code.sandbox import Sandbox
from assistant_eval.code.tasks import Task
from tests.eval.code import attacks

TOKEN = "token-of-this-test"
RIGHT = "def f(x): return x + 1"
ESCAPED = Task("escaped", "def f():\n", "f", "    pass\n", "def check(f): assert f() == 'escaped'")
TESTS = """
def check(f):
    never_told = "never-told"
    for got, wanted in zip(map(f, [41, 41]), [42, 42]):
        assert got == wanted
    try:
        assert f(41) == 42
    except ValueError:
        raise
"""
ADDS_ONE = Task("adds-one", "def f(x):\n", "f", "    return x + 1\n", TESTS)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What is outside: servers that answer, a secret, a token in the environment."""
    folder = tmp_path_factory.mktemp("outside")
    folder.chmod(0o777)
    (folder / "secret").write_text("secret")
    abstract = f"assistant-{os.getpid()}"
    addresses: list[tuple[int, int, object]] = [
        (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        (socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "socket")),
        (socket.AF_UNIX, socket.SOCK_STREAM, "\0" + abstract),
    ]
    servers = [serve(*address) for address in addresses]
    os.environ["ASSISTANT_TEST_TOKEN"] = TOKEN
    yield {
        "<TCP>": str(servers[0].getsockname()[1]),
        "<UDP>": str(servers[1].getsockname()[1]),
        "<ABSTRACT>": abstract,
        "<FOLDER>": str(folder),
        "<TOKEN>": TOKEN,
    }
    del os.environ["ASSISTANT_TEST_TOKEN"]
    for server in servers:
        server.close()


def serve(family: int, kind: int, address: object) -> socket.socket:
    """A server that sends back what it is sent."""
    server = socket.socket(family, kind)
    server.bind(address)  # type: ignore[arg-type]

    def answer() -> None:
        while True:
            try:
                if kind == socket.SOCK_DGRAM:
                    data, whence = server.recvfrom(1)
                    server.sendto(data, whence)
                else:
                    one, _ = server.accept()
                    with one:
                        one.send(one.recv(1))
            except OSError:
                return

    if kind == socket.SOCK_STREAM:
        server.listen()
    threading.Thread(target=answer, daemon=True).start()
    return server


def aimed(program: str, world: dict[str, str]) -> str:
    """The program with the parts of the world that it is after."""
    for name, value in world.items():
        program = program.replace(name, value)
    return program


def left_over() -> list[int]:
    """Processes of sandboxes of this process."""
    return [
        one.pid
        for one in psutil.Process().children(recursive=True)
        if "assistant_eval.code.inside" in " ".join(one.cmdline())
    ]


@pytest.mark.parametrize("name", attacks.REACHES_OUT)
def test_an_attack_comes_through_where_there_is_no_sandbox(
    name: str, world: dict[str, str]
) -> None:
    if "passwords" in name and os.geteuid():
        pytest.skip("only root reads them")
    program = aimed(attacks.REACHES_OUT[name], world) + "\nprint(f())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "escaped\n", done.stderr
    (Path(world["<FOLDER>"]) / "written").unlink(missing_ok=True)


@pytest.mark.parametrize("name", attacks.ESCAPES)
def test_no_attack_comes_through(name: str, sandbox: Sandbox, world: dict[str, str]) -> None:
    verdict = sandbox.run(ESCAPED, aimed(attacks.ESCAPES[name], world))
    assert verdict.kind in ("wrong", "error", "time", "ended"), verdict
    assert not verdict.told.startswith("NameError"), verdict
    assert not (Path(world["<FOLDER>"]) / "written").exists()
    assert not left_over()
    assert sandbox.run(ADDS_ONE, RIGHT).passed


@pytest.mark.parametrize("name", attacks.FORGERIES)
def test_no_verdict_is_forged(name: str, sandbox: Sandbox) -> None:
    verdict = sandbox.run(ADDS_ONE, attacks.FORGERIES[name])
    assert not verdict.passed, verdict
    assert verdict.told.encode().decode() == verdict.told
    assert not left_over()
    assert sandbox.run(ADDS_ONE, RIGHT).passed


@pytest.mark.parametrize("name", attacks.ENDLESS)
def test_what_does_not_end_is_ended(name: str, sandbox: Sandbox) -> None:
    verdict = sandbox.run(ADDS_ONE, attacks.ENDLESS[name])
    assert verdict.kind in ("time", "ended"), verdict
    assert not left_over()


@pytest.mark.parametrize("name", attacks.HARMLESS)
def test_what_is_right_passes_whatever_else_it_does(name: str, sandbox: Sandbox) -> None:
    verdict = sandbox.run(ADDS_ONE, attacks.HARMLESS[name])
    assert verdict.passed, verdict
    assert not left_over()


def test_a_program_ends_with_whoever_runs_it(sandbox: Sandbox) -> None:
    program = (
        "from tests.eval.code.test_escapes import ADDS_ONE\n"
        "from assistant_eval.code.sandbox import Limits, Sandbox\n"
        "box = Sandbox(Limits(seconds=100))\n"
        "print('ready', flush=True)\n"
        "box.run(ADDS_ONE, 'import time\\ntime.sleep(1000)')\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        running = psutil.Process(process.pid)
        while len(running.children(recursive=True)) < 3:
            assert process.poll() is None
        below = running.children(recursive=True)
        process.kill()
    _, left = psutil.wait_procs(below, timeout=30)
    assert not left
