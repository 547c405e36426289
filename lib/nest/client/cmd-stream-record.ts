// Data by pattern together with metadata, as Nest's record builders for other transports.
import { ownMetadata } from '../../client/call/call-rules.js';

/** @publicApi */
export class CmdStreamRecord<T = unknown> {
  constructor(
    readonly data: T,
    readonly metadata: Readonly<Record<string, string>>,
  ) {}
}

/**
 * Builds what `client.send(pattern, record)` and `emit` take to send metadata along; `context.metadata` reads it.
 *
 * @publicApi
 */
export class CmdStreamRecordBuilder<T = unknown> {
  #data: T;
  #metadata: Readonly<Record<string, string>> = {};

  constructor(data: T) {
    this.#data = data;
  }

  setData(data: T): this {
    this.#data = data;
    return this;
  }

  /** Replaces all metadata. @throws {CmdStreamError} INVALID_OPTION for what is no plain object of strings */
  setMetadata(metadata: Readonly<Record<string, string>>): this {
    this.#metadata = ownMetadata('setMetadata()', metadata);
    return this;
  }

  build(): CmdStreamRecord<T> {
    return new CmdStreamRecord(this.#data, this.#metadata);
  }
}
