"""Facts about AWS: names, quotas, and the semantics of lifecycle documents and IAM policies. Pure: no I/O."""
