"""What tests stand on: a package index, distributions made in milliseconds, and a real browser."""
