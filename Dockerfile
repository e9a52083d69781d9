# One image for `sspr serve` and `sspr agent`.

FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY . .
# The queries are checked against .sqlx, not against a database.
ENV SQLX_OFFLINE=true
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/build/target \
    cargo build --release --locked && install -D target/release/sspr /out/sspr

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin sspr \
    && install -d -o sspr -m 700 /var/lib/sspr-agent
COPY --from=build /out/sspr /usr/local/bin/sspr
USER 10001
VOLUME /var/lib/sspr-agent
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["sspr"]
CMD ["serve"]
