"""Alembic's entry; `python -m services.item_vision migrate` runs it."""

from services.kit.migrations import run_environment

run_environment()
