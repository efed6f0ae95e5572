/**
 * SQL92 expressions as filters of stored records: the properties that an expression names are found in the record's bytes,
 * nothing else of it is looked at.
 *
 * RocketMQ counterpart: `ExpressionMessageFilter`, `ExpressionForRetryMessageFilter`.
 *
 * @module
 */
import { utf8Text } from "../common/bytes.ts";
import { ResponseCode } from "../protocol/codes.ts";
import { findProperty, Property, propertyName, valueEnd } from "../protocol/message.ts";
import { RecordKind, RecordView } from "../protocol/record.ts";
import { ResponseError } from "../protocol/response_error.ts";
import { compileSql92, Sql92Error, type Sql92Filter } from "../protocol/sql92/filter.ts";
import { PropertyReader } from "../protocol/sql92/property_reader.ts";
import { ExpressionType } from "../protocol/subscription.ts";
import type { MessageFilter } from "../store/store.ts";

const RETRY_TOPIC = propertyName(Property.RETRY_TOPIC);
/** Where the parts of the record at hand lie. Filters run in one stretch, so one is enough for all. */
const view = new RecordView();

/** The filter of one expression. */
export class Sql92MessageFilter implements MessageFilter {
  readonly #filter: Sql92Filter;
  readonly #reader: PropertyReader;

  /**
   * Compiles the expression.
   * @throws {Sql92Error} when it is wrong. @throws {ResponseError} SUBSCRIPTION_PARSE_FAILED when it is not SQL92.
   */
  constructor(expression: string, type: string) {
    if (type !== ExpressionType.SQL92) {
      throw new ResponseError(
        ResponseCode.SUBSCRIPTION_PARSE_FAILED,
        `expression type ${JSON.stringify(type)} is unknown; expected TAG or SQL92`,
      );
    }
    this.#filter = compileSql92(expression);
    this.#reader = new PropertyReader(this.#filter.names);
  }

  /** Always: a tags code says nothing about properties. */
  matchesCode(): boolean {
    return true;
  }

  /** Whether the expression is true for the record; not when it is unknown or cannot be evaluated. */
  matchesRecord(record: Uint8Array): boolean {
    if (view.read(record, 0, record.length) !== RecordKind.RECORD) return false;
    return this.matchesProperties(record, view.propertiesStart, view.propertiesEnd);
  }

  /** The same for the property string `bytes` in `[start, end)`. */
  matchesProperties(bytes: Uint8Array, start: number, end: number): boolean {
    this.#reader.read(bytes, start, end);
    return this.#filter.evaluate(this.#reader.get) === true;
  }
}

/** Filters the messages of a retry topic by what their group wants of the topic that each came from. */
export class OriginalTopicFilter implements MessageFilter {
  readonly #filterOf: (topic: string) => Sql92MessageFilter | undefined;

  /** @param filterOf the group's filter of a topic, undefined when everything is wanted. */
  constructor(filterOf: (topic: string) => Sql92MessageFilter | undefined) {
    this.#filterOf = filterOf;
  }

  /** Always. */
  matchesCode(): boolean {
    return true;
  }

  /** Whether the record is wanted; one that does not say where it came from is. */
  matchesRecord(record: Uint8Array): boolean {
    if (view.read(record, 0, record.length) !== RecordKind.RECORD) return false;
    const { propertiesStart: start, propertiesEnd: end } = view;
    const value = findProperty(record, start, end, RETRY_TOPIC);
    if (value < 0) return true;
    const filter = this.#filterOf(utf8Text(record.subarray(value, valueEnd(record, value, end))));
    return filter === undefined || filter.matchesProperties(record, start, end);
  }
}

/** What a client is told when its expression was refused with `error`. Anything but a refusal is thrown again. */
export function expressionRefusal(error: unknown): ResponseError {
  if (error instanceof ResponseError) return error;
  if (error instanceof Sql92Error) return new ResponseError(ResponseCode.SUBSCRIPTION_PARSE_FAILED, error.message);
  throw error;
}
