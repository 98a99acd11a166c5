"""A model is known by whatever name a server gives it."""

import pytest

from assistant.client.served_names import fim_format_of


@pytest.mark.parametrize(
    ("name", "fim_format"),
    [
        ("Qwen/Qwen2.5-Coder-7B", "qwen"),
        ("qwen2.5-coder:7b", "qwen"),
        ("qwen2.5-coder:latest", "qwen"),
        ("/models/Qwen2.5-Coder-14B-Instruct-AWQ", "qwen"),
        ("Qwen2.5-Coder-32B-Instruct-IQ3_XS.gguf", "qwen"),
        ("/cache/hub/models--Qwen--Qwen2.5-Coder-1.5B/snapshots/8123ea2e9354afb7", "qwen"),
        ("TheBloke/CodeLlama-13B-Instruct-GGUF", "codellama"),
        ("codellama:7b-code-q4_K_M", "codellama"),
        ("codellama:34b", "none"),
        ("codellama:13b-python", None),
        ("codellama", None),
        ("bigcode/starcoder2-7b", "starcoder2"),
        ("deepseek-coder-6.7b-base.Q5_K_S.gguf", "deepseek"),
        ("lmsys/vicuna-13b-v1.3", "none"),
        ("starter", "starter"),
        ("gpt-4o", None),
        ("", None),
    ],
)
def test_the_format_of_a_name(name: str, fim_format: str | None) -> None:
    assert fim_format_of([name]) == fim_format


def test_the_first_name_that_is_known_counts() -> None:
    assert fim_format_of(["my-style", "/adapters/mine", "Qwen/Qwen2.5-Coder-7B"]) == "qwen"
