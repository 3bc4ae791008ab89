"""Load generation without Locust: the executors, and what one load-generating process needs beside them."""
