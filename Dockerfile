# Two stages: cgo needs a C compiler to build (mattn/go-sqlite3), nothing but libc to run.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=1 go build -trimpath -ldflags='-s -w' -o /wirewatch ./cmd/wirewatch

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates tzdata \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 wirewatch \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin wirewatch \
 && install -d -o wirewatch -g wirewatch -m 0750 /data
COPY --from=build /wirewatch /usr/local/bin/wirewatch
# By number, so that Kubernetes can see that it is not root; the owner of a folder that is mounted at /data.
USER 10001:10001
WORKDIR /data
VOLUME /data
# The configuration is /data/wirewatch.yaml; `wirewatch init` writes one.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["wirewatch", "health", "-c", "/data/wirewatch.yaml"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["wirewatch"]
CMD ["run", "-c", "/data/wirewatch.yaml"]
