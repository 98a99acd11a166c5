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
}

local commands = {
  AssistantExplain = { "assistant.explain", "Explain the selection, or the function at the cursor" },
  AssistantCode = { "refactor.rewrite.assistant.commentToCode", "Write the code for a comment" },
  AssistantPolish = { "refactor.rewrite.assistant.polish", "Polish the selection or the paragraph" },
  AssistantExpand = { "refactor.rewrite.assistant.expand", "Expand the selection or the paragraph" },
  AssistantContinue = { "refactor.rewrite.assistant.continue", "Go on writing at the cursor" },
}

--- Until a newer suggestion comes, Neovim shows the old one behind letters that are typed into it,
--- but would insert it in front of them. Puts the rest of it at the cursor instead.
local function accept_rest(item)
  if not item.range or type(item.insert_text) ~= "string" then
    return item
  end
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local typed_from = item.range.end_col
  if item.range.end_row ~= row - 1 or typed_from == column then
    return item
  end
  local typed = vim.api.nvim_get_current_line():sub(typed_from + 1, column)
  if typed ~= "" and vim.startswith(item.insert_text, typed) then
    local rest = item.insert_text:sub(#typed + 1)
    vim.api.nvim_put(vim.split(rest, "\n", { plain = true }), "c", false, true)
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

local function map_accept(key)
  local before = vim.fn.maparg(key, "i", false, true)
  vim.keymap.set("i", key, function()
    if M.accept() then
      return ""
    elseif before.callback then
      return before.callback() or ""
    end
    return before.rhs or key
  end, { expr = true, desc = "Accept the assistant's suggestion" })
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
  if chosen.accept_key then
    map_accept(chosen.accept_key)
  end
  define_commands()
end

return M
