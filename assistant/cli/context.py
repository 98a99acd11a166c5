"""A completion's request with what there is to read beside its file."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.context.budget import reason_against
from assistant.context.kept import Kept
from assistant.context.once import allows, gather_once, project_of
from assistant.context.sent import Sent
from assistant.messages import CompletionRequest

if TYPE_CHECKING:
    from assistant.client import ModelCard


def with_context(request: CompletionRequest, file: Path, card: "ModelCard") -> Sent:
    """`request` for `file`, as it is to be sent to the model of `card`."""
    reason = reason_against(str(file), request.language, card.name, card.reads)
    project = project_of(file)
    if not reason and project is None:
        reason = "the file belongs to no git repository"
    if not reason and not allows(file):
        reason = "the setting `context` is off, here or everywhere"
    kept = Kept()
    if not reason and project is not None:
        before, after = request.prefix, request.suffix
        kept = gather_once(project, file, request.language, before, after, card.context)
        snippets = tuple(piece.snippet for piece in kept.pieces)
        request = replace(request, path=str(file), project=str(project), context=snippets)
    return Sent(request, card.name, card.reads, kept, reason, datetime.now())
