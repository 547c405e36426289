// The goodbye of a server: GOAWAY, everything before DONE is answered, nothing is lost and nothing is run twice.
import { describe, expect, it } from '@jest/globals';
import { ExecInvoker } from '../../../lib/core.js';
import { ADD_2_3, GREETING, SUM_5, sumFrame } from '../../support/calc-frames.js';
import { calcClient } from '../../support/calc-client.js';
import { CalcServer } from '../../support/calc-server.js';
import { inTime, until } from '../../support/deadline.js';
import { DONE, EXTENDED_GREETING, GOAWAY, hello, PROBE } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { Item, openStage, PlayCmd, stageContract } from '../../support/stage.js';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();

describe('close()', () => {
  it('says GOAWAY, answers what comes before DONE, then ends', async () => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write(PROBE + hello());
    await peer.receives(EXTENDED_GREETING);
    const closed = calc.server.close();
    await peer.receives(EXTENDED_GREETING + GOAWAY);
    peer.write(ADD_2_3);
    await peer.receives(EXTENDED_GREETING + GOAWAY + SUM_5);
    expect(peer.isEnded).toBe(false);
    peer.write(DONE);
    await peer.ends();
    peer.finish();
    await inTime('it is closed', closed);
    expect(peer.hex).toBe(EXTENDED_GREETING + GOAWAY + SUM_5);
  });

  it('waits for DONE, however quiet the peer is', async () => {
    const calc = own(await CalcServer.start({ quietPeriodMs: 0 }));
    const [peer, plain] = [own(await calc.connect()), own(await calc.connect())];
    peer.write(PROBE + hello());
    await Promise.all([peer.receives(EXTENDED_GREETING), plain.receives(GREETING)]);
    const closed = calc.server.close();
    // One that knows no DONE is quiet enough at once: the server has looked at both.
    await plain.ends();
    plain.finish();
    peer.write(ADD_2_3);
    await peer.receives(EXTENDED_GREETING + GOAWAY + SUM_5);
    peer.write(DONE);
    await peer.ends();
    peer.finish();
    await inTime('it is closed', closed);
  });

  it('is over with gracePeriodMs although the peer keeps its half of the connection open', async () => {
    const calc = own(await CalcServer.start({ gracePeriodMs: 50 }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello());
    await peer.receives(EXTENDED_GREETING);
    // Without the second of linger that ended connections have otherwise.
    await inTime('it is closed', calc.server.close(), 900);
  });

  it('loses nothing and executes nothing twice under load while another server takes over', async () => {
    const ran = new Map<string, number>();
    const play = async ({ name }: PlayCmd): Promise<Item> => {
      await new Promise(setImmediate);
      ran.set(name, (ran.get(name) ?? 0) + 1);
      return new Item(Number(name));
    };
    const { calc, client } = await openStage(own, play);
    await client.connect();
    const { port } = calc;
    const send = async (n: number): Promise<number> => (await client.execute(new PlayCmd(String(n)))).n;
    const first = Array.from({ length: 200 }, (_, n) => send(n));
    await until('some run', () => calc.server.inFlight > 0);
    const closed = calc.server.close();
    await until('the client knows', () => client.status !== 'connected');
    const next = own(new CalcServer({ contract: stageContract, invoker: new ExecInvoker(play), port }));
    await next.server.listen();
    const second = Array.from({ length: 200 }, (_, n) => send(200 + n));
    expect(await Promise.all([...first, ...second])).toEqual(Array.from({ length: 400 }, (_, n) => n));
    await inTime('it is closed', closed);
    expect([...ran.values()].every((times) => times === 1)).toBe(true);
    expect(ran.size).toBe(400);
  });

  it('ends what still runs with SHUTDOWN when the grace period is over', async () => {
    const reasons: unknown[] = [];
    const { calc, client } = await openStage(
      own,
      (_, { signal }) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason);
            resolve(undefined);
          }),
        ),
      { gracePeriodMs: 50 },
    );
    const call = client.execute(new PlayCmd());
    call.catch(() => {});
    await until('it runs', () => calc.server.inFlight === 1);
    await inTime('it is closed', calc.server.close());
    await expect(call).rejects.toMatchObject({ code: 'SHUTDOWN', sent: true, payload: { started: true } });
    expect(reasons).toEqual([expect.objectContaining({ code: 'SHUTDOWN' })]);
  });

  it('ends a stream that waits for credit with SHUTDOWN, too', async () => {
    const { calc, client } = await openStage(
      own,
      () => ({
        subscribe: (observer) => {
          for (let n = 1; n <= 100; n++) observer.next(new Item(n, false));
          return { unsubscribe: () => {} };
        },
      }),
      { gracePeriodMs: 50 },
    );
    const results = client.iterate(new PlayCmd());
    await results.next();
    await inTime('it is closed', calc.server.close());
    const rest = async (): Promise<void> => {
      while (!(await results.next()).done);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'SHUTDOWN' });
  });
});

describe('a client that gets GOAWAY', () => {
  it('answers DONE, waits for its Commands there, and sends new ones on a next connection', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const first = client.execute(new AddCmd(2, 3));
    const old = await raw.peer();
    old.write(EXTENDED_GREETING);
    await until('the Command arrives', () => old.hex.endsWith(ADD_2_3));
    old.write(GOAWAY);
    await until('it says DONE', () => old.hex.endsWith(ADD_2_3 + DONE));
    const second = client.execute(new AddCmd(2, 3));
    const next = await raw.peer(1);
    next.write(EXTENDED_GREETING);
    await until('the Command arrives', () => next.hex.endsWith(`02${ADD_2_3.slice(2)}`));
    next.write(sumFrame(2, 6));
    await expect(second).resolves.toEqual(new CalcResult(6));
    old.write(SUM_5);
    await expect(first).resolves.toEqual(new CalcResult(5));
    expect(old.hex.endsWith(ADD_2_3 + DONE)).toBe(true);
    old.finish();
    await old.ends();
    expect(client.status).toBe('connected');
  });

  it('fails what was written when the connection ends before it is answered', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const call = client.execute(new AddCmd(2, 3));
    call.catch(() => {});
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    await until('the Command arrives', () => peer.hex.endsWith(ADD_2_3));
    peer.write(GOAWAY);
    peer.finish();
    await expect(call).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
    expect(client.pending).toBe(0);
  });
});
