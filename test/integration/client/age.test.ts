// Connections that are replaced because of their age: no Command is lost by it.
import { describe, expect, it } from '@jest/globals';
import type { CommandClientOptions, CommandServerOptions } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { addFrame, GREETING, sumFrame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { groupClient, soon } from '../../support/named-server.js';
import { RawServer } from '../../support/raw-server.js';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();
const young: Partial<CommandClientOptions> = { maxConnectionAgeMs: 100, reconnect: soon };

describe('a connection that has become too old', () => {
  it.each([true, false])('is replaced without loss under load (server of this package: %s)', async (extension) => {
    const ends: string[] = [];
    const options: Partial<CommandServerOptions> = {
      extension,
      onDisconnect: (_connection, cause) => ends.push(cause.code),
    };
    const calc = own(await CalcServer.start(options));
    const client = own(groupClient([calc], { ...young, connectionsPerServer: 2 }));
    let sent = 0;
    const work = async (): Promise<void> => {
      while (ends.length < 6) {
        const n = sent++;
        const { value } = await client.execute(new AddCmd(n, 1));
        expect(value).toBe(n + 1);
      }
    };
    await Promise.all(Array.from({ length: 16 }, work));
    expect(sent).toBeGreaterThan(100);
    expect(new Set(ends)).toEqual(new Set(['PEER_CLOSED']));
    await until('those that were replaced are gone', () => calc.server.connections === 2);
    expect(client.status).toBe('connected');
  });

  it('keeps its Commands until they are answered, while its successor takes new ones', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, young));
    const first = client.execute(new AddCmd(1, 1));
    const old = await raw.peer();
    old.write(GREETING);
    await old.receives(addFrame(1, 1, 1));
    const successor = await raw.peer(1);
    expect(client.status).toBe('connected');
    const meanwhile = client.execute(new AddCmd(2, 2));
    await old.receives(addFrame(1, 1, 1) + addFrame(2, 2, 2));
    successor.write(GREETING);
    const news: string[] = [];
    client.onStatus(({ status }) => news.push(status));
    // Which of the two takes a Command shows that the successor is in use.
    let seq = 2;
    await until('the successor takes Commands', () => {
      if (successor.hex === '') {
        client.execute(new AddCmd(3, 3)).catch(() => {});
        seq++;
      }
      return successor.hex !== '';
    });
    expect(old.isEnded).toBe(false);
    for (let n = 1; n <= seq; n++) old.write(sumFrame(n, n));
    await expect(Promise.all([first, meanwhile])).resolves.toEqual([new CalcResult(1), new CalcResult(2)]);
    for (let n = 1; n <= seq; n++) successor.write(sumFrame(n, n));
    await old.ends();
    expect(news).toEqual([]);
  });

  it('stays when its successor cannot be had', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, young));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(GREETING);
    await connected;
    (await raw.peer(1)).reset();
    const sum = client.execute(new AddCmd(2, 3));
    await peer.receives(addFrame(1, 2, 3));
    peer.write(sumFrame(1, 5));
    await expect(sum).resolves.toEqual(new CalcResult(5));
    expect(client.status).toBe('connected');
  });

  it('is lost like any other while its successor is on its way', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, young));
    const lost = client.execute(new AddCmd(1, 1));
    lost.catch(() => {});
    const peer = await raw.peer();
    peer.write(GREETING);
    const successor = await raw.peer(1);
    await peer.receives(addFrame(1, 1, 1));
    peer.reset();
    await expect(lost).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
    await successor.ends();
    const next = await raw.peer(2);
    next.write(GREETING);
    await until('it is open again', () => client.status === 'connected');
  });

  it('is closed with the client, and its successor, too', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, young));
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(GREETING);
    await connected;
    const successor = await raw.peer(1);
    client.destroy();
    await peer.ends();
    await successor.ends();
    expect(client.status).toBe('closed');
  });
});
