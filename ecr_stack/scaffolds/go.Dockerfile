# syntax=docker/dockerfile:1
ARG BASE=golang:1.25-bookworm
ARG RUNTIME=gcr.io/distroless/static-debian12:nonroot

# The compiler runs on the builder's architecture and makes programs for the others: no emulation.
FROM --platform=$BUILDPLATFORM ${BASE} AS build
ARG TARGETOS
ARG TARGETARCH
ENV GOMODCACHE=/cache/go/modules GOCACHE=/cache/go/build
WORKDIR /src
# Dependencies change less often than sources: this layer is kept as long as the lock file is the same.
COPY go.mod go.sum* ./
RUN --mount=type=cache,target=/cache/go go mod download
COPY . .
RUN --mount=type=cache,target=/cache/go \
    CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -trimpath -ldflags="-s -w" -o /out/app .

FROM ${RUNTIME}
COPY --from=build /out/app /app
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["/app"]
