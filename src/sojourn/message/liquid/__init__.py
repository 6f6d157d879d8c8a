"""Liquid made safe: whatever a template or a trait says, rendering stays small, quick and escaped."""
