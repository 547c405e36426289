// The sample 03-mus does what it says: its server byte for byte, its main program from start to end.
import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import type { CommandServer } from 'nestjs-cmd-stream';
import { startServer } from '../../sample/03-mus/server.js';
import { GREETING } from '../support/calc-frames.js';
import { guardLeaks } from '../support/leak-guard.js';
import { RawPeer } from '../support/raw-peer.js';
import { printedOutput, shownOutput } from '../support/sample.js';

const own = guardLeaks();

describe('sample 03-mus', () => {
  it('speaks the bytes of the hello-world example', async () => {
    const server = await startServer(0);
    own({ destroy: () => server.close() });
    const { port } = server.unwrap<CommandServer>().address!;
    const peer = own(new RawPeer(connect({ host: 'localhost', port })));
    peer.write('010105776f726c64');
    await peer.receives(`${GREETING}01010b48656c6c6f20776f726c64`);
  });

  it('prints what its README says, and ends', async () => {
    expect(await printedOutput(own, '03-mus')).toBe(shownOutput('03-mus'));
  });
});
