"""Tables, migrations, and the settings that a file gets at birth.

A migration is a list of statements with a number; a file's `user_version` says which it has. Numbers are only added.
"""

import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from router.errors import StorageError, StoreTooNew

APPLICATION_ID = 0x504D5347  # "PMSG"
PAGE_SIZE = 16_384
FIXED_VERSION = (3, 51, 3)
"""From this version on SQLite is free of the WAL-reset corruption bug."""
LONG_RECORD = 16_384
"""An outcome record over more positions than this is looked for among the few long ones."""

MIGRATIONS: dict[int, tuple[str, ...]] = {
    1: (
        """CREATE TABLE store (
            id INTEGER PRIMARY KEY CHECK (id = 1), store_id BLOB NOT NULL,
            inbox_next INTEGER NOT NULL DEFAULT 0, inbox_cursor INTEGER NOT NULL DEFAULT 0,
            stream_next INTEGER NOT NULL DEFAULT 0, latest INTEGER NOT NULL DEFAULT 0,
            latest_committed INTEGER NOT NULL DEFAULT 0,
            inbox_bytes INTEGER NOT NULL DEFAULT 0, stream_bytes INTEGER NOT NULL DEFAULT 0) STRICT""",
        """CREATE TABLE inbox (
            first INTEGER PRIMARY KEY, after INTEGER NOT NULL, size INTEGER NOT NULL, codec INTEGER NOT NULL,
            checksum INTEGER NOT NULL, data BLOB NOT NULL) STRICT""",
        """CREATE TABLE stream (
            first INTEGER PRIMARY KEY, count INTEGER NOT NULL, received_at INTEGER NOT NULL,
            size INTEGER NOT NULL, data BLOB NOT NULL) STRICT""",
        """CREATE TABLE message_hashes (
            first INTEGER PRIMARY KEY, count INTEGER NOT NULL, received_at INTEGER NOT NULL,
            hashes BLOB NOT NULL) STRICT""",
        """CREATE TABLE set_aside (
            id INTEGER PRIMARY KEY, log TEXT NOT NULL, first INTEGER NOT NULL, after INTEGER NOT NULL,
            reason TEXT NOT NULL, data BLOB) STRICT""",
        """CREATE TABLE destinations (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, birth INTEGER NOT NULL,
            cursor BLOB NOT NULL, floor INTEGER NOT NULL, is_retired INTEGER NOT NULL DEFAULT 0) STRICT""",
        """CREATE TABLE outcomes (
            id INTEGER PRIMARY KEY, destination INTEGER NOT NULL, first INTEGER NOT NULL,
            after INTEGER NOT NULL, at INTEGER NOT NULL, record BLOB NOT NULL) STRICT""",
        "CREATE INDEX outcomes_by_place ON outcomes (destination, after)",
        """CREATE TABLE parked (
            destination INTEGER NOT NULL, position INTEGER NOT NULL, row BLOB NOT NULL,
            kept BLOB NOT NULL, PRIMARY KEY (destination, position)) STRICT, WITHOUT ROWID""",
        "CREATE INDEX parked_by_place ON parked (position)",
        """CREATE TABLE dead_letters (
            id INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, row BLOB NOT NULL) STRICT""",
        "CREATE INDEX dead_letters_by_destination ON dead_letters (destination, id)",
        "CREATE TABLE counters (name BLOB PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        """CREATE TABLE seen_pieces (
            id INTEGER PRIMARY KEY AUTOINCREMENT, first INTEGER NOT NULL, after INTEGER NOT NULL,
            count INTEGER NOT NULL, oldest INTEGER NOT NULL, newest INTEGER NOT NULL,
            is_live INTEGER NOT NULL, bounds BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT""",
        """CREATE TABLE seen_chunks (
            piece INTEGER NOT NULL, number INTEGER NOT NULL, checksum INTEGER NOT NULL, data BLOB NOT NULL,
            PRIMARY KEY (piece, number)) STRICT""",
        """CREATE TABLE seen_filters (
            piece INTEGER NOT NULL, number INTEGER NOT NULL, checksum INTEGER NOT NULL, data BLOB NOT NULL,
            PRIMARY KEY (piece, number)) STRICT""",
    ),
    2: ("ALTER TABLE destinations ADD COLUMN until INTEGER",),
    3: (
        *(
            f"ALTER TABLE dead_letters ADD COLUMN {column} NOT NULL DEFAULT {empty}"
            for column, empty in (
                ("died_at INTEGER", 0), ("reason TEXT", "''"), ("attempts INTEGER", 0), ("event TEXT", "''"),
                ("user TEXT", "''"), ("message_id TEXT", "''"), ("position INTEGER", 0),
            )
        ),
        "DROP INDEX dead_letters_by_destination",
        # all that a list shows, so that it opens no letter
        """CREATE INDEX dead_letters_lines ON dead_letters (
            id, died_at, destination, reason, attempts, event, user, message_id, position)""",
        "CREATE INDEX dead_letters_by_message ON dead_letters (message_id, id)",
        "DROP INDEX outcomes_by_place",
        "CREATE INDEX outcomes_by_place ON outcomes (destination, after, first)",
        # few records are long; they are looked for apart, so that the others are found within a short range
        f"""CREATE INDEX outcomes_long ON outcomes (destination, after, first)
            WHERE after - first > {LONG_RECORD}""",
    ),
    4: ("CREATE TABLE replays (number INTEGER PRIMARY KEY AUTOINCREMENT, row BLOB NOT NULL) STRICT",),
    5: (
        """CREATE TABLE history (
            granularity INTEGER NOT NULL, bucket INTEGER NOT NULL, name BLOB NOT NULL, value INTEGER NOT NULL,
            PRIMARY KEY (granularity, bucket, name)) STRICT, WITHOUT ROWID""",
        # the counters as the history has them
        "CREATE TABLE recorded (name BLOB PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        "INSERT INTO recorded SELECT name, value FROM counters",
        """CREATE TABLE inventory (
            source TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, row BLOB NOT NULL,
            PRIMARY KEY (source, type, name)) STRICT""",
        "ALTER TABLE store ADD COLUMN graph_next INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE store ADD COLUMN changes_next INTEGER NOT NULL DEFAULT 0",
        "CREATE TABLE profiles (number INTEGER PRIMARY KEY, survivor INTEGER, profile BLOB) STRICT",
        """CREATE TABLE profile_identifiers (
            hash INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (hash, number)) STRICT, WITHOUT ROWID""",
        "CREATE TABLE profile_traits (number INTEGER PRIMARY KEY, traits BLOB NOT NULL) STRICT",
        """CREATE TABLE profile_links (
            one INTEGER NOT NULL, other INTEGER NOT NULL, at INTEGER NOT NULL,
            PRIMARY KEY (one, other)) STRICT, WITHOUT ROWID""",
        """CREATE TABLE profile_types (
            space TEXT NOT NULL, collection TEXT NOT NULL, type TEXT NOT NULL,
            PRIMARY KEY (space, collection, type)) STRICT, WITHOUT ROWID""",
        "CREATE TABLE profile_pending (number INTEGER PRIMARY KEY, rows BLOB NOT NULL) STRICT",
        """CREATE TABLE profile_changes (
            first INTEGER PRIMARY KEY, count INTEGER NOT NULL, received_at INTEGER NOT NULL,
            data BLOB NOT NULL) STRICT""",
    ),
    6: (
        # directories of the stream (router.storage.sqlite.keys)
        """CREATE TABLE stream_keys (
            first INTEGER PRIMARY KEY, after INTEGER NOT NULL, data BLOB NOT NULL) STRICT""",
        # followers of the log of the identity graph
        "CREATE TABLE profile_followers (name TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT",
        # fields that probably hold personal data
        "CREATE TABLE found_fields (path TEXT PRIMARY KEY, row BLOB NOT NULL) STRICT",
        # the side log: what waits for functions outside the inbox
        "ALTER TABLE store ADD COLUMN side_bytes INTEGER NOT NULL DEFAULT 0",
        """CREATE TABLE side_log (
            id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, received_at INTEGER NOT NULL,
            attempts INTEGER NOT NULL, first_tried_at INTEGER NOT NULL, due_at INTEGER NOT NULL,
            reason TEXT NOT NULL, size INTEGER NOT NULL, codec INTEGER NOT NULL, checksum INTEGER NOT NULL,
            data BLOB NOT NULL) STRICT""",
        "CREATE INDEX side_log_by_lane ON side_log (lane, due_at, id)",
        # when a computed trait of the profile changes by time alone
        "ALTER TABLE profile_traits ADD COLUMN due INTEGER",
        "CREATE INDEX profile_traits_due ON profile_traits (due) WHERE due IS NOT NULL",
    ),
}  # fmt: skip
SCHEMA_VERSION = max(MIGRATIONS)


def configure(connection: sqlite3.Connection) -> None:
    """Set what a writing connection needs each time it is opened."""
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA cache_size = -8192")
    connection.execute("PRAGMA temp_store = MEMORY")


def configure_reader(connection: sqlite3.Connection) -> None:
    """Set what a reading connection needs."""
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA cache_size = -8192")
    connection.execute("PRAGMA temp_store = MEMORY")


def migrate(
    connection: sqlite3.Connection, path: Path, rewrite: Mapping[int, Callable[[sqlite3.Connection], None]]
) -> bytes:
    """Bring the file to this version, make it where it is new, and return its store id.

    `rewrite` is run within the migration of that number, for what SQL alone does not do. Raises StoreTooNew, or
    StorageError when the file is something else.
    """
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        application = int(connection.execute("PRAGMA application_id").fetchone()[0])
        tables = int(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    except sqlite3.DatabaseError as error:
        raise StorageError(
            f"{path} is not a store: {error}; move it away or give another [storage] path"
        ) from error
    if application != APPLICATION_ID and tables:
        raise StorageError(f"{path} belongs to another program; give another [storage] path")
    if version > SCHEMA_VERSION:
        raise StoreTooNew(
            f"{path} was written by a newer version (schema {version}, this one knows {SCHEMA_VERSION}); "
            "run that version, or give another [storage] path"
        )
    if not tables:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StorageError(f"{path} lies on a file system on which SQLite cannot keep a WAL; move the store")
    configure(connection)
    for number in range(version + 1, SCHEMA_VERSION + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in MIGRATIONS[number]:
                connection.execute(statement)
            if number == 1:
                connection.execute("INSERT INTO store (id, store_id) VALUES (1, ?)", (os.urandom(16),))
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            if number in rewrite:
                rewrite[number](connection)
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    return bytes(connection.execute("SELECT store_id FROM store").fetchone()[0])
