"""A repository, and a role in this program that may pull from it."""

import json

import pulumi
import pulumi_aws as aws

from ecr_stack import Repository

runner = aws.iam.Role(
    "runner",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    ),
)

repository = Repository(
    "jobs",
    {
        "name": "team/jobs",
        "tag_mutability": "IMMUTABLE",
        "lifecycle": [
            {"description": "Keep the last 10 releases", "tag_prefixes": ["v"], "keep_last": 10},
            {"description": "Expire untagged images after a day", "untagged": True, "expire_after_days": 1},
        ],
        # The ARN is known only when the role has been created; the policy depends on it.
        "access": {"pull": [runner.arn]},
    },
)
# The role's own policy must allow login and pull.
repository.grant_pull(runner)

pulumi.export("image", pulumi.Output.concat(repository.repository_url, ":v1.0.0"))
