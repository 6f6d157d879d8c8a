"""The lifecycle as a text: `lifecycle: [cold, {MQL: {if: …}}]`."""

from sojourn.runtime.definitions.kinds._document import document_kind

LIFECYCLE = document_kind("lifecycle", 35, "")
