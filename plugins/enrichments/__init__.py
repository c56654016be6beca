"""Enrichments that come with the router, one file or folder each."""
