"""The operational truth, in SQLite or PostgreSQL: tables, migrations and one module a noun."""
