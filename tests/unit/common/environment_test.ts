/**
 * Defaults that come from the machine and from Java's start options.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  advertisedAddress,
  createEnvironment,
  parseSystemProperties,
  systemEnvironment,
} from "../../../src/common/environment.ts";

Deno.test("system properties are read from Java's option variables, quoted or not", () => {
  const properties = parseSystemProperties(
    `-server -Duser.home=/data -Xms1g "-Da=b" -Drocketmq.namesrv.addr="x:1;y:2" -Dempty=`,
  );
  assertEquals([...properties], [["user.home", "/data"], ["a", "b"], ["rocketmq.namesrv.addr", "x:1;y:2"], [
    "empty",
    "",
  ]]);
});

Deno.test("the user's home is ours, then Java's, then the shell's, then the system's", () => {
  const home = (variables: Record<string, string>) => createEnvironment({ variables, systemHome: "/system" }).userHome;
  const JAVA_OPT_EXT = "-Duser.home=/java/";
  assertEquals(home({ ROCKETMQ_USER_HOME: "/ours", JAVA_OPT_EXT, HOME: "/shell" }), "/ours");
  assertEquals(home({ JAVA_OPT_EXT, HOME: "/shell" }), "/java");
  assertEquals(home({ JAVA_OPT: "-Duser.home=/first", JAVA_OPT_EXT }), "/java");
  assertEquals(home({ HOME: "/shell" }), "/shell");
  assertEquals(home({}), "/system");
});

Deno.test("an empty variable is as good as none", () => {
  assertEquals(createEnvironment({ variables: { NAMESRV_ADDR: "" } }).variable("NAMESRV_ADDR"), undefined);
});

Deno.test("a public address is advertised before a private one, IPv4 before IPv6, loopback last", () => {
  const v4 = (name: string, address: string) => ({ name, family: "IPv4" as const, address });
  const v6 = (name: string, address: string) => ({ name, family: "IPv6" as const, address });
  const lo = v4("lo", "127.0.0.1");
  assertEquals(advertisedAddress([lo, v4("eth0", "10.0.0.5"), v4("eth1", "203.0.113.7")]), "203.0.113.7");
  assertEquals(advertisedAddress([lo, v4("eth0", "172.16.3.4"), v4("eth1", "192.168.1.2")]), "172.16.3.4");
  assertEquals(advertisedAddress([lo, v4("a", "169.254.1.1"), v4("b", "192.168.1.2")]), "192.168.1.2");
  assertEquals(
    advertisedAddress([lo, v6("lo", "::1"), v6("eth0", "fe80::1"), v6("eth0", "2001:db8::1")]),
    "[2001:db8::1]",
  );
  assertEquals(advertisedAddress([lo, v6("eth0", "fe80::1")]), "127.0.0.1");
  assertEquals(advertisedAddress([]), "127.0.0.1");
});

Deno.test("output is the journal's only when systemd names this very output", () => {
  const isJournal = (stdoutId: string) =>
    createEnvironment({ variables: { JOURNAL_STREAM: "9:1234" }, stdoutId }).stdoutIsJournal;
  assertEquals(isJournal("9:1234"), true);
  assertEquals(isJournal("9:77"), false);
  assertEquals(createEnvironment().stdoutIsJournal, false);
});

Deno.test("this machine has a home, a name, an address and a processor", () => {
  const { userHome, hostName, hostAddress, cpuCount } = systemEnvironment();
  assertEquals([userHome, hostName, hostAddress].every((text) => text.length > 0) && cpuCount >= 1, true);
});
