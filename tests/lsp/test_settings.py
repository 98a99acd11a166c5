"""Settings of the editor, good and bad."""

import pytest

from assistant_lsp.settings import EditorSettings, read_settings


@pytest.mark.parametrize("sent", [None, [], {}, {"assistant": None}, {"assistant": {}}, {"x": 1}])
def test_nothing_sent_means_the_defaults(sent: object) -> None:
    assert read_settings(sent) == (EditorSettings(), [])


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"assistant": s}])
def test_good_settings_are_taken(wrap: object) -> None:
    assert callable(wrap)
    sent = {"model": "vicuna-13b", "completion": {"maxTokens": 9, "disabledLanguages": ["tex"]}}
    settings, problems = read_settings(wrap(sent))
    assert problems == []
    assert settings.model == "vicuna-13b"
    assert settings.completion.max_tokens == 9
    assert settings.suggests_in("python", "") and not settings.suggests_in("tex", "")


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (3, "assistant must"),
        ({"assistant": "on"}, "assistant must"),
        ({"completion": 5}, "assistant.completion"),
        ({"completion": {"enabled": "no"}}, "assistant.completion.enabled"),
        ({"completion": {"maxTokens": 0}}, "assistant.completion.maxTokens"),
        ({"completion": {"maxTokens": True}}, "assistant.completion.maxTokens"),
        ({"completion": {"maxLines": "8"}}, "assistant.completion.maxLines"),
        ({"completion": {"disabledLanguages": ["a", 1]}}, "assistant.completion.disabledLanguages"),
        ({"model": ["x"]}, "assistant.model"),
    ],
)
def test_a_bad_setting_is_named_and_the_default_stands_in(sent: object, named: str) -> None:
    settings, problems = read_settings(sent)
    assert settings == EditorSettings()
    assert len(problems) == 1 and problems[0].startswith(named)


def test_the_good_ones_beside_a_bad_one_are_kept() -> None:
    sent = {"model": None, "completion": {"maxTokens": -1, "maxLines": 2, "enabled": False}}
    settings, problems = read_settings(sent)
    assert len(problems) == 1
    assert settings.completion.max_lines == 2
    assert not settings.suggests_in("python", "")
