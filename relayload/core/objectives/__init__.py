"""Objectives: their grammar, the evaluator, aborts, verdicts and forecasts."""
