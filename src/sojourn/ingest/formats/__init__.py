"""The formats of files that can be imported, one file each: all it needs is a `Format`."""
