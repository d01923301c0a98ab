"""Real databases for plays: a keeper that owns the server, and leases of databases on it."""
