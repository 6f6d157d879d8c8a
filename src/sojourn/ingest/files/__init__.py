"""Files: histories as tables of rows, read as events."""
