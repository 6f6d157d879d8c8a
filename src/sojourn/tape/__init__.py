"""Sorted columns of what happened to customers, and the kernels that read them."""
