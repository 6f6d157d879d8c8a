"""The way in: events from the wire and from files are checked, identified and appended to the log."""
