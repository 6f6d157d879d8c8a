"""Where a customer stands: scores that fade, the stage of the lifecycle, and lists."""
