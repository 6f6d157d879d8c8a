"""Lists as texts: `{list: beta testers, description: …}`; who is on one is written on their tapes."""

from sojourn.runtime.definitions.kinds._document import document_kind

LIST = document_kind("list", 20, "lists")
