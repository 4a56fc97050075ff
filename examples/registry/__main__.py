"""A complete registry in a separate program, configured by arguments instead of a stack file."""

import pulumi

from ecr_stack import Registry

registry = Registry(
    "platform",
    {
        "environment": "platform",
        "tags": {"Team": "platform"},
        "repository_defaults": {
            "tag_mutability": "IMMUTABLE_WITH_EXCLUSION",
            "mutable_tags": ["latest"],
            "lifecycle": [
                {"description": "Keep the last 10 releases", "tag_prefixes": ["v"], "keep_last": 10},
                {"description": "Expire untagged images after a day", "untagged": True, "expire_after_days": 1},
            ],
            "access": {"pull": ["111122223333"]},
        },
        "repositories": {"base/python": {}, "base/node": {}, "tools": {"protect": True}},
        "replication": {"rules": [{"destinations": [{"region": "eu-west-1"}], "repository_filters": ["base/"]}]},
    },
)

pulumi.export("urls", registry.repository_urls)
pulumi.export("key", registry.key_arn)
