/**
 * The product's name and version, which `deno.json` alone states. RocketMQ counterpart: `MQVersion`, which however is the
 * version of the protocol; that one is in `src/protocol/codes.ts`.
 *
 * @module
 */
import project from "../../deno.json" with { type: "json" };

/** The name that users type and see. Source: ours. */
export const PRODUCT_NAME = "rucola";

/** Version of the product, `major.minor.patch`. Source: `version` in `deno.json`. */
export const PRODUCT_VERSION: string = project.version;
