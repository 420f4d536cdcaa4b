"""What a workflow file says, checked before anything starts."""
