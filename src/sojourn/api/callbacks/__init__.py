"""Calls of providers: what became of messages, and what people write back."""
