"""What one request left behind, and the mergeable fold of many."""
