// What the hooks of a call are notified, and what becomes of what they throw.
import { describe, expect, it } from '@jest/globals';
import { AsyncScope } from '../../../lib/async-scope.js';
import { Deadlines } from '../../../lib/client/call/deadlines.js';
import { SignalListeners } from '../../../lib/client/call/signal-listeners.js';
import { ClientCall } from '../../../lib/client/call/client-call.js';
import { hookedNeeds, type SendHooks } from '../../../lib/client/send-hooks.js';
import type { SentCommand } from '../../../lib/core.js';
import { RecordingSink } from '../../support/recording-sink.js';

const deadlines = new Deadlines(new AsyncScope());
const holder = { remove: () => {}, waitsFor: () => ({ text: '' }) };

/** A call with hooks that write down what they are notified of. */
function hookedCall(hooks: SendHooks = {}): { call: ClientCall; news: unknown[]; sink: RecordingSink } {
  const news: unknown[] = [];
  const noting: SendHooks = {
    onResult: (_, { result, number, bytes }) => news.push(['result', result, number, bytes]),
    onError: (_, error) => news.push(['error', error]),
    onTimeout: (_, error) => news.push(['timeout', (error as { code?: string }).code]),
    onEnd: ({ command, seq, bytes }) => news.push(['end', command, seq, bytes]),
    ...hooks,
  };
  const sink = new RecordingSink();
  const call = new ClientCall(
    'command',
    sink,
    holder,
    {},
    hookedNeeds(() => noting, 'command'),
  );
  call.seq = 7;
  call.bytes = 12;
  return { call, news, sink };
}

const end = ['end', 'command', 7, 12];
const failure = new Error('refused');

describe('the hooks of a call', () => {
  it('are notified of each Result with its number and bytes, then of the end', () => {
    const { call, news } = hookedCall();
    call.next('a', 10, false);
    call.next('b', 11, false);
    call.complete();
    expect(news).toEqual([['result', 'a', 1, 10], ['result', 'b', 2, 11], end]);
  });

  it.each<[string, (call: ClientCall) => void, unknown[]]>([
    ['an error', (call) => call.fail(failure), [['error', failure], end]],
    ['its time limit', (call) => call.expire(), [['timeout', 'TIMEOUT'], end]],
    ['the caller, without a reason', (call) => call.cancel(), [end]],
    ['its sink', (call) => call.sinkFailed(failure), [['error', failure], end]],
  ])('are notified once when it is ended by %s', (_what, finish, expected) => {
    const { call, news } = hookedCall();
    finish(call);
    call.cancel();
    call.fail(new Error('late'));
    call.next('late', 1, false);
    expect(news).toEqual(expected);
  });

  it('see the Command, its number and its bytes, and have no hold of the call', () => {
    const seen: SentCommand[] = [];
    const see = (sent: SentCommand): void => void seen.push(sent);
    const { call } = hookedCall({ onResult: see, onError: see, onEnd: see });
    call.next('a', 1, false);
    call.seq = 8;
    call.fail(failure);
    expect(new Set(seen).size).toBe(1);
    expect({ ...seen[0] }).toEqual({ command: 'command', seq: 8, bytes: 12, attempts: 0, server: undefined });
    expect(Object.isFrozen(seen[0])).toBe(true);
  });

  it('are notified the reason when its signal aborts', () => {
    const { call, news } = hookedCall();
    const controller = new AbortController();
    call.watch(controller.signal, new SignalListeners(), deadlines);
    controller.abort(failure);
    expect(news).toEqual([['error', failure], end]);
  });

  it('do no harm when they throw', async () => {
    const refuse = (): never => {
      throw new Error('a hook throws');
    };
    const { call, sink } = hookedCall({ onResult: refuse, onError: refuse, onTimeout: refuse, onEnd: refuse });
    call.next('a', 1, false);
    call.fail(failure);
    expect(sink).toMatchObject({ results: ['a'], ends: [{ error: failure }] });
  });

  it('may be none at all', () => {
    const call = new ClientCall(
      'command',
      new RecordingSink(),
      holder,
      {},
      hookedNeeds(() => ({}), 'command'),
    );
    call.next('a', 1, false);
    call.complete();
    expect(call.isPending).toBe(false);
  });
});

describe('beforeSend', () => {
  it('sees the Command, and what it returns is added to what travels already', () => {
    const seen: unknown[] = [];
    const beforeSend = (command: unknown) => {
      seen.push(command);
      return { tenant: 'acme', trace: 'hook' };
    };
    const needs = hookedNeeds(() => ({ beforeSend }), 'command', { credit: 3, ambient: { trace: 'nest', span: '1' } });
    expect(seen).toEqual(['command']);
    expect(needs).toMatchObject({ credit: 3, ambient: { tenant: 'acme', trace: 'hook', span: '1' } });
  });

  it('leaves what travels alone when it returns nothing', () => {
    const ambient = { trace: 'nest' };
    expect(hookedNeeds(() => ({ beforeSend: () => {} }), 'command', { ambient }).ambient).toBe(ambient);
  });
});
