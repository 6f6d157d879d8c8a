"""What a merge of customers moves beside their identities: runs, effects, memberships; and its undoing."""
