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
    """
    -- Conversations. Nothing of them is made by the editor, and so they are apart from suggestions.
    CREATE TABLE chats (
        id TEXT PRIMARY KEY NOT NULL,
        title TEXT NOT NULL,
        system TEXT NOT NULL,
        model TEXT NOT NULL,
        leaf TEXT,
        changed TEXT NOT NULL,
        -- When it was thrown away; it can be brought back until it is deleted for good.
        thrown TEXT
    );
    CREATE INDEX chats_by_change ON chats (changed);
    CREATE TABLE turns (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        chat TEXT NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
        parent TEXT REFERENCES turns (id) ON DELETE CASCADE,
        speaker TEXT NOT NULL,
        text TEXT NOT NULL,
        model TEXT NOT NULL,
        ended TEXT NOT NULL,
        thumb TEXT NOT NULL,
        time TEXT NOT NULL
    );
    CREATE INDEX turns_by_chat ON turns (chat);
    CREATE INDEX turns_by_parent ON turns (parent);
    CREATE TABLE attachments (
        turn TEXT NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        path TEXT NOT NULL,
        text INTEGER NOT NULL REFERENCES texts (id),
        PRIMARY KEY (turn, number)
    );
    CREATE INDEX attachments_by_text ON attachments (text);
    -- What was typed and not sent: in a conversation, or, with an empty name, in a new one; the
    -- turn is the one that is edited, or empty.
    CREATE TABLE drafts (
        chat TEXT NOT NULL,
        turn TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (chat, turn)
    );
    """,
)
