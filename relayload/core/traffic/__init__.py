"""What is offered: when requests start, and what they say."""
