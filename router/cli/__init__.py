"""The command `router`: one file for each of its commands."""
