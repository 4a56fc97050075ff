"""Facts of AWS: names and quotas, lifecycle documents and IAM policies, with what they mean. Pure: no I/O."""
