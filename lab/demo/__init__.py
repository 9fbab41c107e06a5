"""`vitrine demo`: from nothing to a running shop with checked pages, and straight back to it the next time."""
