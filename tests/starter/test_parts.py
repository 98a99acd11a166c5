"""What is learned, looked at and measured are different texts, and a training may go on."""

import io
import shutil
import tarfile
from pathlib import Path

import torch
from safetensors.torch import load_file

from tests.starter.test_shipped import STARTER
from tools.starter import corpus, history
from tools.starter.corpus import Source
from tools.starter.train import Training

CODE = "".join(f"def number_{n}(value):\n    return value + {n}\n\n\n" for n in range(40))


def archive(folder: Path, source: Source, files: int) -> None:
    metadata = f"Name: {source.name}\nLicense: {source.licence}\n"
    contents = {f"m{n}.py": f"# {source.name} {n}\n{CODE}" for n in range(files)}
    with tarfile.open(folder / f"{source.name}-{source.version}.tar.gz", "w:gz") as packed:
        for name, text in {"PKG-INFO": metadata, **contents}.items():
            entry = tarfile.TarInfo(f"{source.name}-{source.version}/{name}")
            entry.size = len(text)
            packed.addfile(entry, io.BytesIO(text.encode()))


def test_a_held_out_package_is_held_out_whole(tmp_path: Path) -> None:
    learned = Source("learned", "1.0", "MIT", "sdist")
    held_out = Source("measured", "1.0", "MIT", "sdist", "held out")
    for source in (learned, held_out):
        archive(tmp_path, source, 200)
    parts = [document.part for document in corpus.read_source((tmp_path, learned))]
    assert set(parts) == {"train", "development"}
    assert 0 < parts.count("development") < 20
    measured = corpus.read_source((tmp_path, held_out))
    assert len(measured) == 200 and {document.part for document in measured} == {"held out"}


def test_the_packages_to_measure_on_are_none_that_an_earlier_version_learned() -> None:
    held_out = [source for source in corpus.sources() if source.part == "held out"]
    card = (STARTER / "MODEL_CARD.md").read_text()
    assert held_out and all(f"| {source.name} |" not in card for source in held_out)


def test_a_training_goes_on_from_shipped_weights(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("checkpoint.pt"))  # of other tests
    shutil.copyfile(STARTER / "tokenizer.json", folder / "tokenizer.json")
    training = Training(folder, seed=1)
    training.load(STARTER)
    shipped = load_file(STARTER / "model.safetensors")
    began = training.model.state_dict()
    assert all(torch.equal(began[name].bfloat16(), value) for name, value in shipped.items())
    start = history.Start.read(folder)
    assert start is not None and start == history.Start.of(STARTER) and start.tokens > 0

    training.step = 5
    training.save()
    resumed = Training(folder, seed=1)
    with torch.no_grad():
        next(resumed.model.parameters()).zero_()
    resumed.load(STARTER)
    assert resumed.step == 5, "a checkpoint counts for more than what it began with"
