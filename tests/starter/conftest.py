"""A tiny corpus, made by the recipe's own functions."""

import argparse
import inspect
import shlex
import textwrap
from pathlib import Path
from typing import get_args

import pytest
from tokenizers import Tokenizer

from tests.one_thread import one_thread as one_thread
from tools.starter import corpus, prose, tokenizer
from tools.starter.documents import Corpus
from tools.starter.functions import Part, functions_of
from tools.starter.samples import Sampler

PROSE = """
Reading files
-------------

The reader opens every file that it is given and looks at its first line. It then decides which of
the formats the file has. Files without a known format are left alone, and their names are written
to the log so that you can look at them later.

You should close a file as soon as you have read it. The operating system allows only so many open
files for each process, and a program that forgets to close them will stop with an error in the end.

Writing files
-------------

A file is written under another name first, and gets its own name when all of it is there. This way
nobody who reads at the same time will see half of a file. The old file is replaced in one step.

There is a setting for the size of the buffer, which is large enough for most uses. Set `buffer` to
a smaller value if the machine has little memory, or to a larger one if the disk is slow.
"""


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a corpus and a tokenizer."""
    folder = tmp_path_factory.mktemp("run")
    documents, functions = [], []
    for part in get_args(Part):
        for module in (argparse, textwrap, shlex):
            text, path = inspect.getsource(module), f"python/{module.__name__}.py"
            documents.append(corpus.Document("python", path, "code", part, text))
            functions += functions_of(text, path, part)
        text = prose.document(PROSE)
        documents.append(corpus.Document("guide", "guide/files.rst", "prose", part, text))
    corpus.write(folder, documents, functions)
    texts = [document.text for document in documents]
    tokenizer.train(texts).save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="session")
def sampler(run: Path) -> Sampler:
    """Draws from the training part of the tiny corpus."""
    return Sampler(Corpus(run), Tokenizer.from_file(str(run / "tokenizer.json")))
