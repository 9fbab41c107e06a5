"""Clicks and purchases of logged impressions, predicted at their positions (`vitrine evaluate impressions`)."""
