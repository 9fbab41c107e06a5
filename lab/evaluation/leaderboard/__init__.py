"""One leaderboard for all models: rows with intervals, what they cost, and where they fall short."""
