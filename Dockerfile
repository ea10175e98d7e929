# Both services and the operator's command, each an image of its own:
#   docker build --target order-service .      or delivery-service, or sagactl

FROM rust:1.95-bookworm AS toolchain
WORKDIR /src
# Queries are checked against .sqlx, symbols are stripped. Optimising across crates would cost minutes with every change, for programs
# that mostly wait for a disk and a network.
ENV SQLX_OFFLINE=true CARGO_PROFILE_RELEASE_STRIP=symbols CARGO_PROFILE_RELEASE_LTO=false

# The manifests with empty sources: the same until a dependency changes, so that everything compiled from them is kept.
FROM toolchain AS manifests
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock -delete && find . -mindepth 1 -type d -empty -delete \
 && for manifest in */Cargo.toml; do \
      src=${manifest%/*}/src; mkdir -p "$src" && echo '//! Empty.' > "$src/lib.rs" && printf '//! Empty.\nfn main() {}\n' > "$src/main.rs"; \
    done

FROM toolchain AS dependencies
COPY --from=manifests /src .
# What came of the empty sources goes again: Cargo judges by time, and the real ones may be older than now.
RUN cargo build --release --locked --package order-service --package delivery-service --package sagactl \
 && cargo clean --release --quiet $(for manifest in */Cargo.toml; do echo "--package ${manifest%/*}"; done)

FROM dependencies AS build
COPY . .
# Begins with the layer above, and keeps what comes of it. Locked: Compose asks for several images at once, and who comes second
# finds everything done. Cargo judges by time, and what was kept may be of another checkout, with sources younger than these: so
# these are the youngest.
RUN --mount=type=cache,target=/src/target,from=dependencies,source=/src/target,sharing=locked \
    touch */build.rs */src/lib.rs */src/main.rs \
 && cargo build --release --locked --package order-service --package delivery-service --package sagactl \
 && cd target/release && cp order-service delivery-service sagactl /usr/local/bin/

# What a program needs besides itself. It is nobody in particular, and needs no shell. Whoever it is may write into /keys, and so into a
# volume that is mounted there first.
FROM debian:bookworm-slim AS runtime
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends libssl3 zlib1g \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
 && install --directory --owner=10001 --group=10001 /keys
USER 10001:10001
# glibc gives each thread memory of its own by default, and little of it comes back: with one heap for all a service takes a tenth less.
ENV MALLOC_ARENA_MAX=1

FROM runtime AS order-service
COPY --from=build /usr/local/bin/order-service /usr/local/bin/
ENV LISTEN=0.0.0.0:8080
EXPOSE 8080
ENTRYPOINT ["order-service"]

FROM runtime AS delivery-service
COPY --from=build /usr/local/bin/delivery-service /usr/local/bin/
ENV LISTEN=0.0.0.0:8081
EXPOSE 8081
ENTRYPOINT ["delivery-service"]

FROM runtime AS sagactl
COPY --from=build /usr/local/bin/sagactl /usr/local/bin/
ENTRYPOINT ["sagactl"]
