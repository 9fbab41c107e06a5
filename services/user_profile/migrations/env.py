"""Alembic's entry; `python -m services.user_profile migrate` runs it."""

from services.kit.migrations import run_environment

run_environment()
