"""Everyone who carries messages for us: one declaration a module, found by the registry."""
