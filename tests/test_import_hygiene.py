"""What starts quickly must stay light: no model library is loaded before it is needed."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "peft", "fastapi", "gptqmodel", "bitsandbytes", "trl")


def loaded_after(program: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after `program`."""
    code = f"{program}\nimport sys; print(*{{n.partition('.')[0] for n in sys.modules}})"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    return set(output.splitlines()[-1].split())


@pytest.mark.parametrize(
    "program",
    [
        "import assistant",
        "import assistant.engine",
        "import assistant.server",
        "import assistant.client",
        "import assistant.registry",
        "import assistant.plan",
        "import assistant.prompts",
        "import assistant_lsp.server",
        "import assistant_tui.app",
        "import assistant_finetune",
        "import assistant_finetune.data",
        "import assistant_finetune.training.recipes, assistant_finetune.fitting",
        "import assistant_eval.mmlu.evaluation",
        "from assistant_eval.listing import listed; listed()",
        "import sys; sys.argv = ['assistant', '--help']\n"
        "from assistant.cli import main\n"
        "try: main()\nexcept SystemExit: pass",
    ],
)
def test_no_model_library_is_loaded(program: str) -> None:
    assert loaded_after(program).isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "program", ["import assistant", "from assistant.cli.app import app", "import assistant.client"]
)
def test_no_client_library_is_loaded_before_a_request(program: str) -> None:
    assert loaded_after(program).isdisjoint({"openai", "httpx", "pydantic"})
