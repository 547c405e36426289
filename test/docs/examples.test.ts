// The examples of the documents that are files of their own, run as they stand.
import { describe, expect, it } from '@jest/globals';
import { CommandClient, CommandServer, type CommandInvoker } from 'nestjs-cmd-stream/core';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectAppendOnly, type ContractLock } from 'nestjs-cmd-stream/testing';
import { AddCmd, contract } from '../../docs/examples/classic.js';
import { contract as mergedContract } from '../../docs/examples/contracts.js';
import { Echo, echoCodec, EchoCmd, echoContract } from '../../docs/examples/echo.js';
import { CalcModule } from '../../docs/examples/invoker.js';
import { addOverTcp } from '../../docs/examples/without-nest.js';
import { NestServer } from '../e2e/nest-server.js';
import { GREETING } from '../support/calc-frames.js';
import { guardLeaks } from '../support/leak-guard.js';
import { projectRoot } from '../support/project.js';
import { RawPeer } from '../support/raw-peer.js';

const own = guardLeaks();
const host = '127.0.0.1';
/** The frame of cmd-stream-go's echo example, in both directions. */
const ONE_TWO_THREE = '010d6f6e652074776f207468726565';

const echo: CommandInvoker = {
  invoke(command, _context, sink) {
    sink.next(new Echo((command as EchoCmd).text));
    sink.complete();
  },
};

async function serveEcho(): Promise<number> {
  const server = own(new CommandServer({ host, port: 0, contract: echoContract, codec: echoCodec, invoker: echo }));
  return (await server.listen()).port;
}

describe('the contract of several modules', () => {
  it('is what its lock file says', () => {
    const file = join(projectRoot, 'docs/examples/contract.lock.json');
    const lock = JSON.parse(readFileSync(file, 'utf8')) as ContractLock;
    expect(mergedContract.toJSON()).toEqual(lock);
    expectAppendOnly(mergedContract, lock);
  });
});

describe('the echo codec', () => {
  it('speaks the bytes of the echo example on the server', async () => {
    const peer = own(await RawPeer.connect(await serveEcho()));
    peer.write(ONE_TWO_THREE);
    await peer.receives(GREETING + ONE_TWO_THREE);
  });

  it('waits for the rest of a frame that is cut', async () => {
    const peer = own(await RawPeer.connect(await serveEcho()));
    peer.write(ONE_TWO_THREE.slice(0, 10));
    await peer.receives(GREETING);
    peer.write(ONE_TWO_THREE.slice(10));
    await peer.receives(GREETING + ONE_TWO_THREE);
  });

  it('plugs in on both sides', async () => {
    const port = await serveEcho();
    const client = own(new CommandClient({ host, port, contract: echoContract, codec: echoCodec }));
    expect(await client.execute(new EchoCmd('zażółć'))).toEqual(new Echo('zażółć'));
  });
});

describe('a Command that runs itself', () => {
  it('is run by an Invoker of Nest', async () => {
    const server = own(await NestServer.listen({ module: { imports: [CalcModule] }, options: { contract } }));
    const client = own(new CommandClient({ host, port: server.core.address!.port, contract }));
    expect(await client.execute(new AddCmd(2, 3))).toMatchObject({ value: 5 });
  });

  it('is run without Nest', async () => {
    expect(await addOverTcp(2, 3)).toMatchObject({ value: 5 });
  });
});
