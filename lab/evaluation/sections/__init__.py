"""Reports of single evaluations as parts of one page."""
