"""lm-evaluation-harness's own MMLU tasks and model class, over questions of a local folder."""

import logging
import time
from pathlib import Path
from typing import Any

import datasets
import lm_eval.tasks
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks._yaml_loader import load_yaml

from assistant_eval.mmlu.folder import read_folder
from assistant_eval.mmlu.questions import MOST_SHOTS, Question, Subject
from assistant_finetune.training.listening import process_peak_bytes
from bench.peers.mmlu.sitting import Found, Sitting, as_fields, letters_of

_TASKS = Path(lm_eval.tasks.__file__).parent / "mmlu" / "default"


class Harness:
    """lm-eval, as it runs `mmlu` with `--num_fewshot`."""

    def __init__(
        self, model: str, data: str, dtype: str, batch: str = "1", shots: int = MOST_SHOTS
    ) -> None:
        """Load the model, and write all prompts; `batch` is lm-eval's `batch_size`."""
        logging.getLogger("lm_eval").setLevel(logging.ERROR)
        datasets.disable_progress_bars()
        self._exam = read_folder(Path(data), shots)
        self._model: Any = HFLM(model, device="cpu", dtype=dtype, batch_size=int(batch))
        self._tasks = [make_task(subject, shots) for subject in self._exam.subjects]
        for task in self._tasks:
            task.build_all_requests(tokenizer_name=self._model.tokenizer_name)
        self.description = f"lm-eval {lm_eval.__version__}, batches of {batch}, {dtype}"

    def sit(self) -> dict[str, Any]:
        """Have all questions answered; prompts are written before the time begins."""
        begin = time.perf_counter()
        found = self.likelihoods()
        seconds = time.perf_counter() - begin
        return as_fields(Sitting(seconds, len(found), process_peak_bytes(), letters_of(found)))

    def likelihoods(self) -> Found:
        """The log-likelihoods of the letters, all requests in one call as lm-eval does it."""
        requests = [one for task in self._tasks for one in task.instances]
        answers = self._model.loglikelihood(requests, disable_tqdm=True)
        subjects = {f"mmlu_{subject.name}": subject for subject in self._exam.subjects}
        found: dict[tuple[str, int], list[float]] = {}
        for request, (value, _) in zip(requests, answers, strict=True):
            subject = subjects[request.task_name]
            number = subject.questions[request.doc_id].number
            found.setdefault((subject.name, number), []).append(value)
        return found


def make_task(subject: Subject, shots: int) -> Any:
    """lm-eval's task by its own file, but for where the rows come from: those of our subject."""

    def rows(**_: Any) -> dict[str, Any]:
        return {"test": _rows(subject.questions), "dev": _rows(subject.shots or subject.questions)}

    config = load_yaml(_TASKS / f"mmlu_{subject.name}.yaml")
    task: Any = ConfigurableTask(config={**config, "custom_dataset": rows, "num_fewshot": shots})
    return task


def _rows(questions: tuple[Question, ...]) -> Any:
    """Questions as the hub's `cais/mmlu` has them."""
    return datasets.Dataset.from_list(
        [
            {"question": one.text, "choices": list(one.options), "answer": one.answer}
            for one in questions
        ]
    )
