"""The ways out: what carries a message to one recipient, and what comes back about it."""
