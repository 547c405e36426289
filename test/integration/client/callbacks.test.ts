// Code of users that a client calls: whatever it does, the process, the other calls and the connections live on.
// (Jest fails a test in which a promise rejects and is not handled.)
import { describe, expect, it } from '@jest/globals';
import {
  Command,
  defineContract,
  Result,
  type CircuitBreaker,
  type CommandClientOptions,
  type ConnectionChoice,
  type DispatchStrategy,
  type SendHooks,
} from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { countResultFrame, frame, GREETING, SUM_5, sumFrame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { openPair } from '../../support/client-pair.js';
import { turns, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { soon } from '../../support/named-server.js';
import { RawServer } from '../../support/raw-server.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { AddCmd, CalcResult, CountCmd, FailCmd } from '../../support/vector-contract.js';

const own = guardLeaks();
const fail = (): never => {
  throw new Error('code of a user fails');
};
/** What the types forbid and JavaScript allows. */
const reject = async (): Promise<never> => fail();

describe('a callback that rejects', () => {
  it('is onUnexpectedResult, and it does no harm', async () => {
    const { client, peer } = await openPair(own, { onUnexpectedResult: reject });
    peer.write(SUM_5);
    await until('it was notified', () => client.unexpectedResults === 1);
    await turns();
    expect(client.status).toBe('connected');
  });

  it('is a listener of the status, and the others are notified all the same', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port));
    const news: string[] = [];
    client.onStatus(reject as () => void);
    client.onStatus(fail);
    client.onStatus(({ status }) => news.push(status));
    const connected = client.connect();
    (await raw.peer()).write(GREETING);
    await connected;
    expect(news).toEqual(['connecting', 'connected']);
  });

  it.each<[string, Partial<CommandClientOptions>]>([
    ['isFailure of a breaker', { circuitBreaker: () => ({ ...breaker(), isFailure: reject as never }) }],
    [
      'what a permit of a breaker is notified by',
      { circuitBreaker: () => breaker({ succeed: reject as never, fail: reject as never }) },
    ],
    ['a hook', { hooks: () => ({ onResult: reject, onEnd: reject, onError: reject }) as SendHooks }],
  ])('is %s, and the calls end as they would', async (_what, options) => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port, { extension: true, ...options }));
    await expect(client.execute(new FailCmd())).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
  });

  it.each<[string, Partial<CommandClientOptions>]>([
    ['the strategy', { dispatchStrategy: { pick: reject as never } }],
    ['the factory of hooks', { hooks: reject as never }],
    ['beforeSend', { hooks: () => ({ beforeSend: reject as never }) }],
    ['acquire of a breaker', { circuitBreaker: () => ({ state: 'closed', acquire: reject as never }) }],
  ])('is %s, and the call fails with INVALID_OPTION', async (_what, options) => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port, { extension: true, ...options }));
    await client.connect();
    const call = client.execute(new AddCmd(2, 3));
    await expect(call).rejects.toMatchObject({ code: 'INVALID_OPTION', sent: false });
    expect(client.pending).toBe(0);
    expect(client.status).toBe('connected');
  });

  it('is the factory of breakers, and there is no client', async () => {
    expect(() => calcClient(1, { circuitBreaker: reject as never })).toThrow('CircuitBreaker');
    await turns();
  });

  it('is next of a sink, and the call ends with the error', async () => {
    const { client, peer } = await openPair(own);
    const sink = Object.assign(new RecordingSink(), { next: reject });
    client.dispatch(new CountCmd(2), sink);
    const other = client.execute(new AddCmd(4, 5));
    peer.write(countResultFrame(1, 0, false) + sumFrame(2, 9));
    await expect(other).resolves.toEqual(new CalcResult(9));
    expect(await sink.ended()).toEqual(new Error('code of a user fails'));
    expect(client.pending).toBe(0);
  });
});

function breaker(permit: Partial<ReturnType<CircuitBreaker['acquire']> & object> = {}): CircuitBreaker {
  const ignore = (): void => {};
  return { state: 'closed', acquire: () => ({ succeed: ignore, fail: ignore, release: ignore, ...permit }) };
}

describe('a strategy', () => {
  it.each<[string, (list: ConnectionChoice[]) => ConnectionChoice | undefined]>([
    ['takes the last one away', (list) => list.pop()],
    ['takes the first one away', (list) => list.shift()],
    // oxlint-disable-next-line unicorn/no-array-sort -- that is what it is about
    ['sorts them', (list) => list.sort((a, b) => b.index - a.index)[0]],
    ['empties the list behind its choice', (list) => list.splice(0)[1]],
  ])('may do with its list as it likes: it %s', async (_what, pick) => {
    const calc = own(await CalcServer.start());
    const strategy = { pick: pick as DispatchStrategy['pick'] };
    const client = own(calcClient(calc.port, { connectionsPerServer: 3, dispatchStrategy: strategy, extension: true }));
    await client.connect();
    await until('all are open', () => client.status === 'connected');
    for (let call = 0; call < 5; call++)
      await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    expect(client.servers[0]!.open).toBe(3);
  });

  it('that throws, or gives what it was not given, costs the call only', async () => {
    const calc = own(await CalcServer.start());
    let pick: DispatchStrategy['pick'] = fail;
    const strategy: DispatchStrategy = { pick: (...given) => pick(...given) };
    const client = own(calcClient(calc.port, { dispatchStrategy: strategy }));
    await client.connect();
    await expect(client.execute(new AddCmd(2, 3))).rejects.toThrow('code of a user fails');
    for (const foreign of [undefined, null, 7, { index: 0 }]) {
      pick = () => foreign as never;
      await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    }
    pick = ([first]) => first!;
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
  });
});

it('a class that throws when it is asked whether it is idempotent is not, and costs no other call', async () => {
  class Done extends Result {}
  class OddCmd extends Command<Done> {
    static get idempotent(): boolean {
      return fail();
    }
  }
  class PlainCmd extends Command<Done> {}
  const contract = defineContract({ commands: [OddCmd, PlainCmd], results: [Done] });
  const raw = own(await RawServer.listen());
  const client = own(calcClient(raw.port, { contract, reconnect: soon }));
  const commands = [new PlainCmd(), new OddCmd(), new PlainCmd()];
  const calls = commands.map((command) =>
    client.execute(command).then(
      () => 'answered',
      (error) => error.code,
    ),
  );
  const peer = await raw.peer();
  peer.write(GREETING);
  await peer.receives(frame(1, 1, '{}') + frame(2, 0, '{}') + frame(3, 1, '{}'));
  peer.reset();
  expect(await Promise.all(calls)).toEqual(['CONNECTION_LOST', 'CONNECTION_LOST', 'CONNECTION_LOST']);
  expect(client.pending).toBe(0);
});
