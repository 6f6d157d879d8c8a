"""Definitions: all that people define in an installation as texts, read, compared and published together."""
