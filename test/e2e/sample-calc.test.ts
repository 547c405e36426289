// The sample 01-calc does what it says: its server byte for byte and towards a client, its main program from start to
// end.
import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { CmdStreamClient, type CommandServer } from 'nestjs-cmd-stream';
import { lastValueFrom, map, toArray } from 'rxjs';
import { AddCmd, calcContract, PrimesCmd, SubCmd } from '../../sample/01-calc/calc.contract.js';
import { startServer } from '../../sample/01-calc/server.js';
import { ADD_2_3, frame, GREETING, SUM_5 } from '../support/calc-frames.js';
import { guardLeaks } from '../support/leak-guard.js';
import { RawPeer } from '../support/raw-peer.js';
import { printedOutput } from '../support/sample.js';

const own = guardLeaks();
const primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29];

async function start(): Promise<number> {
  const server = await startServer(0);
  own({ destroy: () => server.close() });
  return server.unwrap<CommandServer>().address!.port;
}

describe('sample 01-calc', () => {
  it('answers its Commands', async () => {
    const client = new CmdStreamClient({ contract: calcContract, port: await start() });
    own({ destroy: () => client.close() });
    expect(await client.execute(new AddCmd(2, 3))).toMatchObject({ value: 5 });
    expect(await client.execute(new SubCmd(8, 4))).toMatchObject({ value: 4 });
    for (const count of [10, 1]) {
      const stream = client.send(new PrimesCmd(count)).pipe(map(({ P }) => P));
      expect(await lastValueFrom(stream.pipe(toArray()))).toEqual(primes.slice(0, count));
    }
  });

  it('speaks the bytes of the reference', async () => {
    const peer = own(new RawPeer(connect({ host: 'localhost', port: await start() })));
    peer.write(ADD_2_3);
    await peer.receives(GREETING + SUM_5);
    peer.write(frame(2, 2, '{"Count":2}'));
    const streamed = frame(2, 1, '{"P":2,"Last":false}') + frame(2, 1, '{"P":3,"Last":true}');
    await peer.receives(GREETING + SUM_5 + streamed);
  });

  it('prints its answers and ends when it is run', async () => {
    const text = await printedOutput(own, '01-calc');
    expect(text).toContain('2 + 3 = 5');
    expect(text).toContain('8 - 4 = 4');
    expect(text).toMatch(new RegExp(primes.map((prime) => `\\b${prime}\\b`).join('[^]*')));
  });
});
