"""Pure decisions about events: no I/O, no clock, no state."""
