"""What people's programs read and change, one resource a file."""
