/**
 * Commands about name servers. Source: RocketMQ, package `org.apache.rocketmq.tools.command.namesrv`.
 *
 * @module
 */
import type { AdminClient } from "../../client/admin.ts";
import { required } from "../arguments.ts";
import type { ToolCommand } from "../command.ts";
import { printf } from "../printf.ts";

const BROKER_NAME = required("b", "brokerName", "broker name");
const NAMESPACE = required("s", "namespace", "set the namespace");
const KEY = required("k", "key", "set the key name");

/** A command that changes the write permission of a broker in every name server, whatever the others do. */
function writePermCommand(
  verb: "wipe" | "add",
  change: (admin: AdminClient, address: string, brokerName: string) => Promise<number>,
): ToolCommand {
  const title = verb === "wipe" ? "Wipe" : "Add";
  return {
    name: `${verb}WritePerm`,
    summary: `${title} write perm of broker in all name server you defined in the -n param.`,
    options: [BROKER_NAME],
    example: "-n 127.0.0.1:9876 -b broker-a",
    async run({ admin, options, out, problem }) {
      const brokerName = options.text("b");
      for (const address of admin.namesrv.addresses) {
        const what = `${verb} write perm of broker[${brokerName}] in name server[${address}]`;
        try {
          out.line(`${what} OK, ${await change(admin, address, brokerName)}`);
        } catch (error) {
          out.line(`${what} Failed`);
          problem(error);
        }
      }
    },
  };
}

const wipeWritePerm = writePermCommand("wipe", (admin, address, name) => admin.namesrv.wipeWritePerm(address, name));
const addWritePerm = writePermCommand("add", (admin, address, name) => admin.namesrv.addWritePerm(address, name));

const updateKvConfig: ToolCommand = {
  name: "updateKvConfig",
  summary: "Create or update KV config.",
  options: [NAMESPACE, KEY, required("v", "value", "set the key value")],
  example: "-n 127.0.0.1:9876 -s ORDER_TOPIC_CONFIG -k MyTopic -v broker-a:8",
  async run({ admin, options, out }) {
    await admin.namesrv.putKvConfig(options.text("s"), options.text("k"), options.text("v"));
    out.line("create or update kv config to namespace success.");
  },
};

const deleteKvConfig: ToolCommand = {
  name: "deleteKvConfig",
  summary: "Delete KV config.",
  options: [NAMESPACE, KEY],
  example: "-n 127.0.0.1:9876 -s ORDER_TOPIC_CONFIG -k MyTopic",
  async run({ admin, options, out }) {
    await admin.namesrv.deleteKvConfig(options.text("s"), options.text("k"));
    out.line("delete kv config from namespace success.");
  },
};

const getNamesrvConfig: ToolCommand = {
  name: "getNamesrvConfig",
  summary: "Get configs of name server.",
  options: [],
  example: "-n 127.0.0.1:9876",
  async run({ admin, out }) {
    const all: Record<string, Record<string, string>> = {};
    const lines: string[] = [];
    for (const address of admin.namesrv.addresses) {
      const config = await admin.namesrv.config(address);
      all[address] = Object.fromEntries(config);
      lines.push(`============${address}============`);
      for (const [name, value] of config) lines.push(printf("%-50s=  %s", name, value));
    }
    out.value(all, lines.join("\n"));
  },
};

const updateNamesrvConfig: ToolCommand = {
  name: "updateNamesrvConfig",
  summary: "Update configs of name server.",
  options: [required("k", "key", "config key"), required("v", "value", "config value")],
  example: "-n 127.0.0.1:9876 -k orderMessageEnable -v true",
  async run({ admin, options, out, problem }) {
    const [key, value] = [options.text("k"), options.text("v")];
    for (const [address, remark] of await admin.namesrv.updateConfig(key, value)) problem(`${address}: ${remark}`);
    out.line(`update name server config success![${admin.namesrv.addresses.join(", ")}]`);
    out.line(`${key} : ${value}`);
  },
};

/** The commands of this file. */
export const NAMESRV_COMMANDS: readonly ToolCommand[] = [
  updateKvConfig,
  deleteKvConfig,
  wipeWritePerm,
  addWritePerm,
  getNamesrvConfig,
  updateNamesrvConfig,
];
