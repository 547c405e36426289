// What tools find on the channels of node:diagnostics_channel, without any option.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { CallMessage, CommandMessage, ConnectionMessage } from '../../../lib/core.js';
import { until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import {
  AddCmd,
  CountCmd,
  execInvoker,
  failureOf,
  FailCmd,
  watchedClient,
  watchedServer,
} from '../../support/watched-pair.js';

const own = guardLeaks();
const stages = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const;
let stops: (() => void)[] = [];

afterEach(() => {
  for (const stop of stops) stop();
  stops = [];
});

/** Writes down what a tracing channel publishes until the test ends. */
function tracing<M>(name: string, onStart: (message: M) => void = () => {}): [stage: string, message: M][] {
  const seen: [string, M][] = [];
  const channel = tracingChannel(name);
  const subscribers = Object.fromEntries(
    stages.map((stage) => [
      stage,
      (message: object) => {
        seen.push([stage, message as M]);
        if (stage === 'start') onStart(message as M);
      },
    ]),
  );
  channel.subscribe(subscribers as never);
  stops.push(() => channel.unsubscribe(subscribers as never));
  return seen;
}

async function pair(onRun?: Parameters<typeof execInvoker>[0]) {
  const server = await watchedServer(own, { invoker: execInvoker(onRun) });
  return { server, client: watchedClient(own, server.address!.port) };
}

describe('the channel of calls', () => {
  it('has one message for all of a call', async () => {
    const seen = tracing<CallMessage>('nestjs-cmd-stream:call');
    const { client, server } = await pair();
    const command = new AddCmd(2, 3);
    await client.execute(command);
    expect(seen.map(([stage]) => stage)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    expect(new Set(seen.map(([, message]) => message)).size).toBe(1);
    expect(seen[0]![1]).toEqual({
      command,
      kind: 'command',
      name: 'AddCmd',
      metadata: {},
      seq: 1,
      bytes: expect.any(Number),
      results: 1,
      server: `127.0.0.1:${server.address!.port}`,
      outcome: 'completed',
      result: { value: 5 },
      error: undefined,
    });
  });

  it('has the error of one that fails', async () => {
    const seen = tracing<CallMessage>('nestjs-cmd-stream:call');
    const { client } = await pair();
    const error = await failureOf(client.execute(new FailCmd()));
    expect(seen.map(([stage]) => stage)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(seen[2]![1]).toMatchObject({ outcome: 'failed', error });
  });

  it('takes metadata from its subscribers, which travels', async () => {
    tracing<CallMessage>('nestjs-cmd-stream:call', ({ metadata }) => (metadata['trace'] = 'abc'));
    let metadata: unknown;
    const { client } = await pair((_command, context) => ({ metadata } = context));
    await client.execute(new AddCmd());
    expect(metadata).toEqual({ trace: 'abc' });
  });
});

describe('the channel of Commands', () => {
  it('has one message for all of a Command, with its Results', async () => {
    const seen = tracing<CommandMessage>('nestjs-cmd-stream:command');
    const { client } = await pair();
    for await (const _ of client.iterate(new CountCmd(3)));
    await until('it is over', () => seen.length >= 4);
    expect(seen.map(([stage]) => stage)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    expect(seen[0]![1]).toMatchObject({ name: 'CountCmd', results: 3, outcome: 'completed', result: { at: 2 } });
    expect(seen[0]![1].context.seq).toBe(1);
  });

  it('has the error of one that fails, as its handler threw it', async () => {
    const seen = tracing<CommandMessage>('nestjs-cmd-stream:command');
    const { client } = await pair();
    await failureOf(client.execute(new FailCmd()));
    expect(seen.map(([stage]) => stage)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(seen[2]![1]).toMatchObject({ outcome: 'failed', error: { message: 'it has failed' } });
  });

  it('gives the handler the stores that are bound to it', async () => {
    const storage = new AsyncLocalStorage<unknown>();
    const { start } = tracingChannel<unknown, CommandMessage>('nestjs-cmd-stream:command');
    start.bindStore(storage, ({ name }) => `in ${name}`);
    stops.push(() => start.unbindStore(storage));
    const seen: unknown[] = [];
    const { client } = await pair(() => seen.push(storage.getStore()));
    await client.execute(new AddCmd());
    expect(seen).toEqual(['in AddCmd']);
  });
});

describe('the channels of connections', () => {
  it('have what becomes of each, on both sides', async () => {
    const seen: string[] = [];
    for (const side of ['client', 'server']) {
      const name = `nestjs-cmd-stream:${side}:connection`;
      const listener = (message: unknown): void => {
        const { status, cause, server, connection } = message as ConnectionMessage;
        const place = side === 'client' ? server : connection?.remoteAddress;
        seen.push(`${side} ${status} ${place?.startsWith('127.0.0.1')} ${cause?.code}`);
      };
      subscribe(name, listener);
      stops.push(() => unsubscribe(name, listener));
    }
    const { client, server } = await pair();
    await client.execute(new AddCmd());
    server.destroy();
    await until('the client has noticed', () => seen.length === 5);
    expect(seen.toSorted()).toEqual([
      'client connected true undefined',
      'client connecting true undefined',
      expect.stringMatching(/^client disconnected true PEER_/),
      'server connected true undefined',
      'server disconnected true CLOSED',
    ]);
  });
});
