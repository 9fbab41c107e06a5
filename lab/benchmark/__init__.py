"""How fast the product is, measured against the least that the same work can cost."""
