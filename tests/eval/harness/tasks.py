"""Small tasks in the library's own form, with data of their own."""

import json
from pathlib import Path

CHOICE, ANSWER, TEXT = "own_choice", "own_answer", "own_text"
_COMMON = "dataset_path: json\ndataset_kwargs:\n  data_files: {rows}\ntest_split: train\n"
_CHOICE = """task: own_choice
output_type: multiple_choice
fewshot_split: train
doc_to_text: "{{question}}\\nAnswer:"
doc_to_choice: options
doc_to_target: right
metric_list:
  - metric: acc
  - metric: acc_norm
"""
_ANSWER = """task: own_answer
output_type: generate_until
doc_to_text: "{{question}} "
doc_to_target: "{{options[right]}}"
generation_kwargs:
  until: ["\\n"]
  max_gen_toks: 12
metric_list:
  - metric: exact_match
"""
_TEXT = """task: own_text
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list:
  - metric: word_perplexity
"""
_WORDS = ("quick", "brown fox", "lazy dog", "return first", "def add", "世界", "print", "index")


def write_tasks(folder: Path, questions: int = 9) -> Path:
    """Choices, answers in words, and texts of which some are longer than 512 tokens."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [_row(number) for number in range(questions)]
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    for name, text in ((CHOICE, _CHOICE), (ANSWER, _ANSWER), (TEXT, _TEXT)):
        (folder / f"{name}.yaml").write_text(text + _COMMON.format(rows=file), "utf-8")
    return folder


def _row(number: int) -> dict[str, object]:
    def word(step: int) -> str:
        return _WORDS[(number + step) % len(_WORDS)]

    return {
        "question": f"What comes behind {word(0)} and {word(2 * number)}?",
        "options": [word(1), word(3), word(4)],
        "right": number % 3,
        "text": " ".join(word(step * step) for step in range(60 + 40 * number)),
    }
