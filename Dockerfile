# Works with BuildKit and with the legacy builder: no mounts, no links, no
# here-documents.
FROM golang:1.26 AS build
WORKDIR /src
ENV CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"

# These layers change with go.mod only: what takes long to download and compile.
COPY go.mod go.sum ./
RUN go mod download
RUN go build github.com/nats-io/nats-server/v2/server github.com/nats-io/nats.go github.com/valyala/fasthttp

COPY . .
ARG VERSION=container
RUN go build -ldflags "-s -w -X main.version=$VERSION" -o /out/cohort ./cmd/cohort && mkdir /out/data

FROM scratch
COPY --from=build /out/cohort /cohort
# A volume that is mounted here belongs to the user below. COHORT_DATA_DIR=/data uses it.
COPY --from=build --chown=65532:65532 /out/data /data
# Without arguments, a container serves on all its interfaces. NODE_IDENTIFIER says
# which node it is. It has no secret then: only --insecure lets it serve others.
ENV COHORT_HTTP=0.0.0.0:8081
EXPOSE 8081 9081
USER 65532:65532
ENTRYPOINT ["/cohort"]
CMD ["serve", "--insecure"]
