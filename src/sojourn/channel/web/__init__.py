"""The web: calls of addresses that were checked, and how notifications of browsers are sealed and signed."""
