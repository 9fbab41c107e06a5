"""One model a file, found by name: `lab.leaderboard.model` says what each module holds."""
