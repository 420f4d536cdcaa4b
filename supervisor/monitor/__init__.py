"""Views of a campaign for people: progress while it runs, and what is known afterwards."""
