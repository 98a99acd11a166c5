"""A real Neovim without a screen, for tests to type into."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pynvim
import pytest

PLUGIN = Path(__file__).parents[2] / "editors" / "nvim"
ASSISTANT = Path(sys.executable).parent / "assistant"
PATIENCE = 120.0
"""Seconds; the model is loaded within them, on a busy machine too."""
_OLDEST = (0, 12)
_QUESTION = "r?"
"""The mode in which Neovim waits for a yes or no."""

_INIT = """
vim.opt.runtimepath:append([[{plugin}]])
_G.ended, _G.told, _G.asked, _G.answers = {{}}, {{}}, 0, 0
vim.notify = function(text)
  table.insert(_G.told, text)
end
vim.api.nvim_create_autocmd("LspProgress", {{
  callback = function(event)
    if event.data.params.value.kind == "end" then
      table.insert(_G.ended, true)
    end
  end,
}})
vim.api.nvim_create_autocmd("LspRequest", {{
  callback = function(event)
    local request = event.data.request
    if request.method == "textDocument/inlineCompletion" then
      _G.asked = _G.asked + (request.type == "pending" and 1 or 0)
      _G.answers = _G.answers + (request.type == "complete" and 1 or 0)
    end
  end,
}})
function _G.nowhere()
  local params = vim.lsp.util.make_range_params(0, "utf-8")
  params.context = {{ diagnostics = {{}}, only = {{ "nothing" }} }}
  return params
end
require("assistant").setup({{ cmd = {{ [[{command}]], "lsp" }} }})
"""
_GHOST_TEXT = """
local space = vim.api.nvim_create_namespace("nvim.lsp.inline_completion")
local shown = {}
for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true })) do
  local lines = { mark[4].virt_text, unpack(mark[4].virt_lines or {}) }
  for _, line in ipairs(lines) do
    table.insert(shown, line[1][1])
  end
end
return table.concat(shown, "\\n")
"""


_HAS_SEVERAL = """
local all = require("vim.lsp._capability").all.inline_completion.active
local completor = all[vim.api.nvim_get_current_buf()]
return completor ~= nil and completor.current ~= nil and completor:count_items() > 1
"""


def find_neovim() -> str:
    """The editor to test with. Skips the test where there is none, and fails it on CI."""
    named = os.environ.get("ASSISTANT_TEST_NVIM") or shutil.which("nvim")
    problem = "Neovim is not installed"
    if named:
        output = subprocess.run([named, "--version"], capture_output=True, text=True, check=True)
        found = re.match(r"NVIM v(\d+)\.(\d+)", output.stdout)
        if found and (int(found[1]), int(found[2])) >= _OLDEST:
            return named
        problem = f"{named} is older than Neovim 0.12, which is the first with ghost text"
    reason = (
        f"{problem}: install Neovim 0.12 (https://neovim.io), or name it in ASSISTANT_TEST_NVIM"
    )
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class Neovim:
    """One editor with the plugin, and what a test wants to know of it."""

    def __init__(self, executable: str, folder: Path) -> None:
        """`folder` gets the user's `init.lua`."""
        init = folder / "init.lua"
        init.write_text(_INIT.format(plugin=PLUGIN, command=ASSISTANT))
        arguments = [executable, "--headless", "--embed", "--clean", "-u", str(init)]
        self._nvim: Any = pynvim.attach("child", argv=arguments)

    def lua(self, code: str, *arguments: object) -> Any:
        return self._nvim.exec_lua(code, *arguments)

    def open(self, path: Path) -> None:
        """Edit a file, and wait until the language server is there."""
        self._nvim.command(f"edit {path}")
        self.wait(
            "the server",
            lambda: self.lua(
                "local c = vim.lsp.get_clients({ name = 'assistant', bufnr = 0 })[1]"
                " return c ~= nil and c.initialized"
            ),
        )

    def type(self, keys: str) -> None:
        self._nvim.input(keys)

    def type_until_ghost_text(self, *keys: str) -> None:
        """Type on until there is ghost text: a model may have nothing to say at a place."""
        for some in keys:
            before = self.lua("return _G.answers")
            self.type(some)
            self.wait("answer", lambda: self.lua("return _G.answers") > before)  # noqa: B023
            self.lua("vim.wait(50, function() return false end)")
            if self.ghost_text:
                return
        raise AssertionError(f"no ghost text anywhere along {self.text!r}")

    def asked(self, command: str, key: str) -> None:
        """Run a command that leads to a question, and answer that with a key."""
        # Without a screen, Neovim answers its questions by itself.
        self._nvim.ui_attach(100, 50)
        self._nvim.command("set cmdheight=20")  # so that it never waits for the enter key
        self._nvim.command(command)
        self._wait_mode(lambda mode: mode == _QUESTION)
        self._nvim.input(key)
        self._wait_mode(lambda mode: mode != _QUESTION)
        self._nvim.ui_detach()

    def _wait_mode(self, fits: Callable[[str], bool]) -> None:
        """Wait without the editor's help: while it asks a question, it does nothing else."""
        end = time.monotonic() + PATIENCE
        while not fits(mode := self._nvim.api.get_mode()["mode"]):
            assert time.monotonic() < end, f"still in the mode {mode}"
            time.sleep(0.02)

    def command(self, command: str) -> None:
        self._nvim.command(command)

    @property
    def text(self) -> str:
        lines: list[str] = self.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, true)")
        return "\n".join(lines)

    @property
    def ghost_text(self) -> str:
        return str(self.lua(_GHOST_TEXT))

    @property
    def has_several(self) -> bool:
        """Whether there are several suggestions to choose from."""
        return bool(self.lua(_HAS_SEVERAL))

    @property
    def first_lines(self) -> list[str]:
        """The first line of what each window shows."""
        lines: list[str] = self.lua(
            """
            return vim.iter(vim.fn.getwininfo()):map(function(window)
              return vim.fn.getbufline(window.bufnr, 1)[1]
            end):totable()
            """
        )
        return lines

    @property
    def told(self) -> list[str]:
        """The messages that the user has seen."""
        messages: list[str] = self.lua("return _G.told")
        return messages

    def wait(self, what: str, holds: Callable[[], object]) -> None:
        """Look again and again, letting the editor go on between."""
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, f"no {what}; told {self.told}, text {self.text!r}"
            self.lua("vim.wait(20, function() return false end)")

    def wait_work_ended(self) -> None:
        """Wait for the end of a work with progress, such as the loading of the model."""
        self.wait("the end of the work", lambda: self.lua("return #_G.ended > 0"))
        self.lua("_G.ended = {}")

    def close_server(self) -> None:
        """End the language server, which writes all that it has to record."""
        # A request is sent behind all edits, which wait for a while to be sent otherwise.
        self.lua("vim.lsp.buf_request_sync(0, 'textDocument/codeAction', _G.nowhere(), 5000)")
        self.lua("vim.lsp.enable('assistant', false)")
        self.wait("the server's end", lambda: not self.lua("return #vim.lsp.get_clients() > 0"))

    def close(self) -> None:
        self.close_server()
        with contextlib.suppress(EOFError, OSError):  # it is gone before it can answer
            self._nvim.command("quitall!")
        self._nvim.close()
