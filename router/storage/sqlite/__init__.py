"""The default store: one SQLite file, one writer, two readers.

store.py        the contract's verbs
connection.py   a connection on a thread of its own, on which one function is one transaction
writer.py       who owns every transaction; turn.py is what one does, statements.py the rows it writes
readers.py      the two read-only connections; reading.py is what they fetch
health.py       full disks, failing disks and the way back; ballast.py and budgets.py belong to it
trim.py         what leaves the stream, when, and who pays for a spent budget
schema.py       tables, migrations and the settings of a file's birth; lock.py keeps other owners out
seen/           which message ids were seen within the window
"""
