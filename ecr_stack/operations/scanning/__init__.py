"""Reads, waits for, evaluates and reports scan results."""
