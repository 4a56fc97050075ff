# syntax=docker/dockerfile:1
ARG BASE=maven:3-eclipse-temurin-21
ARG RUNTIME=eclipse-temurin:21-jre

# A jar is the same on every architecture: it is built once, without emulation.
FROM --platform=$BUILDPLATFORM ${BASE} AS build
WORKDIR /src
# Dependencies change less often than sources: this layer is kept as long as the list is the same.
COPY pom.xml ./
RUN --mount=type=cache,target=/cache/maven mvn --batch-mode -Dmaven.repo.local=/cache/maven dependency:go-offline
COPY src ./src
RUN --mount=type=cache,target=/cache/maven mvn --batch-mode -Dmaven.repo.local=/cache/maven package -DskipTests \
    && mkdir /out && cp target/*.jar /out/app.jar

FROM ${RUNTIME}
WORKDIR /app
# Owned by root: the process cannot change its own program.
COPY --from=build /out/app.jar ./app.jar
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["java", "-XX:MaxRAMPercentage=75", "-jar", "app.jar"]
