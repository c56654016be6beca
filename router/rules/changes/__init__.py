"""What changes an event without code: places in it, the steps of an operator, and Segment's transformations."""
