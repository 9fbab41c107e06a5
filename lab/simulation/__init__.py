"""Simulated users for a real catalogue. What they do is made up; all that comes of it is called simulated."""
