// Data by pattern together with metadata, as Nest's record builders for other transports.

/** @publicApi */
export class CmdStreamRecord<T = unknown> {
  constructor(
    readonly data: T,
    readonly metadata: Readonly<Record<string, string>>,
  ) {}
}

/**
 * Builds what `client.send(pattern, record)` and `emit` take to send metadata along; `context.getMetadata()` reads it.
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

  /** Replaces all metadata. */
  setMetadata(metadata: Readonly<Record<string, string>>): this {
    this.#metadata = { ...metadata };
    return this;
  }

  build(): CmdStreamRecord<T> {
    return new CmdStreamRecord(this.#data, this.#metadata);
  }
}
