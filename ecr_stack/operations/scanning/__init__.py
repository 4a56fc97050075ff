"""Scan results: read, waited for, judged and reported."""
