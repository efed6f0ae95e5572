/**
 * Which groups consume which topics by POP: `config/messageRequestMode.json`. Where nothing is set, `defaultMessageRequestMode`
 * counts; retry topics are always pulled.
 *
 * RocketMQ counterpart: `MessageRequestModeManager`.
 *
 * @module
 */
import type { MessageRequestMode, RequestModeSetting } from "../../protocol/bodies/pop.ts";
import { readRequestModes, requestModesJson } from "../../protocol/bodies/pop.ts";
import { type JsonObject, parseJsonObject, stringifyJson } from "../../protocol/json.ts";
import { Persisted, type PersistedParts } from "../persisted.ts";
import { RETRY_PREFIX } from "../system_topics.ts";

/** What is used where nothing is set. */
export interface RequestModeDefaults {
  readonly defaultMessageRequestMode: MessageRequestMode;
  readonly defaultPopShareQueueNum: number;
}

/** The table; see the module's text. */
export class RequestModes {
  readonly #persisted: Persisted;
  readonly #defaults: RequestModeDefaults;
  /** Topic to group. */
  readonly #settings = new Map<string, Map<string, RequestModeSetting>>();

  constructor(parts: PersistedParts & { readonly options: RequestModeDefaults }) {
    this.#defaults = parts.options;
    this.#persisted = new Persisted(parts, () => stringifyJson(requestModesJson(this.all())));
  }

  /** Reads the file. @throws {CorruptError} */
  load(): void {
    const json = this.#persisted.load(parseJsonObject);
    if (json !== null) this.#take(json);
  }

  /** What was set; undefined when nothing was. */
  get(topic: string, group: string): RequestModeSetting | undefined {
    return this.#settings.get(topic)?.get(group);
  }

  /** What counts. */
  find(topic: string, consumerGroup: string): RequestModeSetting {
    const { defaultMessageRequestMode, defaultPopShareQueueNum } = this.#defaults;
    const mode = topic.startsWith(RETRY_PREFIX) ? "PULL" : defaultMessageRequestMode;
    return this.get(topic, consumerGroup) ??
      { topic, consumerGroup, mode, popShareQueueNum: mode === "POP" ? defaultPopShareQueueNum : 0 };
  }

  /** Sets how a group consumes a topic. */
  set(setting: RequestModeSetting): void {
    const groups = this.#settings.get(setting.topic) ?? new Map<string, RequestModeSetting>();
    this.#settings.set(setting.topic, groups.set(setting.consumerGroup, setting));
    this.#persisted.changed();
  }

  /** All that was set. */
  *all(): Generator<RequestModeSetting> {
    for (const groups of this.#settings.values()) yield* groups.values();
  }

  /** Takes a master's table in place of the own one (slave). */
  replaceAll(json: JsonObject): void {
    this.#settings.clear();
    this.#take(json);
    this.#persisted.changed();
  }

  /** Resolves when all changes so far are on disk. */
  saved(): Promise<void> {
    return this.#persisted.saved();
  }

  /** Saves for the last time. @throws {DiskError} */
  close(): void {
    this.#persisted.close();
  }

  #take(json: JsonObject): void {
    for (const setting of readRequestModes(json)) {
      const groups = this.#settings.get(setting.topic) ?? new Map<string, RequestModeSetting>();
      this.#settings.set(setting.topic, groups.set(setting.consumerGroup, setting));
    }
  }
}
