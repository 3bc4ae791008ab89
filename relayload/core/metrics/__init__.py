"""The catalog of metrics: what is measured and who shows it; how requests are read, and counted for snapshots."""
