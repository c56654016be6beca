"""Kills of a running router, and the oracle that counts what was answered 200."""
