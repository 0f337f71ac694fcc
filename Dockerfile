# SPDX-License-Identifier: Apache-2.0
FROM swift:6.3-bookworm AS build
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends libpq-dev zlib1g-dev libcrypt-dev pkg-config
WORKDIR /source
COPY Package.swift ./
COPY Sources ./Sources
# The manifest names the tests; this image has no use for them.
COPY Tests ./Tests
RUN swift build -c release --static-swift-stdlib --product lucarne

FROM swift:6.3-bookworm-slim
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends libpq5 zlib1g libcrypt1 libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home /var/lib/lucarne --create-home lucarne
COPY --from=build /source/.build/release/lucarne /usr/local/bin/lucarne
USER lucarne
WORKDIR /var/lib/lucarne
EXPOSE 8080 9464
ENTRYPOINT ["lucarne"]
CMD ["serve"]
