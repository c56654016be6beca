"""The identity graph in SQLite: tables that are small on disk, written by and by behind a little log of its own.

A commit writes what it changes as one row of `profile_pending`: whatever a step brings, that costs the turn about a
millisecond. The rows themselves (an identifier lies at its hash, so each new one touches a page of its own) are
written by steps of upkeep of two milliseconds each, in the order in which they lie on disk. Until then reading looks
first at what is pending, which is held in memory and read from `profile_pending` after a crash.

    profiles             number ─▶ survivor, or the profile without traits as msgpack
    profile_identifiers  hash of (space, collection, type, value), number: two identifiers of one hash are two rows,
                         and the profile says which is meant
    profile_traits       number ─▶ the traits as msgpack, and when time changes a computed one
    profile_links        number, number ─▶ time: each link twice, so that it is found from both ends
    profile_changes      first number ─▶ what followers are told, a row a commit

Rows lie by hash, or where their profile was born: each event of a step needs pages of its own, and of millions of
profiles few pages are in memory. Those of a read are fetched together (`read_ahead.py`), so a hundred events wait for
the disk about as often as one would.

A merge re-points no identifier and no link: they lead to the profile that went, and from there to its survivor.
"""
