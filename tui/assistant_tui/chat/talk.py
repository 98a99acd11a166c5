"""The open conversation: read, gone on with, branched, and answered."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TextArea

from assistant.history import Attachment, Chat, HistoryError, Turn, TurnTree, title_of
from assistant.history.chat_export import conversation
from assistant.messages import Conversation
from assistant_tui.chat.answering import Answering
from assistant_tui.chat.archive import Archive
from assistant_tui.chat.composer import Composer, QuestionText
from assistant_tui.chat.dialogue import Dialogue
from assistant_tui.chat.draft import NEW, SECONDS, Draft
from assistant_tui.chat.notice import notice
from assistant_tui.chat.turn_view import TurnView
from assistant_tui.controls import visible
from assistant_tui.model import Model, ModelState

UNTITLED = "New conversation"
_OTHERWISE = "Ask it otherwise, as a branch  (Esc leaves)"
_STILL = "The answer is still being written: Esc stops it."


class Talk(Vertical):
    """One conversation at a time is shown; others may be answered meanwhile."""

    class Changed(Message):
        """The conversation that is shown, or the list of them, is another."""

    class Came(Message):
        """Something of an answer."""

        def __init__(self, answering: Answering) -> None:
            super().__init__()
            self.answering = answering

    class Grew(Came):
        """There is more of it."""

    class Ended(Came):
        """There is all of it."""

    def __init__(self, archive: Archive, model: Model) -> None:
        super().__init__(id="talk", classes="framed")
        self.chat = Chat(UNTITLED)
        self.branches = TurnTree()
        self._archive = archive
        self._model = model
        self._state: ModelState | None = None
        self._draft = Draft(archive, lambda: self.composer.text, self._warn)
        self._attached: dict[tuple[str, str], tuple[Attachment, ...]] = {}
        """What is attached at the places that are not written at now."""
        self._alone = asyncio.Lock()
        """Keys, the list and answers change the conversation one after the other."""
        self._answers: dict[str, Answering] = {}
        self._problems: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """What was said, how it stands, and the next question."""
        yield Dialogue()
        yield Static(id="notice")
        yield Composer()

    @property
    def path(self) -> tuple[Turn, ...]:
        """The branch that is shown."""
        return self.branches.path(self.chat.leaf)

    @property
    def writing(self) -> set[str]:
        """The conversations that are answered now."""
        return set(self._answers)

    @property
    def composer(self) -> Composer:
        """Where the next question is written."""
        return self.query_one(Composer)

    # Which conversation ------------------------------------------------------------------------

    async def open(self, chat: Chat) -> None:
        """Show a conversation, with what was typed in it. Raises HistoryError."""
        async with self._alone:
            tree = await self._archive.tree(chat)
            if (found := self._answers.get(chat.id)) is not None:
                tree = _with(tree, found.turn)
            await self._go_to((chat.id, ""))
            self.chat, self.branches = chat, tree
            await self._show(afresh=True)

    async def begin(self) -> None:
        """Show a new conversation. Raises HistoryError."""
        async with self._alone:
            await self._begin()

    @on(QuestionText.Begun)
    async def _begun(self, event: QuestionText.Begun) -> None:
        async with self._alone:
            await self._kept(self._begin(event.text))

    async def _begin(self, taken: str | None = None) -> None:
        await self._go_to(NEW, taken=taken)
        self.chat, self.branches = Chat(UNTITLED, model=self.chat.model), TurnTree()
        await self._show(afresh=True)

    async def change(self, key: str, change: Callable[[Chat], Chat]) -> None:
        """Give the conversation another title, system text or model, if it is still the open one.

        Raises HistoryError.
        """
        async with self._alone:
            if key != self.chat.id:
                return
            self.chat = chat = change(self.chat)
            if chat.title != UNTITLED or chat.system or self.branches.turns:
                await self._archive.save(chat)
            self.post_message(self.Changed())

    async def _show(self, *, afresh: bool = False) -> None:
        if (found := self._answers.get(self.chat.id)) and found.turn.id in self.branches:
            self.branches = self.branches.replaced(found.turn)  # it has grown since
        await self.query_one(Dialogue).show(self.branches, self.path, afresh=afresh)
        self._tell()
        self.post_message(self.Changed())

    # The question ------------------------------------------------------------------------------

    @on(TextArea.Changed)
    def _typed(self) -> None:
        self._draft.soon(lambda: self.set_timer(SECONDS, self._draft.keep))

    @on(QuestionText.Sent)
    async def _sent(self, event: QuestionText.Sent) -> None:
        async with self._alone:
            if self.chat.id in self._answers:
                self.app.notify(_STILL)
                self._put_back(event.text)
            else:
                await self._send(event.text)

    def _put_back(self, text: str) -> None:
        """It is not sent: it stands there again, with what was typed since."""
        self.composer.put(text + self.composer.text, self.composer.attachments)

    async def _send(self, text: str) -> None:
        edited, path = self._draft.place[1], self.path
        parent = self.branches[edited].parent if edited else path[-1].id if path else None
        question = Turn("user", text, parent, self.composer.attachments)
        title = title_of(text) if self.chat.title == UNTITLED else self.chat.title
        chat = replace(self.chat, title=title, leaf=question.id, changed=datetime.now(UTC))
        try:
            await self._archive.ask(chat, question, self._draft.place)
            other = await self._archive.draft((chat.id, "")) if edited else ""
        except HistoryError as error:
            self._warn(str(error))
            self._put_back(text)
            return
        self.chat, self.branches = chat, self.branches.added(question)
        text = other + self._draft.sent((chat.id, ""))
        self.composer.put(text, self._attached.pop((chat.id, ""), ()))
        await self._show()
        self._ask(question)

    def again(self) -> None:
        """Ask the question at the end again, or that of the answer that has the focus."""
        focused = self.screen.focused
        turn = focused.turn if isinstance(focused, TurnView) else None
        turn = turn or (self.path[-1] if self.path else None)
        if turn is not None and turn.speaker == "assistant" and turn.parent is not None:
            turn = self.branches[turn.parent]
        if turn is None:
            self.app.notify("Nothing was asked yet.")
        elif self.chat.id in self._answers:
            self.app.notify(_STILL)
        else:
            self._ask(turn)

    @on(TurnView.Edited)
    async def _edit(self, event: TurnView.Edited) -> None:
        async with self._alone:
            turn = event.turn
            await self._kept(self._go_to((self.chat.id, turn.id), turn.text, turn.attachments))
            self.composer.field.focus()

    async def _go_to(
        self,
        place: tuple[str, str],
        begin: str = "",
        attachments: tuple[Attachment, ...] = (),
        taken: str | None = None,
    ) -> None:
        """Write at another place, with what was typed and attached there (see `Draft.move`)."""
        self._attached[self._draft.place] = self.composer.attachments
        text = await self._draft.move(place, begin, taken)
        self.composer.put(text, self._attached.pop(place, attachments))
        self._tell()

    async def leave(self) -> bool:
        """Stop the answer, or leave what is edited; returns whether there was something to leave.

        What was changed of an earlier question is kept, and there again when that is edited.
        """
        if (found := self._answers.get(self.chat.id)) is not None:
            found.stop()
            return True
        async with self._alone:
            edited = self._draft.place[1]
            if not edited:
                return False
            if self.composer.text == self.branches[edited].text:
                self.composer.put("")
            await self._kept(self._go_to((self.chat.id, "")))
            return True

    def attach(self, attachment: Attachment) -> None:
        """Send a file along with the next question."""
        others = [one for one in self.composer.attachments if one.path != attachment.path]
        self.composer.attach((*others, attachment))

    def detach(self) -> None:
        """Take away the file that was attached last."""
        self.composer.attach(self.composer.attachments[:-1])

    # The answer --------------------------------------------------------------------------------

    def _ask(self, question: Turn) -> None:
        self._problems.pop(self.chat.id, None)
        answering = Answering(self._archive, self._model, self.chat, question)
        said = conversation(self.branches.until(question.id), self.chat.system)
        self._answers[self.chat.id] = answering
        self._answer(answering, said)
        self._tell()
        self.post_message(self.Changed())

    @work(group="answers")
    async def _answer(self, answering: Answering, said: Conversation) -> None:
        await answering.run(said, lambda piece: self._grew(answering))
        self.post_message(self.Ended(answering))

    def _grew(self, answering: Answering) -> None:
        self.post_message(self.Grew(answering))

    @on(Grew)
    async def _more(self, event: Grew) -> None:
        async with self._alone:
            await self._grow(event.answering)

    async def _grow(self, answering: Answering) -> None:
        turn = answering.turn
        if answering.chat.id != self.chat.id or not turn.text:
            return
        if turn.id not in self.branches:
            self.branches = self.branches.added(turn)
            self.chat = replace(self.chat, leaf=turn.id)
            await self._show()
        elif (view := self.query_one(Dialogue).view(turn.id)) is not None:
            view.grow(turn)

    @on(Ended)
    async def _ended(self, event: Ended) -> None:
        async with self._alone:
            answering = event.answering
            await self._grow(answering)
            del self._answers[answering.chat.id]
            if answering.problem:
                self._problems[answering.chat.id] = answering.problem
            turn = answering.turn
            if answering.chat.id == self.chat.id and turn.id in self.branches:
                self.branches = self.branches.replaced(turn)
                if (view := self.query_one(Dialogue).view(turn.id)) is not None:
                    await view.finish(turn)
            self._tell()
            self.post_message(self.Changed())

    async def finish(self) -> None:
        """Stop all answers and write everything."""
        answers = list(self._answers.values())
        for answering in answers:
            answering.stop()
        for answering in answers:
            await answering.ended.wait()
        await self._draft.keep()

    # Branches and ratings ----------------------------------------------------------------------

    @on(TurnView.Stepped)
    async def _step(self, event: TurnView.Stepped) -> None:
        async with self._alone:
            siblings = self.branches.siblings(event.turn.id)
            at = [turn.id for turn in siblings].index(event.turn.id) + event.by
            if not 0 <= at < len(siblings):
                return
            self.chat = replace(self.chat, leaf=self.branches.below(siblings[at].id))
            await self._kept(self._archive.save(self.chat))  # before the list is read again
            await self._show()
            if (view := self.query_one(Dialogue).view(siblings[at].id)) is not None:
                view.focus()

    @on(TurnView.Rated)
    async def _rate(self, event: TurnView.Rated) -> None:
        async with self._alone:
            turn = replace(self.branches[event.turn.id], thumb=event.turn.thumb)
            if (found := self._answers.get(self.chat.id)) and found.turn.id == turn.id:
                turn = found.turn = replace(found.turn, thumb=turn.thumb)
            self.branches = self.branches.replaced(turn)
            await self._show()
            await self._kept(self._archive.rate(turn))

    @on(TurnView.Left)
    def _to_composer(self) -> None:
        self.composer.field.focus()

    @on(QuestionText.Left)
    def _to_turns(self) -> None:
        if views := self.query_one(Dialogue).views:
            views[-1].focus()

    @on(QuestionText.Paged)
    def _page(self, event: QuestionText.Paged) -> None:
        self.query_one(Dialogue).page(event.by)

    async def _kept(self, writing: Coroutine[Any, Any, None]) -> None:
        try:
            await writing
        except HistoryError as error:
            self._warn(str(error))

    def _warn(self, problem: str) -> None:
        self.app.notify(problem, severity="error", timeout=10, markup=False)

    # How it stands -----------------------------------------------------------------------------

    def show_model(self, state: ModelState) -> None:
        """The model is, or isn't, there."""
        self._state = state
        self._tell()

    def _tell(self) -> None:
        """Say in one line what goes on, or went wrong, and what can be done."""
        key = self.chat.id
        problem = self._problems.get(key, "")
        line, style = notice(self._answers.get(key), self._state, problem, self.path)
        shown = self.query_one("#notice", Static)
        shown.display = bool(line)
        shown.update(Content.assemble((visible(line), style)))
        editing = bool(self._draft.place[1])
        self.composer.set_class(editing, "editing")
        self.composer.border_title = (
            "Ask it otherwise, as a branch  (Esc leaves)" if editing else ""
        )


def _with(tree: TurnTree, turn: Turn) -> TurnTree:
    """A tree with a turn as it is now, which it may know in part, or not yet."""
    if turn.id in tree:
        return tree.replaced(turn)
    return tree.added(turn) if turn.text else tree
