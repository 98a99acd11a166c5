"""Which files hold secrets, by their names: nothing reads or records what stands in these."""

from fnmatch import fnmatchcase
from pathlib import PurePath

_NAMES = (
    ".env*",
    ".git-credentials",
    ".htpasswd",
    ".netrc",
    ".pgpass",
    ".pypirc",
    "*.jks",
    "*.kdbx",
    "*.key",
    "*.keystore",
    "*.p12",
    "*.pem",
    "*.pfx",
    "credentials*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "id_rsa*",
)


def is_secret(path: str | PurePath) -> bool:
    """Whether a file is one of secrets. Only the name counts; nothing is opened."""
    name = PurePath(path).name.lower()
    return any(fnmatchcase(name, pattern) for pattern in _NAMES)
