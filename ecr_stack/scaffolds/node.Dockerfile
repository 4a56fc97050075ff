# syntax=docker/dockerfile:1
ARG BASE=node:22-bookworm-slim

FROM ${BASE} AS build
WORKDIR /app
# Dependencies change less often than sources: this layer is kept as long as the lock file is the same.
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/cache/npm npm ci --cache /cache/npm
COPY . .
# The build needs the development dependencies, the image does not. npm leaves no folder if nothing is left in it.
RUN npm run build && npm prune --omit=dev && mkdir -p node_modules

FROM ${BASE}
ENV NODE_ENV=production
WORKDIR /app
# Owned by root: the process cannot change its own program.
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
USER 10001:10001
EXPOSE 3000
CMD ["node", "dist/main.js"]
