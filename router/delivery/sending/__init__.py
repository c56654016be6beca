"""From events to requests on the wire and back: one attempt, signed, paced and judged."""
