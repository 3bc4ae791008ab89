"""Is the usage honest, is it the same model: what answers tell of it."""
