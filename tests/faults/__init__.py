"""Fault injection: kill any part at any point, then look whether every promise still holds."""
