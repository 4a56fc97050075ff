// Programs that the compiler refuses: each line below an `@ts-expect-error` is a mistake.
import * as pulumi from "@pulumi/pulumi";
import * as ecr from "./sdk/nodejs";

// @ts-expect-error a misspelled value
new ecr.Repository("a", { tagMutability: "IMUTABLE" });
// @ts-expect-error a misspelled key
new ecr.Repository("b", { tagMutabilty: "IMMUTABLE" });
// @ts-expect-error a missing key
new ecr.RepositoryPolicy("c", { repository: "api" });
// @ts-expect-error an Output decides which repositories there are
new ecr.Registry("d", { repositories: pulumi.output({ api: {} }) });
// @ts-expect-error a text instead of a number
new ecr.Repository("e", { lifecycle: [{ any: true, keepLast: "10" }] });
