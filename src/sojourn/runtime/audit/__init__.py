"""The auditor: checks over one consistent reading of the store that nothing is lost, doubled or stuck."""
