"""The catalog of metrics: what is measured, how it is read, and who shows it."""
