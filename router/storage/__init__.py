"""What the router keeps, as contracts: two logs, cursors, counters, parked events and dead letters.

The verbs of `router.storage.store.Storage` are all that the rest of the router knows of a database; an
implementation is a folder here (`sqlite`, `memory`) or a plugin. Every verb is one transaction.
"""
