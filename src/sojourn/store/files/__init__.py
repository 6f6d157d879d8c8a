"""What lies in files: segments of the lake, imports, and events that could not be taken."""
