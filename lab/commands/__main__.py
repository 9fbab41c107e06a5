"""`python -m lab.commands` is `vitrine`, where the project is not installed."""

from lab.commands import main

main()
