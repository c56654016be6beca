"""The kit that authors and embedders get."""
