"""JSON that fits a JSON Schema: whether a value does, and making one up that does."""
