"""What goes on beside the ticks: loading what they need, bringing the log to rest, tidying the lake."""
