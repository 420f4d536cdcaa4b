"""Between the campaign and the optimizer: messages, and a process of its own."""
