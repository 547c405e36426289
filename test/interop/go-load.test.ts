// Clients of cmd-stream-go under load, from which nothing may be lost: with servers that stay, close and come back.
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { CmdStreamClient } from 'nestjs-cmd-stream';
import { interopContract } from '../support/interop-contract.js';
import { AddCmd } from '../support/vector-contract.js';
import { describeUnless } from '../support/unless.js';
import type { GoLoad, LoadCounters } from './go-load.js';
import { GoPeers, reasonToSkipGo } from './go-peer.js';
import { startNestServer } from './interop-server.js';

const BUILD_TIMEOUT_MS = 300_000;

function expectConserved({ sent, ok, failed, mismatched, pending }: LoadCounters): void {
  expect(mismatched).toBe(0);
  expect(ok + pending + Object.values(failed).reduce((sum, count) => sum + count, 0)).toBe(sent);
}

describeUnless(reasonToSkipGo(), 'a Go client under load', () => {
  const go = new GoPeers();
  beforeAll(() => go.build(), BUILD_TIMEOUT_MS);
  afterAll(() => go.dispose());

  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });
  const loadOf = async (port: number, ...flags: string[]): Promise<GoLoad> => {
    const load = await go.load(port, ...flags);
    closers.push(() => load.kill());
    return load;
  };

  it('gets every answer from a Nest server that stays', async () => {
    const { app, port } = await startNestServer({ quietPeriodMs: 10 });
    closers.push(() => app.close());
    const load = await loadOf(port);
    await load.until('1000 answers', ({ ok }) => ok >= 1000);
    const last = await load.stop();
    expectConserved(last);
    expect(last).toMatchObject({ failed: {}, pending: 0, late: 0, dialed: 4 });
  });

  it.each(['json', 'protobuf', 'mus'])(
    'gets answers again when a Go server is killed and returns (%s)',
    async (codec) => {
      const killed = await go.serve('-codec', codec);
      closers.push(() => killed.stop());
      const load = await loadOf(killed.port, '-codec', codec, '-result-timeout', '500ms');
      await load.until('100 answers', ({ ok }) => ok >= 100);
      killed.signal('SIGKILL');
      await killed.exited;
      const cut = await load.until('failures', ({ failed }) => Object.keys(failed).length > 0);
      const returned = await go.serve('-codec', codec, '-listen', `127.0.0.1:${killed.port}`);
      closers.push(() => returned.stop());
      await load.until('as many answers again', ({ ok }) => ok >= 2 * cut.ok);
      await load.until('four new connections', ({ dialed }) => dialed >= 8);
      const last = await load.stop();
      expectConserved(last);
      expect(last.pending).toBe(0);
    },
  );

  it('gets answers again when a Nest server closes and returns', async () => {
    const first = await startNestServer({ quietPeriodMs: 10, gracePeriodMs: 100 });
    closers.push(() => first.app.close());
    const load = await loadOf(first.port, '-result-timeout', '500ms');
    await load.until('100 answers', ({ ok }) => ok >= 100);
    await first.app.close();
    const cut = await load.until('failures', ({ failed }) => Object.keys(failed).length > 0);
    const second = await startNestServer({ port: first.port, quietPeriodMs: 10 });
    closers.push(() => second.app.close());
    await load.until('as many answers again', ({ ok }) => ok >= 2 * cut.ok);
    const last = await load.stop();
    expectConserved(last);
    expect(last.pending).toBe(0);
  });

  it('is waited for by a Go server that is to end, which then exits by itself', async () => {
    const server = await go.serve();
    closers.push(() => server.stop());
    const load = await loadOf(server.port);
    await load.until('100 answers', ({ ok }) => ok >= 100);
    server.signal('SIGTERM');
    const late = new CmdStreamClient({ host: '127.0.0.1', port: server.port, contract: interopContract });
    closers.push(() => late.close());
    await load.until('100 more answers', ({ ok }) => ok >= 200);
    await expect(late.execute(new AddCmd(1, 2), { timeoutMs: 2000 })).rejects.toMatchObject({ sent: false });
    const last = await load.stop();
    expect(last).toMatchObject({ failed: {}, mismatched: 0, pending: 0 });
    expect(await server.exited).toEqual([0, null]);
  });
});
