"""Runs all processes of Vitrine on one machine: PostgreSQL, the services, the storefront."""
