// All contestants by their names. A new one is a file in contestants/ and a line here.
// Each is loaded only in the processes that run it, so that none carries the weight of the others.
import { spawnSync } from 'node:child_process';
import type { Contestant } from './contestants/contestant.js';

interface Entry {
  /** For tables and charts. */
  readonly title: string;
  readonly load: () => Promise<Contestant>;
  /** Sides that are not Node processes but the Go program. */
  readonly go?: 'client' | 'both';
  /** A program that must be there. */
  readonly needs?: string;
}

const cmdStream = () => import('./contestants/cmd-stream.js');
const nestTcp = () => import('./contestants/nest-tcp.js');
const brokers = () => import('./contestants/nest-brokers.js');
const http = () => import('./contestants/nest-http.js');
const ceiling = () => import('./contestants/ceiling.js');
const codec = () => import('./contestants/codec.js');
const manyServers = () => import('./contestants/many-servers.js');
const otel = () => import('./contestants/otel.js');
const slowConsumer = () => import('./contestants/slow-consumer.js');

const lineup = {
  execute: { title: 'nestjs-cmd-stream, execute', load: async () => (await cmdStream()).execute },
  send: { title: 'nestjs-cmd-stream, send', load: async () => (await cmdStream()).send },
  'execute-mus': { title: 'nestjs-cmd-stream, MUS', load: async () => (await cmdStream()).executeMus },
  'execute-protobuf': {
    title: 'nestjs-cmd-stream, Protobuf',
    load: async () => (await import('./contestants/protobuf.js')).executeProtobuf,
  },
  'execute-enhanced': {
    title: 'nestjs-cmd-stream, guard + interceptor + pipe',
    load: async () => (await cmdStream()).executeEnhanced,
  },
  'drop-in': {
    title: 'nestjs-cmd-stream, @MessagePattern',
    load: async () => (await import('./contestants/drop-in.js')).dropIn,
  },
  'stream-send': { title: 'nestjs-cmd-stream, send', load: async () => (await cmdStream()).streamSend },
  'stream-iterate': { title: 'nestjs-cmd-stream, iterate', load: async () => (await cmdStream()).streamIterate },
  pending: { title: 'nestjs-cmd-stream', load: async () => (await import('./contestants/pending.js')).pending },
  alone: { title: 'execute alone', load: async () => (await slowConsumer()).alone },
  'beside-slow-stream': {
    title: 'execute beside a slow stream',
    load: async () => (await slowConsumer()).besideSlowStream,
  },
  'one-server': { title: 'one busy server process', load: async () => (await manyServers()).oneServer },
  'two-servers': { title: 'two busy server processes', load: async () => (await manyServers()).twoServers },
  'otel-noop': { title: 'otel() without an SDK', load: async () => (await otel()).noop },
  'otel-sdk': { title: 'the SDK without otel()', load: async () => (await otel()).sdk },
  'otel-sampling': { title: 'otel(), a tenth recorded', load: async () => (await otel()).sampling },
  'otel-sampled-only': { title: "otel({ traces: 'sampled' })", load: async () => (await otel()).sampledOnly },
  'otel-by-hand': { title: 'the least calls of the SDK', load: async () => (await otel()).byHand },
  'otel-recording': { title: 'otel(), all recorded', load: async () => (await otel()).recording },
  'otel-rpc-metrics': { title: "otel({ metrics: 'rpc' })", load: async () => (await otel()).rpcMetrics },
  'otel-metrics': { title: 'otel() with metrics', load: async () => (await otel()).allMetrics },
  busy: { title: 'not watched', load: async () => (await otel()).busy },
  'busy-sampling': { title: 'otel(), a tenth recorded', load: async () => (await otel()).busySampling },
  'busy-recording': { title: 'otel(), all recorded', load: async () => (await otel()).busyRecording },
  'busy-metrics': { title: 'otel() with metrics', load: async () => (await otel()).busyMetrics },
  'codec-json': { title: 'JSON.stringify and JSON.parse', load: async () => (await codec()).codecJson },
  'codec-mus': { title: 'MUS codec', load: async () => (await codec()).codecMus },
  'tcp-string': { title: 'Nest TCP, string pattern', load: async () => (await nestTcp()).tcpString },
  'tcp-object': { title: 'Nest TCP, object pattern', load: async () => (await nestTcp()).tcpObject },
  'tcp-enhanced': { title: 'Nest TCP, guard + interceptor + pipe', load: async () => (await nestTcp()).tcpEnhanced },
  grpc: { title: 'Nest gRPC', load: async () => (await import('./contestants/nest-grpc.js')).grpc },
  nats: { title: 'Nest NATS', load: async () => (await brokers()).nats, needs: 'nats-server' },
  redis: { title: 'Nest Redis', load: async () => (await brokers()).redis, needs: 'redis-server' },
  'http-fastify': { title: 'Nest HTTP, Fastify', load: async () => (await http()).fastify },
  'http-express': { title: 'Nest HTTP, Express', load: async () => (await http()).express },
  go: { title: 'cmd-stream-go, client and server', load: noNode, go: 'both', needs: 'go' },
  'go-client': {
    title: 'Go client, Nest server',
    load: async () => (await cmdStream()).execute,
    go: 'client',
    needs: 'go',
  },
  ceiling: { title: 'ceiling: bare sockets', load: async () => (await ceiling()).ceiling },
  'ceiling-stream': { title: 'ceiling: bare sockets', load: async () => (await ceiling()).ceilingStream },
} as const satisfies Readonly<Record<string, Entry>>;

export type ContestantName = keyof typeof lineup;

function entry(name: ContestantName): Entry {
  return lineup[name];
}

function noNode(): Promise<never> {
  return Promise.reject(new Error('this contestant does not run in Node'));
}

export function titleOf(name: ContestantName): string {
  return entry(name).title;
}

/** What a side of a contestant runs in. */
export function runtimeOf(name: ContestantName, role: 'server' | 'client'): 'go' | 'node' {
  const { go } = entry(name);
  return go === 'both' || go === role ? 'go' : 'node';
}

/** @throws {RangeError} when there is none of that name */
export async function contestantNamed(name: string): Promise<Contestant> {
  if (!Object.hasOwn(lineup, name)) throw new RangeError(`no contestant "${name}"`);
  return entry(name as ContestantName).load();
}

/** The program that a contestant needs and that this machine does not have. */
export function missingFor(name: ContestantName): string | undefined {
  const { needs } = entry(name);
  if (needs === undefined) return undefined;
  return spawnSync(needs, [needs === 'go' ? 'version' : '--version']).error ? needs : undefined;
}
