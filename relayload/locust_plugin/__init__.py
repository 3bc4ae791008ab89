"""The only folder that knows Locust."""
