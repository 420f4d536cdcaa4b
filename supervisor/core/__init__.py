"""What every part shares: errors, tasks, results, objectives, the search space."""
