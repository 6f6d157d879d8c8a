"""Portions: what is handed out just once, codes of incentives and slots of a rate."""
