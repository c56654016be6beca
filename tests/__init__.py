"""Tests; `tests/README.md` says which folder to use."""
