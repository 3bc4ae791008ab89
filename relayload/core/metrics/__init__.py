"""Metrics: their catalog, the mergeable fold of many records, and the tables made of it."""
