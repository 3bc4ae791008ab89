"""The mergeable fold of many records, and the tables that are made of it."""
