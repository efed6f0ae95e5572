/**
 * Options of the remoting layer: the keys of RocketMQ's `NettyServerConfig` and `NettyClientConfig`, with its defaults of
 * 5.5.0. They stand in the files of broker and name server.
 *
 * Server and client are two tables, for they are printed apart, but one value object: only the two `writeBuffer…` keys are
 * in both, and mean the same there.
 *
 * @module
 */
import { createEnvironment, type Environment } from "../common/environment.ts";
import { accepted, bool, defaultOptions, int, later, long, type OptionValues, text } from "../common/option.ts";

const PORT_OR_ZERO = { min: 0, max: 65535 } as const;

/** Keys of the listening side. */
export const REMOTING_SERVER_OPTIONS = {
  bindAddress: text("0.0.0.0", "Listen address", { blankIsDefault: true }),
  enableShutdownGracefully: bool(false, "GO_AWAY then drain on stop"),
  listenPort: int(0, "", "TCP port; 0 lets the system choose; default: broker 10911, namesrv 9876", {
    ...PORT_OR_ZERO,
    isDerivedByDefault: true,
  }),
  serverAsyncSemaphoreValue: int(64, "requests", "Parallel async calls", accepted),
  serverCallbackExecutorThreads: int(0, "threads", "Callback threads", accepted),
  serverChannelMaxIdleTimeSeconds: int(120, "s", "Close idle connections", { min: 1 }),
  serverNettyWorkerGroupEnable: bool(true, "Extra handler threads", accepted),
  serverOnewaySemaphoreValue: int(256, "requests", "Parallel one-way calls", accepted),
  serverPooledByteBufAllocatorEnable: bool(true, "Pooled buffers", accepted),
  serverSelectorThreads: int(3, "threads", "I/O threads", accepted),
  serverSocketBacklog: int(systemBacklog, "", "Accept backlog", { min: 1 }),
  serverSocketRcvBufSize: int(0, "bytes", "Receive buffer", accepted),
  serverSocketSndBufSize: int(0, "bytes", "Send buffer", accepted),
  serverWorkerThreads: int(8, "threads", "Codec threads", accepted),
  shutdownWaitTimeSeconds: int(30, "s", "Drain time"),
  useEpollNativeSelector: bool(false, "Epoll transport", accepted),
  writeBufferHighWaterMark: int(0, "bytes", "Unsent bytes at which a channel stops being writable", accepted),
  writeBufferLowWaterMark: int(0, "bytes", "Unsent bytes at which a channel is writable again", accepted),
};

/** Keys of outgoing connections. */
export const REMOTING_CLIENT_OPTIONS = {
  channelNotActiveInterval: long(60_000, "ms", "Idle check of channels", accepted),
  clientAsyncSemaphoreValue: int(65_535, "requests", "Parallel async calls", accepted),
  clientCallbackExecutorThreads: int((environment) => environment.cpuCount, "threads", "Callback threads", accepted),
  clientChannelMaxIdleTimeSeconds: int(120, "s", "Close idle outgoing connections", { min: 1 }),
  clientCloseSocketIfTimeout: bool(true, "Close socket when a call times out"),
  clientOnewaySemaphoreValue: int(65_535, "requests", "Parallel one-way calls", accepted),
  clientPooledByteBufAllocatorEnable: bool(false, "Pooled buffers", accepted),
  clientSocketRcvBufSize: int(0, "bytes", "Receive buffer", accepted),
  clientSocketSndBufSize: int(0, "bytes", "Send buffer", accepted),
  clientWorkerThreads: int(4, "threads", "Codec threads", accepted),
  connectTimeoutMillis: int(3000, "ms", "Connect timeout", { min: 1 }),
  disableCallbackExecutor: bool(false, "Run callbacks inline", accepted),
  disableNettyWorkerGroup: bool(false, "Run codec inline", accepted),
  enableReconnectForGoAway: bool(true, "Reconnect upon GO_AWAY"),
  maxReconnectIntervalTimeSeconds: long(60, "s", "Reconnect back-off"),
  scanAvailableNameSrv: bool(true, "Probe unreachable name servers"),
  socksProxyConfig: text("{}", "SOCKS proxies, as JSON", later),
  useTLS: bool(false, "TLS on outgoing calls", {
    ...later,
    refuse: "TLS on outgoing connections is not supported yet; data would be sent in the clear",
  }),
  writeBufferHighWaterMark: int(0, "bytes", "Unsent bytes at which a channel stops being writable", accepted),
  writeBufferLowWaterMark: int(0, "bytes", "Unsent bytes at which a channel is writable again", accepted),
};

/** Values of {@linkcode REMOTING_SERVER_OPTIONS}. */
export type RemotingServerOptions = OptionValues<typeof REMOTING_SERVER_OPTIONS>;

/** Values of {@linkcode REMOTING_CLIENT_OPTIONS}. */
export type RemotingClientOptions = OptionValues<typeof REMOTING_CLIENT_OPTIONS>;

/** Values of both. */
export type RemotingOptions = RemotingServerOptions & RemotingClientOptions;

/** Both sides in one frozen object. */
export function joinRemotingOptions(server: RemotingServerOptions, client: RemotingClientOptions): RemotingOptions {
  return Object.freeze({ ...server, ...client });
}

/** The defaults with some values replaced: for tests and embedded use. `listenPort` is 0, so the system chooses. */
export function defaultRemotingOptions(
  overrides: Partial<RemotingOptions> = {},
  environment: Environment = createEnvironment(),
): RemotingOptions {
  const server = defaultOptions(REMOTING_SERVER_OPTIONS, environment);
  const client = defaultOptions(REMOTING_CLIENT_OPTIONS, environment);
  return Object.freeze({ ...server, ...client, ...overrides });
}

function systemBacklog(environment: Environment): number {
  const backlog = Number(environment.property("com.rocketmq.remoting.socket.backlog") ?? NaN);
  return backlog > 0 ? backlog : 1024;
}
