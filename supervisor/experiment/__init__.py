"""What is remembered of an experiment: its folder, its journal, and the views of the journal."""
