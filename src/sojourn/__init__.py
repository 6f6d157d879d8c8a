"""Sojourn: the customer journey, mapped, automated and measured as one thing."""

__version__ = "0.1.0"
