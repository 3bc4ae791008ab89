"""The small OpenAI-compatible relay that ships with the project: known latency, known ground truth."""
