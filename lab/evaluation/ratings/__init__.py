"""Ratings that users chose to give, and what they say of all others (`vitrine evaluate ratings`)."""
