// What is compared with what: contests, whose entries take turns, and keys, each of which is a ratio of two entries.
import type { ContestantName } from './lineup.js';
import { usual, type Workload } from './workload.js';

/** `speed`: units per second; `p50`: latency; `cpu`: processor time of both sides per unit; `bytes`: of a figure. */
export type Measure = 'speed' | 'p50' | 'cpu' | 'bytes';

export interface Key {
  readonly name: string;
  readonly title: string;
  readonly measure: Measure;
  /** Entries of the contest; the worst of several counts. */
  readonly of: readonly string[];
  /** The entry that they are compared with; without one the measure itself is what counts. */
  readonly against?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Entry {
  /** Unique in its contest. */
  readonly name: string;
  readonly contestant: ContestantName;
  readonly workload: Workload;
}

export interface Contest {
  readonly name: string;
  readonly title: string;
  /** What is counted. */
  readonly unit: 'calls' | 'Results';
  readonly entries: readonly Entry[];
  readonly keys: readonly Key[];
}

function entry(contestant: ContestantName, different: Partial<Workload> = {}, name: string = contestant): Entry {
  return { name, contestant, workload: { ...usual, ...different } };
}

function entries(contestants: readonly ContestantName[], different: Partial<Workload> = {}): readonly Entry[] {
  return contestants.map((contestant) => entry(contestant, different));
}

type Bound = Pick<Key, 'atLeast' | 'atMost'>;

/** How much faster one is than the other. */
function faster(name: string, of: ContestantName, against: ContestantName, title: string, bound: Bound = {}): Key {
  return { name, title, measure: 'speed', of: [of], against, ...bound };
}

const echo: Contest = {
  name: 'echo',
  title: 'JSON echo of 64 bytes, client and handler in Nest, 256 in flight, one connection',
  unit: 'calls',
  entries: entries([
    'ceiling',
    'execute',
    'tcp-string',
    'send',
    'tcp-object',
    'drop-in',
    'execute-mus',
    'go',
    'go-client',
    'nats',
    'redis',
    'http-fastify',
    'http-express',
    'grpc',
  ]),
  keys: [
    faster('vs-nest-tcp-string', 'execute', 'tcp-string', 'execute against Nest TCP, string pattern', { atLeast: 3.6 }),
    faster('send-vs-nest-tcp-string', 'send', 'tcp-string', 'send against Nest TCP, string pattern', { atLeast: 3.2 }),
    faster('vs-nest-tcp-object', 'execute', 'tcp-object', 'execute against Nest TCP, object pattern', { atLeast: 2.6 }),
    faster('mus-vs-nest-tcp-string', 'execute-mus', 'tcp-string', 'MUS codec against Nest TCP, string pattern', {
      atLeast: 4.5,
    }),
    faster('vs-nest-grpc', 'execute', 'grpc', 'execute against Nest gRPC', { atLeast: 38 }),
    faster('vs-nest-nats', 'execute', 'nats', 'execute against Nest NATS', { atLeast: 6 }),
    faster('vs-nest-redis', 'execute', 'redis', 'execute against Nest Redis', { atLeast: 6 }),
    faster('vs-nest-http-fastify', 'execute', 'http-fastify', 'execute against Nest HTTP, Fastify', { atLeast: 7 }),
    faster('vs-nest-http-express', 'execute', 'http-express', 'execute against Nest HTTP, Express', { atLeast: 30 }),
    faster('vs-go', 'execute', 'go', 'execute against Go client and Go server', { atLeast: 3 }),
    faster('go-client-vs-go', 'go-client', 'go', 'Go client: our server against the Go server', { atLeast: 1.2 }),
    faster('vs-ceiling', 'execute', 'ceiling', 'execute against the ceiling', { atLeast: 0.7 }),
    faster('dropin-vs-nest-tcp', 'drop-in', 'tcp-object', '@MessagePattern, object pattern, against Nest TCP', {
      atLeast: 2,
    }),
  ],
};

const mixed: Contest = {
  name: 'mixed',
  title: 'Echo of the mixed payload of the reference’s benchmark, 256 in flight, one connection',
  unit: 'calls',
  entries: entries(['execute', 'execute-mus', 'execute-protobuf', 'go'], { payload: 'mixed' }),
  keys: [
    faster('mus-vs-json', 'execute-mus', 'execute', 'MUS codec against our JSON, mixed payload', { atLeast: 1.5 }),
    faster('protobuf-vs-json', 'execute-protobuf', 'execute', 'Protobuf codec against our JSON, mixed payload'),
    faster('mixed-vs-go', 'execute', 'go', 'execute against Go, mixed payload'),
  ],
};

const delayed: Contest = {
  name: 'delayed',
  title: 'The same, answered after 30 ms, 4,096 in flight',
  unit: 'calls',
  entries: entries(['execute', 'go'], { payload: 'mixed', delayMs: 30, inFlight: 4096 }),
  keys: [faster('delayed-vs-go', 'execute', 'go', 'execute against Go, mixed payload, answered after 30 ms')],
};

const latency: Contest = {
  name: 'latency',
  title: 'JSON echo of 64 bytes, one call at a time',
  unit: 'calls',
  entries: entries(['execute', 'ceiling', 'tcp-string'], { inFlight: 1 }),
  keys: [
    {
      name: 'latency-vs-ceiling',
      title: 'Latency of one call at a time against the ceiling, p50',
      measure: 'p50',
      of: ['execute'],
      against: 'ceiling',
      atMost: 1.25,
    },
    {
      name: 'latency-vs-nest-tcp-string',
      title: 'Latency of one call at a time against Nest TCP, p50',
      measure: 'p50',
      of: ['execute'],
      against: 'tcp-string',
    },
  ],
};

const few: Contest = {
  name: 'few',
  title: 'JSON echo of 64 bytes, 16 in flight',
  unit: 'calls',
  entries: entries(['execute', 'ceiling', 'tcp-string'], { inFlight: 16 }),
  keys: [
    faster('few-vs-ceiling', 'execute', 'ceiling', '16 in flight: execute against the ceiling'),
    faster('few-vs-nest-tcp-string', 'execute', 'tcp-string', '16 in flight: execute against Nest TCP'),
  ],
};

function stream(results: number, bound: Bound): Contest {
  // Streams of 100,000 are taken one at a time.
  const different = { results, inFlight: results > 1000 ? 1 : 16 };
  const suffix = results > 1000 ? '' : `-${results}`;
  const of = results === 1 ? 'streams of one Result' : `streams of ${results.toLocaleString('en')} Results`;
  const taken: Key[] = [
    faster(`stream${suffix}-vs-ceiling`, 'stream-send', 'ceiling-stream', `${of}: send against the ceiling`, bound),
    faster(`iterate${suffix}-vs-ceiling`, 'stream-iterate', 'ceiling-stream', `${of}: iterate against the ceiling`),
  ];
  return {
    name: `stream-${results}`,
    title: `S${of.slice(1)}, ${different.inFlight} at a time, one connection`,
    unit: 'Results',
    entries: entries(['stream-send', 'ceiling-stream', 'stream-iterate'], different),
    keys: taken,
  };
}

const enhanced: Contest = {
  name: 'enhanced',
  title: 'JSON echo of 64 bytes through guard, interceptor and pipe, 256 in flight, one connection',
  unit: 'calls',
  entries: entries(['execute-enhanced', 'tcp-enhanced']),
  keys: [
    faster('enhanced-vs-nest-tcp', 'execute-enhanced', 'tcp-enhanced', 'guard + interceptor + pipe, both', {
      atLeast: 1.8,
    }),
  ],
};

const inFlight: Contest = {
  name: 'in-flight',
  title: 'JSON echo of 64 bytes, more and more in flight, one connection',
  unit: 'calls',
  entries: [entry('execute', {}, '256 in flight'), entry('execute', { inFlight: 4096 }, '4096 in flight')],
  keys: [
    {
      name: 'growth-inflight',
      title: 'CPU per Command, 4,096 in flight against 256',
      measure: 'cpu',
      of: ['4096 in flight'],
      against: '256 in flight',
      atMost: 1.15,
    },
  ],
};

const crowd: Contest = {
  name: 'crowd',
  title: 'JSON echo of 64 bytes, 1,000 connections, 4,096 in flight',
  unit: 'calls',
  entries: entries(['execute', 'ceiling'], { connections: 1000, inFlight: 4096 }),
  keys: [
    {
      name: 'growth-connections',
      title: 'CPU per Command at 1,000 connections against the ceiling',
      measure: 'cpu',
      of: ['execute'],
      against: 'ceiling',
      atMost: 1.6,
    },
  ],
};

const many = { inFlight: 4096, connections: 64 };
const strategies: Contest = {
  name: 'strategies',
  title: 'JSON echo of 64 bytes, 4,096 in flight',
  unit: 'calls',
  entries: [
    entry('execute', { ...many, connections: 1 }, '1 connection'),
    entry('execute', many, '64, round-robin'),
    entry('execute', { ...many, strategy: 'least-pending' }, '64, least-pending'),
  ],
  keys: [
    {
      name: 'growth-strategy',
      title: 'CPU per call with 64 connections against 1, the worse strategy',
      measure: 'cpu',
      of: ['64, round-robin', '64, least-pending'],
      against: '1 connection',
      atMost: 1.2,
    },
  ],
};

const spread = [1, 2, 4, 16];
const connections: Contest = {
  name: 'connections',
  title: 'JSON echo of 64 bytes, 256 in flight over some connections',
  unit: 'calls',
  entries: spread.map((count) => entry('execute', { connections: count }, `${count} connections`)),
  keys: spread.slice(1).map((count) => ({
    name: `connections-${count}`,
    title: `${count} connections against 1`,
    measure: 'speed',
    of: [`${count} connections`],
    against: '1 connections',
  })),
};

const servers: Contest = {
  name: 'servers',
  title: 'JSON echo of 64 bytes, its handler works for some 50 µs; 64 in flight over 2 connections',
  unit: 'calls',
  entries: entries(['one-server', 'two-servers'], { connections: 2, inFlight: 64 }),
  keys: [faster('two-servers-vs-one', 'two-servers', 'one-server', 'two workers of node:cluster against one')],
};

const kibibyte: Contest = {
  name: 'kibibyte',
  title: 'JSON echo of 1 KiB, 256 in flight, one connection',
  unit: 'calls',
  entries: entries(['execute', 'ceiling', 'tcp-string'], { payload: 1024 }),
  keys: [
    faster('kibibyte-vs-ceiling', 'execute', 'ceiling', '1 KiB payloads: execute against the ceiling'),
    faster('kibibyte-vs-nest-tcp-string', 'execute', 'tcp-string', '1 KiB payloads: execute against Nest TCP'),
  ],
};

const bulk: Contest = {
  name: 'bulk',
  title: 'JSON echo of 64 KiB, 16 in flight, one connection',
  unit: 'calls',
  entries: entries(['execute', 'ceiling'], { payload: 65_536, inFlight: 16 }),
  keys: [
    faster('bulk-vs-ceiling', 'execute', 'ceiling', '64 KiB payloads, MB/s against the ceiling', { atLeast: 0.8 }),
  ],
};

const pending: Contest = {
  name: 'pending',
  title: '20,000 Commands that wait for their handlers',
  unit: 'calls',
  entries: [entry('pending', { inFlight: 1 })],
  keys: [
    {
      name: 'bytes-per-pending',
      title: 'Bytes per pending Command, the worse side',
      measure: 'bytes',
      of: ['pending'],
      atMost: 1023,
    },
  ],
};

const slowConsumer: Contest = {
  name: 'slow-consumer',
  title: 'Calls beside an endless stream that is taken slowly, 64 in flight, one connection',
  unit: 'calls',
  entries: entries(['alone', 'beside-slow-stream'], { inFlight: 64 }),
  keys: [faster('beside-slow-stream', 'beside-slow-stream', 'alone', 'calls beside a stream that is taken slowly')],
};

const otel: Contest = {
  name: 'otel',
  title:
    'JSON echo of 64 bytes, watched by OpenTelemetry, a tenth of all traces recorded, 256 in flight, one connection',
  unit: 'calls',
  entries: entries([
    'execute',
    'otel-noop',
    'otel-sdk',
    'otel-by-hand',
    'otel-sampling',
    'otel-sampled-only',
    'otel-recording',
    'otel-rpc-metrics',
    'otel-metrics',
  ]),
  keys: [
    faster('otel-noop-vs-none', 'otel-noop', 'execute', 'otel() without an SDK', { atLeast: 0.97 }),
    faster(
      'otel-by-hand-vs-sdk',
      'otel-by-hand',
      'otel-sdk',
      'smallest call: the least that any instrumentation asks for',
    ),
    faster('otel-vs-sdk', 'otel-sampling', 'otel-sdk', 'smallest call: otel()'),
    faster('otel-sampled-only-vs-sdk', 'otel-sampled-only', 'otel-sdk', "smallest call: otel({ traces: 'sampled' })"),
    faster('otel-recording-vs-sdk', 'otel-recording', 'otel-sdk', 'smallest call: otel(), all traces recorded'),
    faster('otel-rpc-metrics-vs-sdk', 'otel-rpc-metrics', 'otel-sdk', "smallest call: otel({ metrics: 'rpc' })"),
    faster('otel-metrics-vs-sdk', 'otel-metrics', 'otel-sdk', 'smallest call: otel() with all metrics'),
  ],
};

const busy: Contest = {
  name: 'otel-busy',
  title: 'The same, its handler works for some 50 µs, 64 in flight',
  unit: 'calls',
  entries: entries(['busy', 'busy-sampling', 'busy-recording', 'busy-metrics'], { inFlight: 64 }),
  keys: [
    faster('otel-sampling-vs-none', 'busy-sampling', 'busy', 'handler of 50 µs: otel(), a tenth recorded', {
      atLeast: 0.75,
    }),
    faster('otel-recording-vs-none', 'busy-recording', 'busy', 'handler of 50 µs: otel(), all traces recorded'),
    faster('otel-metrics-vs-none', 'busy-metrics', 'busy', 'handler of 50 µs: a tenth recorded, and all metrics'),
  ],
};

const codec: Contest = {
  name: 'codec',
  title: 'Encoding and decoding alone, without a socket, mixed payload',
  unit: 'calls',
  entries: entries(['codec-json', 'codec-mus'], { inFlight: 1 }),
  keys: [
    faster('codec-mus-vs-json', 'codec-mus', 'codec-json', 'MUS codec alone against JSON.stringify and JSON.parse'),
  ],
};

export const contests: readonly Contest[] = [
  echo,
  mixed,
  latency,
  stream(100_000, { atLeast: 0.6 }),
  enhanced,
  inFlight,
  crowd,
  strategies,
  bulk,
  pending,
  few,
  kibibyte,
  connections,
  servers,
  delayed,
  stream(1, {}),
  stream(100, {}),
  slowConsumer,
  otel,
  busy,
  codec,
];

/** Those with a bound; the others are for information. */
export const boundKeys: readonly string[] = contests.flatMap(({ keys }) =>
  keys.filter(isBound).map(({ name }) => name),
);

function isBound({ atLeast, atMost }: Key): boolean {
  return atLeast !== undefined || atMost !== undefined;
}

/** Contests with nothing in them but what some keys need. */
export function contestsFor(names: readonly string[]): readonly Contest[] {
  return contests.flatMap((contest) => {
    const keys = contest.keys.filter(({ name }) => names.includes(name));
    const needed = new Set(keys.flatMap(({ of, against }) => [...of, against]));
    return keys.length > 0
      ? [{ ...contest, keys, entries: contest.entries.filter(({ name }) => needed.has(name)) }]
      : [];
  });
}
