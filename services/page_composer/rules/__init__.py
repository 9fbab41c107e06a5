"""What merchandisers decide, one kind of rule a file; who it is for in `segment.py`, which items in
`item_filter.py`.
"""
