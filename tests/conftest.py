"""Every test has a home of its own: no test sees or touches what is the user's."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from assistant.engine.threads import wait_briefly
from assistant.paths import HOME_VARIABLE

wait_briefly()  # servers, trainers and this process share the cores
if "PYTEST_XDIST_WORKER" in os.environ:  # another worker has the other core
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# How long an example takes is the machine's.
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what is compiled: seconds for each, and the same in every home."""
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture(autouse=True)
def sealed_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, kernels: Path
) -> Path:
    """A home for settings, models and servers, empty but for what is compiled."""
    for name in [name for name in os.environ if name.startswith("ASSISTANT_")]:
        if not name.startswith("ASSISTANT_TEST_"):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    (home / "state").mkdir(mode=0o700)
    (home / "state" / "kernels").symlink_to(kernels)
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    return home
