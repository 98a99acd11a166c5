"""Records what is suggested in the editor and what becomes of it, without holding anything up.

All is decided in memory; one thread of its own writes, in order. What goes wrong with the disk is
told once and disturbs nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from assistant.completion.edit_watch import EditWatch
from assistant.completion.needed import Loop, OpenDocument, Timer
from assistant.completion.outcome import Watch
from assistant.edit import Edit
from assistant.history import Consent, History, Outcome, Suggestion, Writer
from assistant.messages import CompletionRequest

LOOK_SECONDS = 300.0
"""When to look what still stands there."""
_AROUND = 256
_READ = 4_000
"""Characters before a text that an action put in, which say what it goes on from."""
_MOST = 100
"""So many suggestions of one document are watched; the oldest that was not taken makes room."""
_COMPLETION = "completion"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a suggestion comes from."""

    model: str
    adapter: str | None = None
    kind: str = _COMPLETION
    """Or the name of an action."""


@dataclass(slots=True, eq=False)
class _Watched:
    id: str
    path: str
    watch: Watch | EditWatch
    timer: Timer
    watched: bool = True
    """Whether its watch is this thread's still."""
    rivals: "list[_Watched]" = field(default_factory=list)
    """All that were shown for the place at once, in their order, itself among them; empty for one
    that was alone."""

    @property
    def number(self) -> int:
        """Which of them it is."""
        return self.rivals.index(self) if self.rivals else 0


class Recorder:
    """The record of use, for one front end. All but `close` returns at once.

    Use it in the event loop's thread. `enabled` alone is called in the writer's thread, as it may
    read files: it gets a file's path, or an empty one, and says whether to record what happens
    there.
    """

    def __init__(
        self,
        history: History,
        *,
        enabled: Callable[[str], bool],
        on_trouble: Callable[[str], None],
        on_outcome: Callable[[str, Outcome], None] = lambda suggestion, outcome: None,
        workspace: Callable[[str], str] = lambda path: "",
        loop: Callable[[], Loop] = asyncio.get_running_loop,
    ) -> None:
        """`on_trouble` is told of each problem once, and `on_outcome` of every change of what is
        known of a completion, by its id; both in the event loop. `workspace` says which folder of
        the editor's a file belongs to."""
        self._writer = Writer(history, enabled, self.tell)
        self._on_trouble = on_trouble
        self._on_outcome = on_outcome
        self._workspace = workspace
        self._get_loop = loop
        self._loop: Loop | None = None
        self._told: set[str] = set()
        self._open: dict[str, list[_Watched]] = {}
        self._ended = False

    @classmethod
    def of_user(
        cls,
        *,
        on_trouble: Callable[[str], None],
        on_outcome: Callable[[str, Outcome], None] = lambda suggestion, outcome: None,
        workspace: Callable[[str], str] = lambda path: "",
    ) -> "Recorder":
        """The user's own record, where the settings and the project allow it."""
        recorder = cls(
            History(),
            enabled=lambda path: consent.allows(path),
            on_trouble=on_trouble,
            on_outcome=on_outcome,
            workspace=workspace,
        )
        consent = Consent(recorder.tell)
        return recorder

    def shown(
        self,
        document: OpenDocument,
        offset: int,
        text: str,
        request: CompletionRequest,
        origin: Origin,
    ) -> None:
        """`text` is about to be shown at `offset`, an index into this version of the document.

        It must be the newest version. What is left of a suggestion that somebody types along with
        is that same suggestion, and no second one.
        """
        watched = self._open.get(document.uri, [])
        same = next((one for one in watched if _continues(one.watch, offset, text)), None)
        if same is not None:
            watched.remove(same)
            watched.append(same)  # it is the newest again
        if same is not None or not text or self._ended:
            return
        before, after = _around(document, offset, offset)
        watch = Watch(offset, text, before=before, after=after)
        self._begin(document, watch, text, request, origin)

    def also_shown(
        self,
        document: OpenDocument,
        offset: int,
        texts: Sequence[str],
        request: CompletionRequest,
        origin: Origin,
    ) -> None:
        """`texts` are about to be shown at `offset`, each instead of what was shown there last."""
        watched = self._open.get(document.uri, [])
        if not watched or self._ended:
            return
        first = watched[-1]
        rivals = first.rivals = [first]
        before, after = _around(document, offset, offset)
        for text in texts:
            one = next((old for old in watched if _continues(old.watch, offset, text)), None)
            if one is None:
                watch = Watch(offset, text, before=before, after=after)
                one = self._begin(document, watch, text, request, origin)
            one.rivals = rivals
            rivals.append(one)
        watched.remove(first)
        watched.append(first)  # it is the newest again

    def offered(self, document: OpenDocument, edit: Edit, origin: Origin) -> str:
        """The editor is about to be asked for an edit of this version of the document, the newest.

        The prefix of the record is what it replaces, or, where that is nothing, some of what
        stands before. Returns the record's id, for `answered`.
        """
        if self._ended:
            return ""
        old = document.text[edit.start : edit.end]
        before, after = _around(document, edit.start, edit.end)
        watch = EditWatch(edit.start, old, edit.text, before, after)
        read = document.text[max(0, edit.start - _READ) : edit.start]
        return self._begin(document, watch, edit.text, CompletionRequest(old or read), origin).id

    def answered(self, uri: str, ids: Sequence[str], *, applied: bool, seen: bool = True) -> None:
        """The editor has answered for edits that were offered.

        Where it is not `seen` what stands in the document, as that is not open, the answer is all
        that there is to know.
        """
        for one in [one for one in self._open.get(uri, ()) if one.id in ids]:
            if not isinstance(one.watch, EditWatch) or self._loop is None:
                continue
            if not applied and one.watch.refuse():
                self._settle(one)
            if applied and not seen:
                one.watch.accept(self._loop.time())
                self._settle(one)
                self._forget(uri, one)

    def changed(self, uri: str, edits: Sequence[Edit]) -> None:
        """The document was edited; each edit is one of the text that the one before it left."""
        if not (watched := self._open.get(uri)) or self._loop is None:
            return
        now = self._loop.time()
        # All edits of one message, as one change of what is known.
        news = [one for one in watched if any([one.watch.edit(edit, now) for edit in edits])]
        for one in sorted(news, key=_rank):
            self._settle(one)

    def watches(self, uri: str) -> bool:
        """Whether edits of a document may say what became of something."""
        return uri in self._open

    def accepted(self, uri: str, characters: int | None = None, number: int = 0) -> None:
        """The editor says that the newest suggestion was accepted, or only so many characters.

        `number` says which, where several were shown at once. May come before or after the edit
        itself, and need not come at all.
        """
        watched = self._open.get(uri, ())
        newest = next((one for one in reversed(watched) if isinstance(one.watch, Watch)), None)
        if newest is None or self._loop is None:
            return
        if number < len(newest.rivals):
            newest = newest.rivals[number]
        watch = newest.watch
        if isinstance(watch, Watch) and watch.accepted(characters, self._loop.time()):
            self._settle(newest)

    def closed(self, uri: str) -> None:
        """The document is not open any more: what stands there now is what there is to know."""
        for one in list(self._open.get(uri, ())):
            self._look(uri, one)

    def close(self) -> None:
        """Look at everything once more, and wait until all is written. Raises nothing."""
        self._ended = True
        for uri in list(self._open):
            self.closed(uri)
        self._writer.close()

    def tell(self, problem: str) -> None:
        """Report a problem, unless it was reported before; from any thread."""
        if problem in self._told or self._loop is None:
            return
        self._told.add(problem)
        with suppress(RuntimeError):  # the loop has ended, and nobody would see it
            self._loop.call_soon_threadsafe(lambda: self._on_trouble(problem))

    def _begin(
        self,
        document: OpenDocument,
        watch: Watch | EditWatch,
        text: str,
        request: CompletionRequest,
        origin: Origin,
    ) -> _Watched:
        self._loop = self._get_loop()
        suggestion = Suggestion(
            text=text,
            prefix=request.prefix,
            suffix=request.suffix,
            path=document.path,
            workspace=self._workspace(document.path),
            language=document.language,
            model=origin.model,
            adapter=origin.adapter,
            kind=origin.kind,
            fate=watch.fate,
        )
        self._writer.put(document.path, lambda history: history.add(suggestion))
        timer = self._loop.call_later(LOOK_SECONDS, lambda: self._look(document.uri, one))
        one = _Watched(suggestion.id, document.path, watch, timer)
        watched = self._open.setdefault(document.uri, [])
        watched.append(one)
        if len(watched) > _MOST:
            oldest = next((old for old in watched if not old.watch.taken), watched[0])
            self._look(document.uri, oldest)
        return one

    def _settle(self, one: _Watched) -> None:
        """Write what is known of one, and that its rivals were not chosen if it was."""
        self._write(one)
        if not isinstance(one.watch, Watch):
            return
        taken = one.watch.taken
        others = [rival for rival in one.rivals if rival is not one and rival.watched]
        # Several that were shown at once are refused as one.
        if taken or (one.number == 0 and not any(rival.watch.taken for rival in others)):
            self._on_outcome(one.id, one.watch.fate.outcome)
        for rival in others if taken else ():
            rival.watch.refuse()
            self._write(rival)

    def _write(self, one: _Watched) -> None:
        fate = one.watch.fate
        self._writer.put(one.path, lambda history: history.settle(one.id, fate))

    def _look(self, uri: str, one: _Watched) -> None:
        """See what stands there now, and watch it no longer."""
        self._forget(uri, one)
        # Nobody else has the watch now, and comparing texts is too slow for this thread.
        self._writer.put(one.path, lambda history: history.settle(one.id, one.watch.settled()))

    def _forget(self, uri: str, one: _Watched) -> None:
        one.timer.cancel()
        one.watched = False
        self._open[uri].remove(one)
        if not self._open[uri]:
            del self._open[uri]


def _continues(watch: Watch | EditWatch, offset: int, text: str) -> bool:
    return isinstance(watch, Watch) and watch.continues(offset, text)


def _rank(one: _Watched) -> tuple[int, int]:
    """Those first that were surely taken: what one holds, another may begin with."""
    outcomes = ("accepted", "typed", "accepted_part")
    outcome = one.watch.fate.outcome
    return outcomes.index(outcome) if outcome in outcomes else len(outcomes), one.number


def _around(document: OpenDocument, start: int, end: int) -> tuple[str, str]:
    """Some of the text before a place and behind it."""
    text = document.text
    return text[max(0, start - _AROUND) : start], text[end : end + _AROUND]
