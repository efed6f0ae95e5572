# One file on a base with nothing but the C library: no shell, no package manager, not root.
#
#   deno task compile && docker build -t rucola .
#   docker run -p 9876:9876 -p 10909:10909 -p 10911:10911 rucola start --data /home/nonroot/data --ip HOST
#   docker run … rucola broker -c /home/nonroot/conf/broker.properties
#
# HOST is the address by which clients reach this machine; docs/operations.md says more about addresses and containers.
FROM gcr.io/distroless/cc-debian12:nonroot
ARG BINARY=dist/rucola
COPY ${BINARY} /rucola
USER 65532:65532
WORKDIR /home/nonroot
ENV ROCKETMQ_USER_HOME=/home/nonroot
VOLUME ["/home/nonroot"]
# Name server, VIP port, broker, replication.
EXPOSE 9876 10909 10911 10912
STOPSIGNAL SIGTERM
ENTRYPOINT ["/rucola"]
CMD ["start", "--data", "/home/nonroot/data"]
