"""Personal data: which fields hold any (matchers), and what becomes of those that people have classified (controls)."""
