from services.kit.migrations import run_environment

run_environment()
