"""One small model that answers, for all diagnoses."""

import pytest

from tests.eval.diagnosis.planted import Ward


@pytest.fixture(scope="session")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Ward:
    """Where faults are planted."""
    return Ward(tmp_path_factory.mktemp("ward"))
