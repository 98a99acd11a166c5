"""Which files hold secrets, by their names: nothing reads or records what stands in these."""

from fnmatch import fnmatchcase
from pathlib import PurePath

_NAMES = (
    ".env*",
    ".git-credentials",
    ".htpasswd",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    ".yarnrc.yml",
    "*.age",
    "*.asc",
    "*.env",
    "*.gpg",
    "*.jks",
    "*.kdbx",
    "*.key",
    "*.keystore",
    "*.ovpn",
    "*.p12",
    "*.pem",
    "*.pfx",
    "*.ppk",
    "*.tfstate",
    "*.tfstate.backup",
    "*.tfvars",
    "_netrc",
    "auth.json",
    "credentials*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "id_rsa*",
    "kubeconfig",
    "secret.*",
    "secrets.*",
    "service-account*.json",
    "service_account*.json",
    "wallet.dat",
)
_FOLDERS = frozenset({".aws", ".azure", ".docker", ".gnupg", ".kube", ".ssh"})
"""Folders of programs that keep keys in them."""


def is_secret(path: str | PurePath) -> bool:
    """Whether a file is one of secrets. Only the names count; nothing is opened."""
    parts = [part.lower() for part in PurePath(path).parts]
    name = parts[-1] if parts else ""
    return any(fnmatchcase(name, pattern) for pattern in _NAMES) or not _FOLDERS.isdisjoint(parts)
