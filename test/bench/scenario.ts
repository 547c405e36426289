// The role of a benchmark: the same work done in several ways, each with a server and a client process of its own.

export interface Scenario {
  /** For `--scenario`. */
  readonly name: string;
  /** What is done, for the head of the table. */
  readonly title: string;
  /** Calls a client keeps in flight, unless `--in-flight` says otherwise. */
  readonly inFlight: number;
  /** The first one is what the others are compared with. */
  readonly variants: readonly Variant[];
}

export interface Variant {
  readonly name: string;
  /** Runs in the server process. */
  serve(): Promise<Serving>;
  /** Runs in the client process. */
  connect(port: number): Promise<Calling>;
}

export interface Serving {
  readonly port: number;
  close(): Promise<unknown>;
}

export interface Calling {
  /** One unit of work, its answer checked. */
  call(): Promise<void>;
  close(): Promise<unknown>;
}
