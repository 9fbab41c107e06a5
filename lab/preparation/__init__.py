"""From exported files to the tables that training reads: written once as expressions, run by DuckDB or by Spark."""
