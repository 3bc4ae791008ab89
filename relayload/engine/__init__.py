"""Load without Locust: executors, and what one load-generating process needs beside them."""
