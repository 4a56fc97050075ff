// A program in TypeScript that uses the component package by its generated SDK.
import * as pulumi from "@pulumi/pulumi";
import * as ecr from "./sdk/nodejs";

// as `aws.iam.Role` of pulumi-aws, which is too large to install for a test
class Role extends pulumi.CustomResource {
    readonly arn!: pulumi.Output<string>;
    constructor(name: string, args: { name: string; assumeRolePolicy: string }) {
        super("aws:iam/role:Role", name, { arn: undefined, ...args });
    }
}

const config = new pulumi.Config();
const trust = { Effect: "Allow", Principal: { Service: "ecs-tasks.amazonaws.com" }, Action: "sts:AssumeRole" };
const runner = new Role("runner", {
    name: "runner",
    assumeRolePolicy: JSON.stringify({ Version: "2012-10-17", Statement: [trust] }),
});

const registry = new ecr.Registry("platform", {
    environment: "platform",
    encryption: { type: "AES256" },
    repositoryDefaults: {
        tagMutability: "IMMUTABLE",
        lifecycle: [{ description: "Ten releases", tagPrefixes: ["v"], keepLast: 10 }],
    },
    repositories: {
        "base/python": {},
        tools: { access: { pull: [runner.arn] } },
    },
});

const jobs = new ecr.Repository(config.get("repositoryName") ?? "jobs", {
    name: "team/jobs",
    tagMutability: ecr.types.enums.TagMutability.IMMUTABLE_WITH_EXCLUSION,
    mutableTags: ["latest"],
    lifecycle: [{ description: "The newest", any: true, keepLast: config.requireNumber("keepLast") }],
    lifecycleGuard: { maxExpire: 2 },
    access: pulumi.output(runner.arn).apply((arn) => ({ pull: [arn], push: [arn] })),
    tags: { Team: pulumi.secret("jobs") },
});

export const urls = registry.repositoryUrls;
export const url = jobs.repositoryUrl;
