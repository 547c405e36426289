// What one contestant is asked to do: which payloads, how many calls at a time, over how many connections.

export interface Workload {
  /** Bytes of the JSON body that is echoed, or `mixed`: bodies of the reference's benchmark, see `mixedPayload`. */
  readonly payload: number | 'mixed';
  /** Calls that the client keeps in flight. */
  readonly inFlight: number;
  /** Connections of the client. */
  readonly connections: number;
  /** What the handler waits before it answers, in milliseconds. */
  readonly delayMs: number;
  /** Results of one stream. */
  readonly results: number;
  /** How this package's client chooses among its connections. */
  readonly strategy: 'round-robin' | 'least-pending';
}

/** The smallest call there is, many at a time. */
export const usual: Workload = {
  payload: 64,
  inFlight: 256,
  connections: 1,
  delayMs: 0,
  results: 1,
  strategy: 'round-robin',
};

const DIFFERENT = 64;

/** Texts whose JSON body `{"text":"…"}` has so many bytes, all different, so that no answer fits another's call. */
export function texts(bytes: number): readonly string[] {
  const length = bytes - '{"text":""}'.length;
  return Array.from({ length: DIFFERENT }, (_, at) => String(at).padStart(2, '0').padEnd(length, 'x'));
}

/** The values of the reference's benchmark: in MUS 17 to 1,024 bytes. */
export interface Mixed {
  readonly Bool: boolean;
  readonly Int64: number;
  readonly String: string;
  readonly Float64: number;
}

const LONGEST_TEXT = 1006;
const filler = 'x'.repeat(LONGEST_TEXT);

/** The same values in every run, of many lengths. */
export const mixedPayloads: readonly Mixed[] = Array.from({ length: 1024 }, (_, at) => ({
  Bool: at % 2 === 0,
  Int64: 1_234_567_890_123 + at,
  String: filler.slice(0, (at * 619) % (LONGEST_TEXT + 1)),
  Float64: 1.5 + at,
}));

export function checkText(sent: string, answer: { readonly text: string }): void {
  if (answer.text !== sent) throw new Error(`expected ${sent}, got ${JSON.stringify(answer)}`);
}

export function checkMixed(sent: Mixed, answer: Mixed): void {
  const isSame = answer.Bool === sent.Bool && answer.Int64 === sent.Int64 && answer.Float64 === sent.Float64;
  if (isSame && answer.String === sent.String) return;
  throw new Error(`expected ${JSON.stringify(sent)}, got ${JSON.stringify(answer)}`);
}
