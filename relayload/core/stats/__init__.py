"""Statistics that know nothing of requests: histograms, ranks, intervals."""
