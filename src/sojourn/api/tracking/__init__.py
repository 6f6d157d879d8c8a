"""The endpoints to which tracking clients send events."""
