"""Shelf generators, one a file; the file's name is the shelf's. Each has `propose(scene)`, which yields suggestions
with evidence.
"""
