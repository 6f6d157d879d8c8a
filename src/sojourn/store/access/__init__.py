"""How the store reaches its database: connections, migrations, group commit, time and the bell."""
