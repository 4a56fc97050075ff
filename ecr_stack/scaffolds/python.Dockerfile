# syntax=docker/dockerfile:1
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
WORKDIR /app
RUN python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_CACHE_DIR=/build/.cache/pip
# Dependencies change less often than sources: this layer is kept as long as the list is the same.
COPY requirements.txt ./
RUN --mount=type=cache,target=/build/.cache/pip pip install --requirement requirements.txt
COPY . .

FROM ${BASE}
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
# Owned by root: the process cannot change its own program.
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
USER 10001:10001
EXPOSE 8000
CMD ["python3", "-m", "app"]
