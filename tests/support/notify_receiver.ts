/**
 * Stands in for systemd: prints each message that comes to the socket named by its argument. Needs `--unstable-net`.
 *
 * @module
 */
const path = Deno.args[0]!;
const socket = Deno.listenDatagram({ transport: "unixpacket", path });
console.log("listening");
for await (const [bytes] of socket) console.log(JSON.stringify(new TextDecoder().decode(bytes)));
