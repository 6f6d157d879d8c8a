"""The text of rules: plain mappings and lists, as YAML and JSON give them."""

from sojourn.rule.text.comparisons import dump_where, parse_where
from sojourn.rule.text.rules import dump, parse
from sojourn.rule.text.schema import definitions

__all__ = ["definitions", "dump", "dump_where", "parse", "parse_where"]
