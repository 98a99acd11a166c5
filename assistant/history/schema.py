"""The tables of the record. A new version appends a script; none is ever changed."""

MIGRATIONS = (
    """
    -- What many suggestions share while somebody types: stored once.
    CREATE TABLE texts (
        id INTEGER PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        text TEXT NOT NULL
    );
    CREATE TABLE suggestions (
        id TEXT PRIMARY KEY NOT NULL,
        time TEXT NOT NULL,
        workspace TEXT NOT NULL,
        path TEXT NOT NULL,
        language TEXT NOT NULL,
        model TEXT NOT NULL,
        adapter TEXT,
        kind TEXT NOT NULL,
        -- The prefix is its head and then its tail.
        head INTEGER NOT NULL REFERENCES texts (id),
        tail TEXT NOT NULL,
        suffix INTEGER NOT NULL REFERENCES texts (id),
        text TEXT NOT NULL,
        outcome TEXT NOT NULL,
        accepted_characters INTEGER NOT NULL,
        replaced_by TEXT,
        similarity REAL CHECK (similarity BETWEEN 0 AND 1)
    );
    CREATE INDEX suggestions_by_time ON suggestions (time);
    CREATE INDEX suggestions_by_head ON suggestions (head);
    CREATE INDEX suggestions_by_suffix ON suggestions (suffix);
    """,
)
