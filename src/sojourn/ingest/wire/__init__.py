"""The wire: what tracking clients send us over HTTP, read as events."""
