# SPDX-License-Identifier: Apache-2.0
FROM swift:6.3-bookworm AS build
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends libpq-dev zlib1g-dev libcrypt-dev pkg-config
WORKDIR /source
COPY Package.swift ./
COPY Sources ./Sources
# The manifest names what else there is; this image has no use for it.
COPY Benchmarks/Telemetry ./Benchmarks/Telemetry
COPY Tests ./Tests
# The commit, for lucarne_build_info: --build-arg BUILD_REVISION="$(scripts/revision)".
ARG BUILD_REVISION
# /debug/profile reads the symbols, so only what a debugger reads goes.
RUN --mount=type=cache,target=/source/.build \
    swift build -c release --static-swift-stdlib --product lucarne \
    && strip --strip-debug -o /lucarne .build/release/lucarne

FROM debian:bookworm-slim
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends libpq5 zlib1g libcrypt1 libssl3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && useradd --uid 10001 --user-group --home-dir /var/lib/lucarne --create-home \
        --skel /nonexistent lucarne
COPY --from=build /lucarne /usr/local/bin/lucarne
# Inside a container, loopback is nobody else's.
ENV LUCARNE_ADDRESS=0.0.0.0:8080 \
    LUCARNE_OPERATIONS_ADDRESS=0.0.0.0:9464 \
    LUCARNE_DATA_DIRECTORY=/var/lib/lucarne
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/lucarne
EXPOSE 8080 9464
HEALTHCHECK --interval=5s --start-period=30s CMD ["lucarne", "healthcheck"]
ENTRYPOINT ["lucarne"]
CMD ["serve"]
