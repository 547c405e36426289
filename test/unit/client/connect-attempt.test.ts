// One attempt to open a connection, with a clock, a dialler and a session of the test's own: it ends once, and tidies
// up.
import { describe, expect, it } from '@jest/globals';
import { PassThrough, type Duplex } from 'node:stream';
import type { ClientSession } from '../../../lib/client/session/client-session.js';
import { notOpened, ConnectAttempt, type ConnectStage } from '../../../lib/client/group/connect-attempt.js';
import { CmdStreamError } from '../../../lib/core.js';
import type { Ticker } from '../../../lib/connection/ticker.js';
import { turns } from '../../support/deadline.js';

const aborted = new CmdStreamError('CLOSED', 'it is not wanted any more');

class Attempt {
  readonly failures: CmdStreamError[] = [];
  readonly started: Duplex[] = [];
  readonly destroyed: CmdStreamError[] = [];
  readonly session = { isProbing: false, destroy: (cause: CmdStreamError) => this.destroyed.push(cause) };
  isWatched = false;
  limitMs: number | undefined;
  signal: AbortSignal | undefined;
  onStage: (stage: ConnectStage) => void = () => {};
  dialled: (socket: Duplex) => void = () => {};
  refused: (error: unknown) => void = () => {};
  late: () => void = () => {};
  start: (socket: Duplex) => unknown = () => this.session;
  readonly tested: ConnectAttempt;

  constructor() {
    const after = (ms: number, late: () => void): (() => void) => {
      Object.assign(this, { isWatched: true, limitMs: ms, late });
      return () => void (this.isWatched = false);
    };
    this.tested = new ConnectAttempt({
      server: 'calc:1',
      connectTimeoutMs: 300,
      ticker: { after } as unknown as Ticker,
      dial: (signal, onStage) => {
        Object.assign(this, { signal, onStage });
        return new Promise((resolve, reject) => Object.assign(this, { dialled: resolve, refused: reject }));
      },
      start: (socket) => {
        this.started.push(socket);
        return this.start(socket) as ClientSession;
      },
      onFailed: (error) => void this.failures.push(error),
    });
    this.tested.begin();
  }
}

describe('an attempt to connect', () => {
  it('hands its socket over and watches the time until it has succeeded', async () => {
    const attempt = new Attempt();
    const socket = new PassThrough();
    attempt.dialled(socket);
    await turns(1);
    expect(attempt.started).toEqual([socket]);
    expect(attempt).toMatchObject({ isWatched: true, limitMs: 300 });
    attempt.tested.succeed();
    expect(attempt.isWatched).toBe(false);
    attempt.tested.fail(aborted);
    attempt.tested.abandon(aborted);
    expect([attempt.failures, attempt.destroyed]).toEqual([[], []]);
    expect(attempt.signal?.aborted).toBe(false);
  });

  it('fails once: what comes later has no effect, and its socket is discarded', async () => {
    const attempt = new Attempt();
    attempt.late();
    expect(attempt.signal).toMatchObject({ aborted: true, reason: { code: 'CONNECT_TIMEOUT' } });
    expect(attempt.isWatched).toBe(false);
    const socket = new PassThrough();
    attempt.dialled(socket);
    attempt.late();
    await turns(1);
    expect(attempt.failures).toHaveLength(1);
    expect(attempt.started).toEqual([]);
    expect(socket.destroyed).toBe(true);
    expect(() => socket.emit('error', new Error('it fails at last'))).not.toThrow();
  });

  it('that is abandoned says nothing, and ends the session that has begun', async () => {
    const attempt = new Attempt();
    attempt.dialled(new PassThrough());
    await turns(1);
    attempt.tested.abandon(aborted);
    attempt.tested.abandon(new CmdStreamError('CLOSED', 'once more'));
    attempt.tested.fail(aborted);
    expect(attempt.failures).toEqual([]);
    expect(attempt.destroyed).toEqual([aborted]);
  });

  it.each<[string, (attempt: Attempt) => void, RegExp]>([
    ['is refused', ({ refused }) => refused(Object.assign(new Error('no way'), { code: 'ECONNREFUSED' })), /no way/],
    ['is refused with what is no error', ({ refused }) => refused(undefined), /undefined/],
    ['gets a socket that was closed', ({ dialled }) => dialled(new PassThrough().destroy()), /the socket was closed/],
    ['gets what is no socket', ({ dialled }) => dialled({} as Duplex), /what was to be a socket is none/],
  ])('fails with CONNECT_FAILED when it %s', async (_what, act, message) => {
    const attempt = new Attempt();
    attempt.start = (socket) => socket.pause();
    act(attempt);
    await turns(1);
    expect(attempt.failures).toEqual([
      expect.objectContaining({ code: 'CONNECT_FAILED', message: expect.stringMatching(message) }),
    ]);
    expect(attempt.isWatched).toBe(false);
  });

  it('keeps an error of this package as it is', async () => {
    const attempt = new Attempt();
    attempt.refused(aborted);
    await turns(1);
    expect(attempt.failures).toEqual([aborted]);
  });

  it('says what it waits for, stage by stage', async () => {
    const attempt = new Attempt();
    const said = (): string => attempt.tested.unanswered().message;
    expect(said()).toMatch(/^no answer from calc:1: the connection was not taken there/);
    attempt.onStage('lookup');
    expect(said()).toContain('the lookup of its host');
    attempt.onStage('factory');
    expect(said()).toContain('option "connect"');
    attempt.onStage('tls');
    expect(said()).toMatch(/TLS handshake.*is it a cmd-stream server/);
    attempt.dialled(new PassThrough());
    await turns(1);
    expect(said()).toBe('no answer from calc:1: is it a cmd-stream server, with or without TLS as here?');
    attempt.session.isProbing = true;
    expect(said()).toContain('`extension: false`');
    attempt.late();
    expect(attempt.failures[0]!.message).toMatch(/calc:1 within connectTimeoutMs \(300\): it has greeted/);
  });
});

describe('a connection that ends before it is open', () => {
  const node = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  const reset = new CmdStreamError('PEER_RESET', 'connection reset', { cause: node });
  const closed = new CmdStreamError('PEER_CLOSED', 'the peer ended the connection');

  it.each([
    ['reset', reset, false, false, { code: 'CONNECT_FAILED', cause: node }],
    ['ended', closed, false, false, { code: 'CONNECT_FAILED', cause: closed }],
    ['reset in TLS', reset, true, false, { code: 'TLS_ERROR', cause: reset }],
    ['ended in TLS', closed, true, false, { code: 'CONNECT_FAILED', cause: closed }],
    ['reset at the probe', reset, true, true, { code: 'CONNECT_FAILED', cause: node }],
  ])('is one that failed: %s', (_what, cause, hasTls, hungUpOnProbe, expected) => {
    const error = notOpened(cause, { server: 'calc:1', tls: hasTls ? {} : undefined, hungUpOnProbe });
    expect(error).toMatchObject(expected);
    expect(error.message).toContain(`cannot connect to calc:1: ${cause.message}`);
    expect(error.message.includes('`extension: false`')).toBe(hungUpOnProbe);
    const asksForServer = expected.code === 'CONNECT_FAILED' && !hungUpOnProbe;
    expect(error.message.includes('is it a cmd-stream server, with or without TLS as here?')).toBe(asksForServer);
  });

  it('keeps every other reason', () => {
    const cause = new CmdStreamError('SERVER_INFO_MISMATCH', 'another server');
    expect(notOpened(cause, { server: 'calc:1', tls: {}, hungUpOnProbe: false })).toBe(cause);
  });
});
