import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { readBrokerOptions } from "../../../src/broker/read_options.ts";
import { electionFault, etcdEndpoints } from "../../../src/broker/election_settings.ts";
import { ConfigError } from "../../../src/common/options.ts";

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

Deno.test("what cannot work is refused with what to set instead", () => {
  assertStringIncludes(fault(ETCD), "haReplicaId");
  assertStringIncludes(fault(`${ETCD}haReplicaId=1\nbrokerRole=SLAVE\nbrokerId=1\n`), "the election says who leads");
  assertStringIncludes(fault(`${ETCD}haReplicaId=1\nhaMasterAddress=10.0.0.1:10912\n`), "haMasterAddress");
  assertStringIncludes(fault(`${ETCD}haReplicaId=1\nhaElectionPassword=x\n`), "haElectionUser");
  assertStringIncludes(fault(`${ETCD}haReplicaId=1\nhaElectionCaFile=/ca.pem\n`), "etcds://");
  assertStringIncludes(fault(`${ETCD}haReplicaId=1\nhaElectionLeaseSec=1\n`), "haElectionLeaseSec");
  assertStringIncludes(fault("haElection=zookeeper://h\n"), "etcd://HOST:PORT");
  const { broker, warnings } = readBrokerOptions({ properties: `${ETCD}haReplicaId=3\nbrokerRole=SYNC_MASTER\n` });
  assertEquals([broker.haReplicaId, broker.brokerId, warnings.length], [3, 0, 0]);
  assertStringIncludes(readBrokerOptions({ properties: "haReplicaId=3\n" }).warnings.join(), "without haElection");
});
