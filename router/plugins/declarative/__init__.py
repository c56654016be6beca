"""Destinations without code: a TOML file says which events, what becomes of them, and how it is sent.

`definition.py` is what a file may say. `reading.py` checks it and makes a class; `destination.py` is what that does.
"""
