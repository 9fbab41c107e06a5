"""Bringing a shop's data out again: Parquet files from the services' export calls, consent applied."""
