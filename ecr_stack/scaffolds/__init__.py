"""The files that `ecr-stack scaffold` writes: pipelines and Dockerfiles, as templates with `@NAME@` to fill in."""
