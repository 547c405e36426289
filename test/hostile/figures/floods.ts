// What attackers write as fast as it is taken: bytes of the next frames of one connection, by the name of the flood.
import { frame, uvarint } from '../../support/calc-frames.js';
import { cancel, control, meta, text } from '../../support/extension-frames.js';
import { type } from './hostile-contract.js';

type Next = (nextSeq: () => number) => string;

const MESSAGE = 3;
const EVENT = 4;
/** Would clear the screen and forge a line, where a log printed it. */
const FORGED = '\u001b[2J\nERROR forged';

const message = (seq: number, route: string): string =>
  control(MESSAGE, `${uvarint(seq)}00000000${text(route)}${Buffer.from('1').toString('hex')}`);
const event = (route: string, data: string): string =>
  control(EVENT, `0000${text(route)}${Buffer.from(data).toString('hex')}`);

function repeat(count: number, make: () => string): string {
  return Array.from({ length: count }, make).join('');
}

const frames = {
  echo: (next) => repeat(600, () => frame(next(), type.Echo, '{"S":"xxxxxxxxxxxxxxxxxxxx"}')),
  cancelled: (next) =>
    repeat(400, () => {
      const seq = next();
      return frame(seq, type.Hold, '{"Ms":60000}') + cancel(seq);
    }),
  'cancelled stream': (next) =>
    repeat(400, () => {
      const seq = next();
      return meta(seq, { credit: 1 }) + frame(seq, type.Count, '{"N":1000000}') + cancel(seq);
    }),
  // What is logged where nothing holds it back.
  'unknown event': () => repeat(500, () => event(`unknown${FORGED}`, '1')),
  'bad event': () => repeat(500, () => event('happened', `{bad${FORGED}`)),
  'unknown message': (next) => repeat(500, () => message(next(), 'unknown')),
  'bad Command': (next) => repeat(400, () => frame(next(), type.Echo, `{bad${FORGED}`)),
  'Command without handler': (next) => repeat(400, () => frame(next(), type.Orphan, '{}')),
  'bad Command without answer': (next) =>
    repeat(400, () => {
      const seq = next();
      return meta(seq, { noAnswer: true }) + frame(seq, type.Echo, '{bad');
    }),
  'Command without answer or handler': (next) =>
    repeat(400, () => {
      const seq = next();
      return meta(seq, { noAnswer: true }) + frame(seq, type.Orphan, '{}');
    }),
} as const satisfies Readonly<Record<string, Next>>;

const PINGS = Buffer.alloc(64 * 1024);

export type FloodName = keyof typeof frames | 'ping';

/** What a connection of its own writes: gives the next bytes each time it is called. */
export function floodOf(name: FloodName): () => Buffer {
  if (name === 'ping') return () => PINGS;
  let seq = 0;
  const next: Next = frames[name];
  return () =>
    Buffer.from(
      next(() => ++seq),
      'hex',
    );
}

/** What ends a connection that sends it, each in another way. */
export const garbage: readonly string[] = [
  frame(1, 99, '{}'),
  frame(1, type.Echo, '{bad'),
  frame(1, type.Any, '['.repeat(70)),
  frame(1, type.Echo, '{"S":12345678901234567890}'),
  frame(1, type.Orphan, '{}'),
  `80${'ff'.repeat(10)}`,
  `${uvarint(1)}00${uvarint(2n ** 40n)}`,
  `${uvarint(1)}00${uvarint(-1)}`,
  `8000${control(99)}`,
];
