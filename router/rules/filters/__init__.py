"""Destination filters, Segment's objects: sample, drop, drop properties, allow properties (protocols 7).

    router.toml, or Segment's JSON ─▶ reading ─▶ FilterDefinition ─▶ compiled: DestinationFilters.apply(envelope)

`members` takes members out of JSON text, `sampling` says who is kept.
"""
