"""Training and held-out examples, told apart by what they are.

The same conversation lands on the same side whenever and with whatever else it is imported: also
when it has grown since, and a file also when it was edited.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from assistant import held_out
from assistant.errors import UsageError
from assistant_finetune.data.examples import Asked, Chat, Document, Example, Hole
from assistant_finetune.data.folder import DATA_FILE, HELD_OUT_FILE, TRAIN_FILE, is_data_folder
from assistant_finetune.data.forms import own
from assistant_finetune.data.forms.fields import FormError
from assistant_finetune.data.journal import DataError, private_file
from assistant_finetune.data.origin import Origin


def is_held_out(example: Example, share: float) -> bool:
    """Whether an example is on the held-out side, where that has such a share of all."""
    return held_out.is_held_out(_identity(example), share)


def _identity(example: Example) -> str:
    """What stays when an example grows: its first question, or the file it is from."""
    match example:
        case Chat():
            turns = example.conversation.turns
            first = next((turn for turn in turns if turn.role == "user"), turns[0])
            return f"chat\0{first.content.strip()}"
        case Document():
            return held_out.file_identity(example.path or example.text)
        case Hole():
            return held_out.file_identity(example.request.path or example.request.prefix)
        case Asked():
            return f"task\0{example.text.strip()}"


def split(folder: Path, share: float) -> tuple[int, int]:
    """Write both sides beside the data; returns how many examples are for training, and held out.

    Raises UsageError where the folder is none of imported data, and DataError when its data was
    damaged, or one side would be empty.
    """
    if not is_data_folder(folder):
        raise UsageError(f"{folder} holds no imported data: say `assistant data import` first")
    counts = [0, 0]
    names = (TRAIN_FILE, HELD_OUT_FILE)
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=".split.") as unfinished,
        ExitStack() as stack,
    ):
        files = [stack.enter_context(private_file(Path(unfinished) / name)) for name in names]
        for line, example in _examples(folder / DATA_FILE):
            side = int(is_held_out(example, share))
            counts[side] += 1
            files[side].write(line)
        stack.close()
        if not all(counts):
            empty = "held-out" if counts[0] else "training"
            raise DataError(
                f"of {sum(counts)} examples none would be on the {empty} side: "
                "import more, or choose another share with --held-out"
            )
        for name in names:
            os.replace(Path(unfinished) / name, folder / name)
    return counts[0], counts[1]


def _examples(file: Path) -> Iterator[tuple[str, Example]]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield line, own.read(json.loads(line), Origin(str(file), number))
            except (ValueError, FormError) as error:
                raise DataError(f"{file}:{number} was damaged: import it again") from error
