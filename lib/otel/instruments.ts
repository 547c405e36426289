// The instruments of one side, made once for a meter provider. Durations are seconds.
import type { Attributes, Context, Counter, Histogram, Meter } from '@opentelemetry/api';

export type Side = 'client' | 'server';

/** Calls of this transport take less than a millisecond; those that wait for others take seconds. */
const SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const;
/** As the conventions for RPC have them. */
const RPC_SECONDS = SECONDS.slice(5);
const BYTES = [32, 64, 128, 256, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 16_777_216] as const;

/** How many, how large and how long. */
interface Trio {
  readonly count: Counter;
  readonly size: Histogram;
  readonly duration: Histogram;
}

export class Instruments {
  /** Undefined where the conventions for RPC are enough. */
  readonly #commands: Trio | undefined;
  readonly #results: Trio | undefined;
  readonly #rpcDuration: Histogram;

  constructor(
    readonly meter: Meter,
    side: Side,
    which: true | 'rpc',
  ) {
    this.#commands = which === true ? trio(meter, side, 'command') : undefined;
    this.#results = which === true ? trio(meter, side, 'result') : undefined;
    this.#rpcDuration = meter.createHistogram(`rpc.${side}.call.duration`, {
      unit: 's',
      description: side === 'client' ? 'Duration of outgoing calls.' : 'Duration of incoming calls.',
      advice: { explicitBucketBoundaries: [...RPC_SECONDS] },
    });
  }

  /** A Command is over. */
  command(bytes: number, seconds: number, attributes: Attributes, rpc: Attributes, context: Context): void {
    if (this.#commands) record(this.#commands, bytes, seconds, attributes, context);
    this.#rpcDuration.record(seconds, rpc, context);
  }

  /** A Result was sent or has come, so long after the Command. */
  result(bytes: number, seconds: number, attributes: Attributes, context: Context): void {
    if (this.#results) record(this.#results, bytes, seconds, attributes, context);
  }
}

function trio(meter: Meter, side: Side, what: 'command' | 'result'): Trio {
  const name = `cmd-stream.${side}.${what}`;
  return {
    count: meter.createCounter(`${name}.count`, {
      unit: `{${what}}`,
      description: `Number of ${side} ${what}s.`,
    }),
    size: meter.createHistogram(`${name}.size`, {
      unit: 'By',
      description: `Size of ${side} ${what}s.`,
      advice: { explicitBucketBoundaries: [...BYTES] },
    }),
    duration: meter.createHistogram(`${name}.duration`, {
      unit: 's',
      description: `Duration of ${side} ${what}s.`,
      advice: { explicitBucketBoundaries: [...SECONDS] },
    }),
  };
}

function record({ count, size, duration }: Trio, bytes: number, seconds: number, given: Attributes, at: Context): void {
  count.add(1, given, at);
  // What was never written has no size.
  if (bytes > 0) size.record(bytes, given, at);
  duration.record(seconds, given, at);
}
