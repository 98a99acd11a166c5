"""Data for training: in from files, folders, the hub and the record of use; out as samples.

    journal = Journal()
    examples = read_all([Source("chats.json"), Source("src/")], journal)
    rendering = rendering_for("vicuna-13b", max_length=2048)
    for row in pack(samples(examples, rendering, journal), rendering.max_length):
        ...

`sources` reads whatever a user names as examples, `rendering` makes samples of them for one base,
and `importing` mends examples, takes out what is private or comes twice (`prepared`), and keeps
them in a data folder (`import_data`).
"""

from collections.abc import Iterable, Iterator

from assistant_finetune.data.examples import Asked, Chat, Document, Example, Hole
from assistant_finetune.data.forms.kinds import Kind
from assistant_finetune.data.forms.oasst import Paths
from assistant_finetune.data.importing import Choices, Report, import_data, prepared
from assistant_finetune.data.journal import DataError, FileJournal, Journal
from assistant_finetune.data.origin import Origin
from assistant_finetune.data.rendering.base import rendering_for
from assistant_finetune.data.rendering.packing import Row, pack
from assistant_finetune.data.rendering.sample import Learn, Rendering, Sample
from assistant_finetune.data.rendering.samples import samples, samples_of
from assistant_finetune.data.sides import is_held_out, split
from assistant_finetune.data.sources import Source, read_source

__all__ = [
    "Asked",
    "Chat",
    "Choices",
    "DataError",
    "Document",
    "Example",
    "FileJournal",
    "Hole",
    "Journal",
    "Kind",
    "Learn",
    "Origin",
    "Paths",
    "Rendering",
    "Report",
    "Row",
    "Sample",
    "Source",
    "import_data",
    "is_held_out",
    "pack",
    "prepared",
    "read_all",
    "read_source",
    "rendering_for",
    "samples",
    "samples_of",
    "split",
]


def read_all(sources: Iterable[Source], journal: Journal) -> Iterator[Example]:
    """The examples of all sources, in order; see `read_source`."""
    for source in sources:
        for example, _ in read_source(source, journal):
            yield example
