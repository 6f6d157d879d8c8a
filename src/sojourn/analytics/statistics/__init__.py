"""What may be said of numbers: by how much groups differ, how sure that is, and when nothing can be said."""
