"""The editors' names of languages, by file ending."""

from pathlib import PurePath

_LANGUAGES = {
    ".bash": "bash", ".c": "c", ".cc": "cpp", ".cjs": "javascript", ".cpp": "cpp", ".cs": "csharp",
    ".css": "css", ".cxx": "cpp", ".go": "go", ".h": "c", ".hh": "cpp", ".hpp": "cpp",
    ".html": "html", ".java": "java", ".js": "javascript", ".json": "json",
    ".jsx": "javascriptreact", ".kt": "kotlin", ".kts": "kotlin", ".lua": "lua",
    ".md": "markdown", ".mjs": "javascript", ".php": "php", ".py": "python", ".pyi": "python",
    ".rb": "ruby", ".rs": "rust", ".rst": "restructuredtext", ".sh": "bash", ".sql": "sql",
    ".swift": "swift", ".toml": "toml", ".ts": "typescript", ".tsx": "typescriptreact",
    ".txt": "plaintext", ".yaml": "yaml", ".yml": "yaml",
}  # fmt: skip


LANGUAGES = frozenset(_LANGUAGES.values())
"""All that are known here."""


def language_of(path: str | PurePath) -> str:
    """The language of a file, or an empty text."""
    return _LANGUAGES.get(PurePath(path).suffix.lower(), "")
