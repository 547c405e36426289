// Data by pattern together with metadata, as Nest's record builders for other transports.
import { ownMetadata } from '../../client/call/call-rules.js';

/** Registered: a library may have made the record by another copy of this package. */
const IS_RECORD: unique symbol = Symbol.for('nestjs-cmd-stream.record') as never;

/**
 * Data by pattern, and the metadata that travel with it, as {@link CmdStreamRecordBuilder} makes one. Commands take
 * metadata as an option of their call.
 *
 * @example
 * import { CmdStreamRecord, type CmdStreamClient } from 'nestjs-cmd-stream';
 *
 * export function greet(client: CmdStreamClient, name: string) {
 *   return client.send<string>('greet', new CmdStreamRecord({ name }, { tenant: 'north' }));
 * }
 *
 * @publicApi
 */
export class CmdStreamRecord<T = unknown> {
  constructor(
    /** What the handler gets as its payload. */
    readonly data: T,
    /** What `context.metadata` of the handler is: texts by key. */
    readonly metadata: Readonly<Record<string, string>>,
  ) {}

  /** @internal */
  get [IS_RECORD](): true {
    return true;
  }
}

export function isCmdStreamRecord(value: unknown): value is CmdStreamRecord {
  return (value as Partial<CmdStreamRecord> | null | undefined)?.[IS_RECORD] === true;
}

/**
 * Builds what `client.send(pattern, record)` and `emit` take to send metadata along; `context.metadata` reads it.
 *
 * @example
 * import { CmdStreamRecordBuilder, type CmdStreamClient } from 'nestjs-cmd-stream';
 *
 * export function greet(client: CmdStreamClient, name: string) {
 *   const record = new CmdStreamRecordBuilder({ name }).setMetadata({ tenant: 'north' }).build();
 *   return client.send<string>('greet', record);
 * }
 *
 * @publicApi
 */
export class CmdStreamRecordBuilder<T = unknown> {
  #data: T;
  #metadata: Readonly<Record<string, string>> = {};

  constructor(data: T) {
    this.#data = data;
  }

  /** Replaces the data that the builder was made with. */
  setData(data: T): this {
    this.#data = data;
    return this;
  }

  /** Replaces all metadata. @throws {CmdStreamError} INVALID_OPTION for what is no plain object of strings */
  setMetadata(metadata: Readonly<Record<string, string>>): this {
    this.#metadata = ownMetadata('setMetadata()', metadata);
    return this;
  }

  /** The record of what was set so far; later changes of the builder do not change it. */
  build(): CmdStreamRecord<T> {
    return new CmdStreamRecord(this.#data, this.#metadata);
  }
}
