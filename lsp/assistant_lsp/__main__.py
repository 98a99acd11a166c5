"""`python -m assistant_lsp` is the same as `assistant lsp`."""

from assistant_lsp.server import main

if __name__ == "__main__":
    main()
