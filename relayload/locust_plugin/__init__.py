"""The Locust plugin: the only package that imports Locust."""
