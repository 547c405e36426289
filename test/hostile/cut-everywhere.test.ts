// Threat C6: a session that is cut before each of its bytes, either way, by an end and by a reset. What was under way
// ends, once, with its own answer or with an error that says truly whether it was sent; a Command is run at most once,
// and only if it had come whole; nothing is left at either side.
import { describe, expect, it } from '@jest/globals';
import type { CommandClient, CommandInvoker } from '../../lib/core.js';
import { isCmdStreamError } from '../../lib/core.js';
import { PatternMessage } from '../../lib/codec/pattern-message.js';
import { CallBook } from '../support/call-book.js';
import { calcClient } from '../support/calc-client.js';
import { calcInvoker } from '../support/calc-invoker.js';
import { CalcServer } from '../support/calc-server.js';
import { inTime, until } from '../support/deadline.js';
import { FaultProxy, type Cut, type Direction } from '../support/fault-proxy.js';
import { guardWarnings } from '../support/invariants.js';
import { guardLeaks } from '../support/leak-guard.js';
import { RecordingSink } from '../support/recording-sink.js';
import { AddCmd, CalcResult, CountCmd, CountResult, EchoCmd, EchoResult, FailCmd } from '../support/vector-contract.js';
import { wholeCommands } from '../support/whole-frames.js';

guardLeaks();
guardWarnings();
/** Runs that go on at the same time. */
const SIDE_BY_SIDE = 24;
interface Settled {
  readonly value?: unknown;
  readonly error?: unknown;
}

/** Commands by what the server sees of them, with what each call has come to. */
type Outcomes = ReadonlyMap<string, Settled>;

/** What a Command is known by at both sides. */
function nameOf(command: unknown): string {
  if (command instanceof PatternMessage) return `event ${command.route}`;
  return `${(command as object).constructor.name} ${JSON.stringify(command)}`;
}

function settled(promise: PromiseLike<unknown>): Promise<Settled> {
  return inTime('a call ends', promise).then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

/**
 * Two rounds of all that a client can send: a ping, Commands with one answer, with several and with none, events;
 * then a Command that fails, which ends a plain connection.
 */
async function play(client: CommandClient, isExtended: boolean): Promise<Outcomes> {
  const outcomes = new Map<string, Settled>();
  const round = async (number: number): Promise<void> => {
    const under: Promise<void>[] = [];
    const send = (command: unknown, promise: Promise<unknown>): void =>
      void under.push(settled(promise).then((outcome) => void outcomes.set(nameOf(command), outcome)));
    const [add, echo, silent] = [new AddCmd(number, 1), new EchoCmd(`ß${number}`), new AddCmd(0, number)];
    send(add, client.execute(add));
    send(echo, client.execute(echo));
    under.push(settled(client.ping()).then((outcome) => void outcomes.set(`ping ${number}`, outcome)));
    const count = new CountCmd(2 + number);
    const results = new RecordingSink<CountResult>();
    client.dispatch(count, results);
    send(count, streamed(results));
    send(silent, client.emit(silent));
    if (isExtended) {
      const event = new PatternMessage('event', `said${number}`, { number });
      send(event, client.emit(event as never));
    }
    await Promise.all(under);
  };
  const opened = await settled(client.connect());
  outcomes.set('connect', opened);
  // It may be lost again before this goes on. The next call would open another connection.
  if ('error' in opened || client.status !== 'connected') return outcomes;
  await round(1);
  if (client.status === 'connected') await round(2);
  if (client.status === 'connected') outcomes.set('FailCmd {}', await settled(client.execute(new FailCmd())));
  return outcomes;
}

/** The Results of a stream, when it has ended well; those that came before a loss are the first ones, in order. */
async function streamed(sink: RecordingSink<CountResult>): Promise<readonly CountResult[]> {
  const error = await sink.ended();
  expect(sink.results.map(({ I }) => I)).toEqual(sink.results.map((_, at) => at));
  if (error !== undefined) throw error;
  return sink.results;
}

/** What each of them has to come to where nothing is cut. */
const answers = new Map<string, unknown>(
  [1, 2].flatMap((number): [string, unknown][] => [
    [nameOf(new AddCmd(number, 1)), new CalcResult(number + 1)],
    [nameOf(new EchoCmd(`ß${number}`)), new EchoResult(`ß${number}`)],
    [
      nameOf(new CountCmd(2 + number)),
      Array.from({ length: 2 + number }, (_, at) => new CountResult(at, at === 1 + number)),
    ],
  ]),
);

interface Run {
  readonly outcomes: Outcomes;
  readonly passed: Readonly<Record<Direction, Buffer>>;
}

/** One session from its beginning to its end; `arrange` says what the proxy does to it. */
async function run(isExtended: boolean, arrange: (proxy: FaultProxy) => void): Promise<Run> {
  const ran: string[] = [];
  const invoker: CommandInvoker = {
    invoke(command, context, sink) {
      ran.push(nameOf(command));
      return calcInvoker.invoke(command, context, sink);
    },
  };
  const calc = await CalcServer.start({ invoker });
  const proxy = await FaultProxy.listen(calc.port);
  const parts: Record<Direction, Buffer[]> = { toServer: [], toClient: [] };
  proxy.onPass = (direction, bytes) => void parts[direction].push(Buffer.from(bytes));
  arrange(proxy);
  const client = calcClient(proxy.port, {
    extension: isExtended ? 'require' : false,
    queue: false,
    keepalive: false,
    retry: false,
  });
  const book = new CallBook(client);
  try {
    const outcomes = await play(client, isExtended);
    client.destroy();
    await book.check();
    await proxy.close();
    await until('the server has seen the end', () => calc.server.connections === 0 && calc.lost.length === 1);
    const passed = { toServer: Buffer.concat(parts.toServer), toClient: Buffer.concat(parts.toClient) };
    check(outcomes, ran, passed.toServer);
    await until('no Command is left', () => calc.server.inFlight === 0);
    expect(calc.server.bufferedBytes).toBe(0);
    expect(calc.lost.map(({ cause }) => isCmdStreamError(cause))).toEqual([true]);
    return { outcomes, passed };
  } finally {
    client.destroy();
    await proxy.close();
    await calc.destroy();
  }
}

function check(outcomes: Outcomes, ran: readonly string[], toServer: Buffer): void {
  expect(ran.length).toBeLessThanOrEqual(wholeCommands(toServer));
  expect(new Set(ran).size).toBe(ran.length);
  for (const [name, outcome] of outcomes) {
    if (!('error' in outcome)) {
      if (answers.has(name)) expect([name, outcome.value]).toEqual([name, answers.get(name)]);
      if (answers.has(name)) expect(ran).toContain(name);
      continue;
    }
    const { error } = outcome;
    if (!isCmdStreamError(error)) throw new Error(`${name} fails with what has no code`, { cause: error });
    if (!error.sent) expect(ran).not.toContain(name);
  }
}

/** Calls `work` for all of them, some at a time. */
async function sideBySide<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const take = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, take));
}

describe.each([
  ['plain', false],
  ['extended', true],
])('C6 a %s session', (_kind, isExtended) => {
  it('has all its answers where it is not cut', async () => {
    const { outcomes } = await run(isExtended, () => {});
    const failed = [...outcomes].filter(([, outcome]) => 'error' in outcome).map(([name]) => name);
    expect(failed).toEqual(['FailCmd {}']);
    expect(outcomes.size).toBe(isExtended ? 14 : 12);
    expect([...answers.keys()].filter((name) => !outcomes.has(name))).toEqual([]);
  });

  const ways: [Direction, Cut][] = [
    ['toServer', 'fin'],
    ['toServer', 'rst'],
    ['toClient', 'fin'],
    ['toClient', 'rst'],
  ];

  it.each(ways)(
    'breaks no promise, wherever it is cut: %s, by %s',
    async (direction, cut) => {
      const { passed } = await run(isExtended, () => {});
      const places = Array.from({ length: passed[direction].length }, (_, at) => at);
      expect(places.length).toBeGreaterThan(80);
      await sideBySide(places, async (place) => {
        const name = `cut before byte ${place} of ${places.length}`;
        const cutRun = run(isExtended, (proxy) => proxy.cutAfter(place, cut, direction)).catch((error: unknown) => {
          throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
        });
        const { passed: got } = await cutRun;
        expect([name, got[direction].length]).toEqual([name, Math.min(place, got[direction].length)]);
      });
    },
    120_000,
  );
});
