"""The simulator: everything live in one thread and in virtual time, with faults, repeatable from a seed."""
