"""The process that owns the PostgreSQL server and leases databases to plays."""
