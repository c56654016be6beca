"""The identity graph's decisions: which identifiers an event has, and whose they are (no I/O)."""
