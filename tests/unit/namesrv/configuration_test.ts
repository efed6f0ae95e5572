import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DiskError } from "../../../src/common/errors.ts";
import { createEnvironment } from "../../../src/common/environment.ts";
import { openNamesrvConfiguration, updateByRequest } from "../../../src/namesrv/configuration.ts";
import { ResponseCode } from "../../../src/protocol/codes.ts";
import { ResponseError } from "../../../src/protocol/response_error.ts";
import { simWorld } from "../../support/world.ts";

Deno.test("updates survive a restart, also without a file named at start", () => {
  const { disk } = simWorld(1).machine("ns");
  const environment = createEnvironment({ variables: { HOME: "/home/rocketmq" } });
  const open = () => openNamesrvConfiguration({ disk, environment });

  assertEquals(updateByRequest(open(), "waitSecondsForService=7\nnoSuchKey=1"), ["noSuchKey"]);

  assertEquals(open().settings.namesrv.waitSecondsForService, 7);
  assertEquals(open().settings.namesrv.configStorePath, "/home/rocketmq/namesrv/namesrv.properties");
});

Deno.test("a file that was named must exist", () => {
  const { disk } = simWorld(2).machine("ns");
  const error = assertThrows(() => openNamesrvConfiguration({ disk, path: "/none.properties" }), DiskError);
  assertStringIncludes(error.message, "/none.properties");
});

Deno.test("keys of the configured black list refuse updates as well as those that always do", () => {
  const { disk } = simWorld(3).machine("ns");
  const configuration = openNamesrvConfiguration({ disk, overrides: { configBlackList: "listenPort; bindAddress" } });
  for (const text of ["listenPort=1", "bindAddress=::", "configStorePath=/x"]) {
    assertEquals(
      assertThrows(() => updateByRequest(configuration, text), ResponseError).code,
      ResponseCode.NO_PERMISSION,
      text,
    );
  }
  assertEquals(updateByRequest(configuration, "waitSecondsForService=1"), []);
});
