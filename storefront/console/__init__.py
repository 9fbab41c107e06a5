"""The merchandiser's console: rules, campaigns, templates, and pages previewed with a draft rule. In English."""
