// What the published declarations refuse, in each version of TypeScript.
import type { CmdStreamClient, CmdStreamServer } from 'nestjs-cmd-stream';
import { CommandClient } from 'nestjs-cmd-stream/core';
import { mus, type MusSerializer } from 'nestjs-cmd-stream/mus';
import { add, half } from './mus.js';
import { contract } from './contract.js';

export function refused(client: CmdStreamClient, server: CmdStreamServer): void {
  // @ts-expect-error: there is no such event
  server.on('conectionLost', () => {});
  // @ts-expect-error: it is the core client
  client.unwrap<string>();
  // @ts-expect-error: it is the core server
  server.unwrap<string>();
  // @ts-expect-error: an option that does not exist
  void new CommandClient({ contract, hots: 'localhost' });
  // @ts-expect-error: undefined means the default, null means nothing
  void new CommandClient({ contract, host: null });
  // @ts-expect-error: the contract is required
  void new CommandClient({ contract: undefined });
  // @ts-expect-error: a length is an integer
  mus.string.with({ lengthAs: half });
  // @ts-expect-error: a number is no Command
  add.toBytes(5);
}

export const anything: readonly MusSerializer<never, never>[] = [];
