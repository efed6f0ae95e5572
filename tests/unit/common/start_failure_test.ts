/**
 * Failures of a start, told with the setting that they come from.
 *
 * @module
 */
import { assertEquals, assertStrictEquals } from "@std/assert";
import { createEnvironment } from "../../../src/common/environment.ts";
import { DiskError, type DiskFault, ListenError, type ListenFault, messageOf } from "../../../src/common/errors.ts";
import { int, optionalText, text } from "../../../src/common/option.ts";
import { readOptions } from "../../../src/common/options.ts";
import { explainStartFailure } from "../../../src/common/start_failure.ts";

const TABLE = {
  bindAddress: text("0.0.0.0", "Listen address"),
  listenPort: int(10911, "", "A port"),
  haListenPort: int(10912, "", "Another"),
  rootDir: text("/home/user/store", "A directory", { isPath: true }),
  logPath: text("/home/user/store/commitlog", "A directory that follows from the other", { isPath: true }),
  logDir: optionalText("Logs", { isPath: true }),
};

function explained(properties: string, error: Error): unknown {
  const source = { properties, fileName: "b.properties", environment: createEnvironment() };
  const { values, assigned } = readOptions({ main: TABLE }, source);
  return explainStartFailure(error, {
    parts: [[TABLE, values.main]],
    assigned,
    ports: [
      { port: values.main.listenPort, key: "listenPort" },
      { port: values.main.listenPort - 2, key: "listenPort", remark: "its VIP port" },
      { port: values.main.haListenPort, key: "haListenPort" },
    ],
    directories: new Map([["logDir", "/home/user/logs"]]),
    interfaces: () => [{ name: "lo", address: "127.0.0.1", family: "IPv4" }],
    running: () => ["broker with process id 7"],
  });
}

const listening = (reason: ListenFault, port = 10911) => new ListenError({ host: "x", port }, reason, "Cannot listen");
const disk = (fault: DiskFault, path: string) => new DiskError(fault, path, "make directory");

Deno.test("an address that cannot be listened on is told with the line of bindAddress, and what is possible", () => {
  assertEquals(
    messageOf(explained("\nbindAddress=1.2.3.4", listening("foreign-address"))),
    "b.properties:2: bindAddress=1.2.3.4: Cannot listen; this machine's addresses are 127.0.0.1; " +
      "0.0.0.0 listens on all of them",
  );
  assertEquals(
    messageOf(explained("bindAddress=nobody", listening("no-address"))),
    "b.properties:1: bindAddress=nobody: Cannot listen; an address of this machine is expected (127.0.0.1), " +
      "or a name of one; 0.0.0.0 listens on all of them",
  );
});

Deno.test("a port that is taken is told with its key, and how to find who has it", () => {
  const advice = (port: number) =>
    `; \`ss -ltnp 'sport = :${port}'\` shows who has it (of this user's servers there run: broker with process id 7): ` +
    "end that, or set another port";
  assertEquals(
    messageOf(explained("", listening("taken"))),
    `default: listenPort=10911: Cannot listen${advice(10911)}`,
  );
  assertEquals(
    messageOf(explained("listenPort=20000", listening("taken", 19998))),
    `b.properties:1: listenPort=20000: Cannot listen (its VIP port)${advice(19998)}`,
  );
  assertEquals(
    messageOf(explained("haListenPort=80", listening("not-allowed", 80))),
    "b.properties:1: haListenPort=80: Cannot listen; ports below 1024 take root or CAP_NET_BIND_SERVICE",
  );
});

Deno.test("a directory that cannot be used is told with the setting that its author wrote", () => {
  const root = messageOf(explained("rootDir=/proc/x\nlogPath=/proc/x/commitlog", disk("io", "/proc/x/commitlog/a")));
  assertEquals(
    root,
    "b.properties:2: logPath=/proc/x/commitlog: Cannot make directory: /proc/x/commitlog/a: io; " +
      "set a directory that can be made and written",
  );
  assertEquals(
    messageOf(explained("", disk("read-only", "/home/user/store/commitlog"))),
    "default: rootDir=/home/user/store: Cannot make directory: /home/user/store/commitlog: read-only; " +
      "set a directory on a file system that can be written (a systemd unit needs it in ReadWritePaths)",
  );
  assertEquals(
    messageOf(explained("", disk("permission", "/home/user/logs/otherdays"))),
    "default: logDir=/home/user/logs: Cannot make directory: /home/user/logs/otherdays: permission; " +
      "let the user that runs this write there, or set another directory",
  );
});

Deno.test("what comes from no setting stays as it is", () => {
  const elsewhere = disk("io", "/elsewhere");
  assertStrictEquals(explained("", elsewhere), elsewhere);
  const other = new Error("other");
  assertStrictEquals(explained("", other), other);
});
