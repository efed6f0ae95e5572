import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { readBrokerOptions } from "../../../src/broker/read_options.ts";
import { electionFault, etcdAdvice, etcdEndpoints, openEtcd } from "../../../src/broker/election_settings.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { SimDisk } from "../../../src/common/disk_sim.ts";
import { ConfigError } from "../../../src/common/options.ts";
import { SeededRandom } from "../../../src/common/random.ts";

const ETCD = "haElection=etcd://10.0.0.1:2379,10.0.0.2\n";

function fault(properties: string): string {
  return assertThrows(() => readBrokerOptions({ properties, fileName: "b.properties" }), ConfigError).message;
}

Deno.test("endpoints of etcd, with TLS and without", () => {
  assertEquals(etcdEndpoints("etcd://10.0.0.1:2379,h2"), ["http://10.0.0.1:2379", "http://h2:2379"]);
  assertEquals(etcdEndpoints("etcds://h:4001/"), ["https://h:4001"]);
  for (const wrong of ["10.0.0.1:2379", "http://h:2379", "etcd://", "etcd://h:x", "etcd://a, b"]) {
    assertStringIncludes(String(electionFault(wrong)), "", wrong);
    assertEquals(electionFault(wrong) === null, false, wrong);
  }
});

Deno.test("what cannot work is refused with the line of the key that asks for it, and what to set instead", () => {
  const beside = "beside haElection=etcd://10.0.0.1:2379,10.0.0.2 (b.properties:1)";
  const begins = (properties: string, expected: string) =>
    assertEquals(fault(properties).slice(0, expected.length), expected);
  begins(ETCD, "b.properties:1: haElection=etcd://10.0.0.1:2379,10.0.0.2: it needs haReplicaId: set that");
  begins(
    `${ETCD}haReplicaId=1\nbrokerRole=SLAVE\nbrokerId=1\n`,
    `b.properties:3: brokerRole=SLAVE: it cannot be ${beside}`,
  );
  begins(
    `${ETCD}haReplicaId=1\nhaMasterAddress=10.0.0.1:10912\n`,
    `b.properties:3: haMasterAddress=10.0.0.1:10912: it cannot be ${beside}`,
  );
  begins(
    `${ETCD}haReplicaId=1\nhaElectionPassword=x\n`,
    "b.properties:3: haElectionPassword=***: it needs haElectionUser",
  );
  begins(
    `${ETCD}haReplicaId=1\nhaElectionCaFile=/ca.pem\n`,
    "b.properties:3: haElectionCaFile=/ca.pem: certificates need haElection=etcds://",
  );
  begins(
    `${ETCD}haReplicaId=1\nhaElectionCertFile=/c.pem\n`,
    "b.properties:3: haElectionCertFile=/c.pem: it needs haElectionKeyFile",
  );
  begins(
    `${ETCD}haReplicaId=1\nhaElectionKeyFile=/k.pem\n`,
    "b.properties:3: haElectionKeyFile=/k.pem: it needs haElectionCertFile",
  );
  assertStringIncludes(fault(`${ETCD}haReplicaId=1\nhaElectionLeaseSec=1\n`), "b.properties:3: haElectionLeaseSec");
  assertStringIncludes(fault("haElection=zookeeper://h\n"), "etcd://HOST:PORT");
  const { broker, warnings } = readBrokerOptions({ properties: `${ETCD}haReplicaId=3\nbrokerRole=SYNC_MASTER\n` });
  assertEquals([broker.haReplicaId, broker.brokerId, warnings.length], [3, 0, 0]);
  assertEquals(readBrokerOptions({ properties: "haReplicaId=3\n", fileName: "b.properties" }).warnings, [
    "b.properties:1: haReplicaId=3: it has no effect without haElection",
  ]);
});

Deno.test("a certificate that cannot be read is told with its line", () => {
  const clock = new SimClock();
  const disk = new SimDisk({ random: new SeededRandom(1) });
  const { broker, assigned } = readBrokerOptions({
    properties: "haElection=etcds://h\nhaReplicaId=1\nhaElectionCaFile=/ca.pem\n",
    fileName: "b.properties",
  });
  const { message } = assertThrows(() => openEtcd(broker, { disk, clock }, assigned), ConfigError);
  assertEquals(message, "b.properties:3: haElectionCaFile=/ca.pem: there is no such file");
});

Deno.test("whatever keeps etcd from being asked has its own advice", () => {
  const cases = [
    ["http://h:1: tcp connect error: Connection refused (os error 111)", "See that etcd runs there"],
    ["http://h:1: no answer within 667 ms", "See that etcd runs there, most of its members do"],
    ["etcd refuses: etcdserver: mvcc: database space exceeded", "Compact and defragment etcd"],
    ["https://h:1: tls handshake eof", "TLS is not spoken there"],
    ["https://h:1: Connection reset by peer (os error 104)", "TLS is not spoken there"],
    ["http://h:1: connection closed before message completed", "If TLS is spoken there set haElection=etcds://…"],
    ["https://h:1: received corrupt message of type InvalidContentType", "TLS is not spoken there"],
    ["http://h:1: what answers there is not etcd: status 404: 404 page not found", "See the port"],
    ["etcd refuses: etcdserver: authentication failed, invalid user ID or password", "See haElectionUser"],
    [
      "http://h:1: what answers there is not etcd: status 400: Client sent an HTTP request to an HTTPS server.",
      "TLS is spoken",
    ],
    ["https://h:1: invalid peer certificate: UnknownIssuer", "See haElectionCaFile"],
  ];
  for (const [cause, advice] of cases) assertStringIncludes(etcdAdvice(cause!), advice!);
});
