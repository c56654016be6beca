"""Subscription triggers of action destinations: a language of their own that looks like FQL."""
