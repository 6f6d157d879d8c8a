"""The kinds of definitions, one a file."""
