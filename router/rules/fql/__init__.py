"""FQL, the filter query language: read, checked and compiled to closures."""
