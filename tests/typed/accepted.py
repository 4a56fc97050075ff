"""What people write, as type checkers see it: `make lint` checks it."""

import pulumi
import pulumi_aws as aws

from ecr_stack import EncryptionKey, LifecyclePolicy, PipelineAccess, Registry, Repository
from ecr_stack.components.args import RegistryArgs

key = EncryptionKey("key", {"environment": "dev"})
role = aws.iam.Role("runner", assume_role_policy="{}")
api = Repository(
    "api",
    {
        "name": "team/api",
        "tag_mutability": "IMMUTABLE_WITH_EXCLUSION",
        "mutable_tags": ["latest"],
        "encryption": {"type": "KMS", "key_arn": key.key_arn},
        "lifecycle": [{"description": "ten", "tag_prefixes": ["v"], "keep_last": 10}],
        "access": {"pull": [role.arn, "111122223333"]},
        "tags": {"Team": pulumi.Output.from_input("platform")},
    },
    opts=pulumi.ResourceOptions(protect=True),
)
LifecyclePolicy(
    "jobs",
    {"repository": api.repository_name, "rules": [{"description": "d", "untagged": True, "expire_after_days": 1}]},
)
PipelineAccess("ci", {"repositories": [{"repository": "o/r", "branches": ["main"]}], "push": [api.arn]})
args: RegistryArgs = {
    "environment": "dev",
    "repositories": {"a": {}, "b": {"protect": True, "scan_on_push": False}},
    "replication": {"rules": [{"destinations": [{"region": "eu-west-1", "replicas": "template"}]}]},
    "scanning": {"type": "ENHANCED", "rules": [{"frequency": "CONTINUOUS_SCAN", "filters": ["*"]}]},
}
Registry("platform", args)
pulumi.export("url", api.repository_url)
