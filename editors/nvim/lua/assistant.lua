--- The assistant's language server in Neovim 0.12 or newer. It has no logic of its own: what can
--- be done and how is the server's business.
local M = {}

local defaults = {
  --- What starts the language server.
  cmd = { "assistant", "lsp" },
  --- Filetypes to attach to; nil is all of them.
  filetypes = nil,
  --- Settings of the server, such as { completion = { disabledLanguages = { "markdown" } } }.
  settings = {},
  --- Accepts the ghost text; where there is none, the key does what it did before. False: no key.
  accept_key = "<Tab>",
  --- Accept its next word, and its next line; false for no key.
  accept_word_key = "<M-Right>",
  accept_line_key = "<M-Down>",
}

local parts = {
  word = [=[^\_s*\(\k\+\|[^[:keyword:][:space:]]\+\)]=],
  line = [[^\n*[^\n]*]],
}

local commands = {
  AssistantExplain = { "assistant.explain", "Explain the selection, or the function at the cursor" },
  AssistantCode = { "refactor.rewrite.assistant.commentToCode", "Write the code for a comment" },
  AssistantPolish = { "refactor.rewrite.assistant.polish", "Polish the selection or the paragraph" },
  AssistantExpand = { "refactor.rewrite.assistant.expand", "Expand the selection or the paragraph" },
  AssistantShorten = { "refactor.rewrite.assistant.shorten", "Shorten the selection or the paragraph" },
  AssistantTranslate = { "refactor.rewrite.assistant.translate", "Translate between Chinese and English" },
  AssistantDocument = { "refactor.rewrite.assistant.document", "Document the function at the cursor" },
  AssistantFix = { "quickfix.assistant", "Fix the problem at the cursor" },
  AssistantTest = { "refactor.rewrite.assistant.writeTest", "Write a test for the function at the cursor" },
  AssistantNames = { "assistant.suggestNames", "Suggest better names for what is at the cursor" },
  AssistantContinue = { "refactor.rewrite.assistant.continue", "Go on writing at the cursor" },
}

--- Until a newer suggestion comes, Neovim shows the old one behind letters that are typed into it,
--- but would insert it in front of them. Puts the rest of it at the cursor instead.
local function rest_of(item)
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  if item.range.end_row ~= row - 1 then
    return ""
  end
  local typed = vim.api.nvim_get_current_line():sub(item.range.end_col + 1, column)
  return vim.startswith(item.insert_text, typed) and item.insert_text:sub(#typed + 1) or ""
end

local function put(text)
  vim.api.nvim_put(vim.split(text, "\n", { plain = true }), "c", false, true)
end

local function accept_rest(item)
  if not item.range or type(item.insert_text) ~= "string" then
    return item
  end
  local rest = rest_of(item)
  if rest == item.insert_text then
    return item
  elseif rest ~= "" then
    put(rest)
  end
end

--- Makes what comes next a change of its own for |u|.
local function break_undo()
  vim.bo.undolevels = vim.bo.undolevels
end

--- Accepts the ghost text at the cursor. Returns whether there was any.
function M.accept()
  local accepted = vim.lsp.inline_completion.get({
    on_accept = function(item)
      break_undo()
      return accept_rest(item)
    end,
  })
  if accepted then
    vim.schedule(break_undo)
  end
  return accepted
end

--- Accepts the next "word" or "line" of the ghost text; what is left of it is suggested again.
--- Returns whether there was any.
function M.accept_part(kind)
  return vim.lsp.inline_completion.get({
    on_accept = function(item)
      if item.range and type(item.insert_text) == "string" then
        put(vim.fn.matchstr(rest_of(item), parts[kind]))
      end
    end,
  })
end

local function map_accept(key, accept)
  if not key then
    return
  end
  local before = vim.fn.maparg(key, "i", false, true)
  vim.keymap.set("i", key, function()
    if accept() then
      return ""
    elseif before.callback then
      return before.callback() or ""
    end
    return before.rhs or key
  end, { expr = true, desc = "Accept the assistant's suggestion" })
end

local function execute(command, argument)
  for _, client in ipairs(vim.lsp.get_clients({ name = "assistant" })) do
    client:exec_cmd({ title = command, command = command, arguments = { argument } })
  end
end

local function show_context()
  execute("assistant.showContext", vim.uri_from_bufnr(0))
end

local function define_commands()
  for name, command in pairs(commands) do
    vim.api.nvim_create_user_command(name, function(args)
      local range
      if args.range > 0 then
        local last = vim.fn.getline(args.line2)
        range = { start = { args.line1, 0 }, ["end"] = { args.line2, math.max(#last - 1, 0) } }
      end
      vim.lsp.buf.code_action({ apply = true, range = range, context = { only = { command[1] } } })
    end, { range = true, desc = command[2] })
  end
  vim.api.nvim_create_user_command("AssistantContext", show_context, {
    desc = "Show what the last suggestion in this buffer was made from",
  })
  vim.api.nvim_create_user_command("AssistantToggle", function()
    execute("assistant.toggleSuggestions")
  end, { desc = "Turn suggestions while you type off, or on again" })
  vim.api.nvim_create_user_command("AssistantSnooze", function(args)
    execute("assistant.snoozeSuggestions", tonumber(args.args) or 60)
  end, { nargs = "?", desc = "Turn suggestions off for some minutes, or for an hour" })
end

--- Starts the assistant in every buffer from now on.
function M.setup(options)
  if vim.fn.has("nvim-0.12") == 0 then
    vim.notify("assistant: Neovim 0.12 or newer is needed", vim.log.levels.ERROR)
    return
  end
  local chosen = vim.tbl_extend("force", defaults, options or {})
  vim.lsp.config("assistant", {
    cmd = chosen.cmd,
    filetypes = chosen.filetypes,
    root_markers = { ".git" },
    settings = { assistant = chosen.settings },
  })
  vim.api.nvim_create_autocmd("LspAttach", {
    group = vim.api.nvim_create_augroup("assistant", {}),
    callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if client and client.name == "assistant" then
        vim.lsp.inline_completion.enable(true, { client_id = client.id })
      end
    end,
  })
  vim.lsp.enable("assistant")
  map_accept(chosen.accept_key, M.accept)
  map_accept(chosen.accept_word_key, function()
    return M.accept_part("word")
  end)
  map_accept(chosen.accept_line_key, function()
    return M.accept_part("line")
  end)
  define_commands()
end

return M
