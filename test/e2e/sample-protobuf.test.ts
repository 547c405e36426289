// The sample 02-protobuf does what it says: its server byte for byte and towards a client, its main program from start
// to end.
import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { CmdStreamClient, type CommandServer } from 'nestjs-cmd-stream';
import { protobufCodec } from 'nestjs-cmd-stream/protobuf';
import { lastValueFrom, map, toArray } from 'rxjs';
import { AddCmd, calcContract, PrimesCmd, SubCmd } from '../../sample/02-protobuf/calc.contract.js';
import { startServer } from '../../sample/02-protobuf/server.js';
import { GREETING } from '../support/calc-frames.js';
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

describe('sample 02-protobuf', () => {
  it('answers its Commands', async () => {
    const client = new CmdStreamClient({ contract: calcContract, codec: protobufCodec(), port: await start() });
    own({ destroy: () => client.close() });
    expect(await client.execute(AddCmd.create({ A: 2n, B: 3n }))).toMatchObject({ R: 5n });
    expect(await client.execute(SubCmd.create({ A: 8n, B: 4n }))).toMatchObject({ R: 4n });
    for (const count of [10, 1]) {
      const stream = client.send(PrimesCmd.create({ count })).pipe(map(({ value }) => value));
      expect(await lastValueFrom(stream.pipe(toArray()))).toEqual(primes.slice(0, count));
    }
  });

  it('speaks the bytes of the calc_protobuf example', async () => {
    const peer = own(new RawPeer(connect({ host: 'localhost', port: await start() })));
    peer.write('01000408021003');
    await peer.receives(GREETING + '0100020805');
    peer.write('02010408081004');
    await peer.receives(GREETING + '0100020805' + '0200020804');
    peer.write('0302020802');
    const streamed = '0301020802' + '03010408031001';
    await peer.receives(GREETING + '0100020805' + '0200020804' + streamed);
  });

  it('prints its answers and ends when it is run', async () => {
    const text = await printedOutput(own, '02-protobuf');
    expect(text).toContain('2 + 3 = 5');
    expect(text).toContain('8 - 4 = 4');
    expect(text).toMatch(new RegExp(primes.map((prime) => `\\b${prime}\\b`).join('[^]*')));
  });
});
