"""Metrics: the catalog of them, the mergeable fold of many records, and the tables that are made of it."""
