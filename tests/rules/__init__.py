"""Which numbered rules of the specification have a passing test: `make rules`."""
