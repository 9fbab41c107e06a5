"""What runs the expressions; each engine is one file."""
