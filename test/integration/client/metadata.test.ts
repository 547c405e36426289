// The option metadata of a client: what every call gets, when its function is asked, and what becomes of calls that
// wait for it.
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import type { CommandClientOptions, CommandContext, ResultSink } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { addFrame, sumFrame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { inTime, turns, until } from '../../support/deadline.js';
import { EXTENDED_GREETING } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { AddCmd, EchoCmd, EchoResult } from '../../support/vector-contract.js';

const own = guardLeaks();
type Metadata = Readonly<Record<string, string>>;

/** An echo server that writes down what came, and a client of it. */
async function open(metadata: CommandClientOptions['metadata'], options: Partial<CommandClientOptions> = {}) {
  const seen: [string, Metadata][] = [];
  const invoker = {
    invoke: (command: unknown, context: CommandContext, sink: ResultSink) => {
      const { text } = command as EchoCmd;
      seen.push([text, { ...context.metadata }]);
      sink.next(new EchoResult(text));
      sink.complete();
    },
  };
  const calc = own(await CalcServer.start({ invoker }));
  const client = own(calcClient(calc.port, { extension: true, ...(metadata && { metadata }), ...options }));
  return { seen, client, calc };
}

/** A function whose answers are given by the test, each by the text of its Command. */
function asked() {
  const answers = new Map<string, { resolve(given: Metadata): void; reject(error: unknown): void }>();
  const metadata = (command: unknown): Promise<Metadata> =>
    new Promise((resolve, reject) => void answers.set((command as EchoCmd).text, { resolve, reject }));
  return { metadata, answers };
}

describe('the metadata of a client', () => {
  it('is with every call, and what the hooks and the call say wins key by key', async () => {
    const given = { client: 'a', hook: 'a', call: 'a' };
    const hooks = () => ({ beforeSend: () => ({ hook: 'b', call: 'b' }) });
    const { seen, client } = await open(given, { hooks });
    given.client = 'changed later';
    await client.execute(new EchoCmd('one'), { metadata: { call: 'c' } });
    await client.emit(new EchoCmd('two'));
    await until('both have come', () => seen.length === 2);
    expect(seen).toEqual([
      ['one', { client: 'a', hook: 'b', call: 'c' }],
      ['two', { client: 'a', hook: 'b', call: 'b' }],
    ]);
  });

  it.each([
    ['at once', <T>(given: T) => given],
    ['by a promise', <T>(given: T) => Promise.resolve(given)],
  ])('is asked for each call %s, in the scope of its caller', async (_when, give) => {
    const user = new AsyncLocalStorage<string>();
    const { seen, client } = await open((command) =>
      give({ user: user.getStore() ?? 'none', text: (command as EchoCmd).text }),
    );
    for (const name of ['alice', 'bob']) await user.run(name, () => client.execute(new EchoCmd(name)));
    expect(seen).toEqual([
      ['alice', { user: 'alice', text: 'alice' }],
      ['bob', { user: 'bob', text: 'bob' }],
    ]);
  });

  it('lets no call wait where it is there at once', async () => {
    const { seen, client } = await open((command) => {
      const given = { text: (command as EchoCmd).text };
      return given.text === 'promised' ? Promise.resolve(given) : given;
    });
    await client.connect();
    const calls = ['promised', 'at once'].map((text) => client.execute(new EchoCmd(text)));
    await Promise.all(calls);
    expect(seen.map(([text]) => text)).toEqual(['at once', 'promised']);
  });

  it.each([
    ['at once', () => undefined],
    ['by a promise', async () => undefined],
  ])('may be none: %s', async (_when, metadata) => {
    const { seen, client } = await open(metadata);
    await client.execute(new EchoCmd('bare'), { metadata: { call: 'c' } });
    expect(seen).toEqual([['bare', { call: 'c' }]]);
  });

  it('costs no bytes where there is none', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: 'require', metadata: () => undefined }));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    await connected;
    const sums = [1, 2].map(() => client.execute(new AddCmd(2, 3)));
    await until('both have come', () => peer.hex.endsWith(addFrame(1, 2, 3) + addFrame(2, 2, 3)));
    peer.write(sumFrame(1, 5) + sumFrame(2, 5));
    expect(await Promise.all(sums)).toHaveLength(2);
  });

  it('does not reach a plain server, whose calls go on', async () => {
    const { client } = await open(async () => ({ a: 'b' }), { extension: false });
    await expect(client.execute(new EchoCmd('plain'))).resolves.toEqual(new EchoResult('plain'));
  });
});

describe('a call whose metadata comes later', () => {
  it('says what it said when it was made, and does not wait for others', async () => {
    const { metadata, answers } = asked();
    const { seen, client } = await open(metadata);
    const command = new EchoCmd('first');
    const given = { call: 'as given' };
    const first = client.execute(command, { metadata: given });
    Object.assign(command, { text: 'changed' });
    given.call = 'changed';
    const second = client.execute(new EchoCmd('second'));
    expect(client.pending).toBe(2);
    answers.get('second')!.resolve({ a: '2' });
    await second;
    answers.get('first')!.resolve({ a: '1', call: 'of the client' });
    await expect(first).resolves.toEqual(new EchoResult('first'));
    expect(seen).toEqual([
      ['second', { a: '2' }],
      ['first', { a: '1', call: 'as given' }],
    ]);
  });

  it.each<[string, (client: ReturnType<typeof calcClient>, controller: AbortController) => unknown, object]>([
    ['is aborted', (_, controller) => controller.abort(new Error('left')), { message: 'left' }],
    ['is destroyed', (client) => client.destroy(), { code: 'CLOSED', sent: false }],
  ])('fails at once when it %s, and nothing is sent', async (_how, end, failure) => {
    const { metadata, answers } = asked();
    const { seen, client } = await open(metadata);
    const controller = new AbortController();
    const call = client.execute(new EchoCmd('never'), { signal: controller.signal });
    end(client, controller);
    await expect(call).rejects.toMatchObject(failure);
    answers.get('never')!.resolve({ a: 'b' });
    await turns();
    expect([seen, client.pending]).toEqual([[], 0]);
  });

  it('fails when its time is over, and says what it waited for', async () => {
    const { metadata } = asked();
    const { client } = await open(metadata);
    const call = client.execute(new EchoCmd('late'), { timeoutMs: 20 });
    await expect(call).rejects.toMatchObject({
      code: 'TIMEOUT',
      sent: false,
      message: expect.stringContaining('it waited for its metadata') as unknown,
    });
  });

  it('is waited for by close()', async () => {
    const { metadata, answers } = asked();
    const { client } = await open(metadata);
    const call = client.execute(new EchoCmd('last'));
    const closed = client.close();
    await turns();
    answers.get('last')!.resolve({ a: 'b' });
    await expect(call).resolves.toEqual(new EchoResult('last'));
    await inTime('it is closed', closed);
  });
});

describe('metadata that cannot be had', () => {
  const cause = new Error('no token');
  const fail = (): never => {
    throw cause;
  };

  it.each<[string, CommandClientOptions['metadata'], object]>([
    ['its function throws', fail, { code: 'METADATA_FAILED', cause, message: expect.stringContaining('no token') }],
    ['its function rejects', async () => fail(), { code: 'METADATA_FAILED', cause }],
    ['it is no object of strings', () => ({ a: 5 }) as never, { code: 'INVALID_OPTION' }],
    ['what is promised is none', async () => ({ a: 5 }) as never, { code: 'INVALID_OPTION' }],
    ['it is null', () => null as never, { code: 'INVALID_OPTION' }],
  ])('fails its call when %s', async (_why, metadata, failure) => {
    const { seen, client } = await open(metadata);
    await expect(client.execute(new EchoCmd('never'))).rejects.toMatchObject({ sent: false, ...failure });
    await expect(client.emit(new EchoCmd('never'))).rejects.toMatchObject(failure);
    await expect(client.iterate(new EchoCmd('never')).next()).rejects.toMatchObject(failure);
    expect([seen, client.pending]).toEqual([[], 0]);
  });

  it.each([{ a: 5 }, { a: undefined }, new Map()])('is refused when the client is made: %p', (metadata) => {
    expect(() => calcClient(1, { metadata: metadata as never })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('option "metadata"') }),
    );
  });
});
