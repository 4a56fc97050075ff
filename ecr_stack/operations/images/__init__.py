"""The images of a live registry: catalogued, selected, removed with a record, and restored from it."""
