"""The doors, one part at a time; `serving` is the server without a router behind it."""
