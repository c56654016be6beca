"""Orders of happenings that nobody would write down, against models that are simple enough to believe."""
