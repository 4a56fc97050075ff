"""The documents that AWS reads, as models, with what they mean. Pure: nothing here does I/O."""
