// Limits that are smaller than what two peers say to each other before the first Command: they bound Commands and
// Results.
import { describe, expect, it } from '@jest/globals';
import { Command, CommandClient, CommandServer, defineContract, Result } from '../../../lib/core.js';
import { guardLeaks } from '../../support/leak-guard.js';

const own = guardLeaks();

class DoneResult extends Result {}

const commands = Array.from({ length: 300 }, (_, index) => {
  const name = `Number${index}Cmd`;
  return { [name]: class extends Command<DoneResult> {} }[name]!;
});
const contract = defineContract({ commands, results: [DoneResult] });

describe('a contract of many types', () => {
  it.each([{ maxCommandBytes: 64 }, { maxResultBytes: 64 }, { maxCommandBytes: 64, maxResultBytes: 64 }])(
    'is compared between peers of small frames: %p',
    async (limits) => {
      const serverInfo = 'x'.repeat(500);
      const server = new CommandServer({
        host: '127.0.0.1',
        port: 0,
        serverInfo,
        contract,
        invoker: { invoke: (_command, _context, sink) => sink.complete(new DoneResult()) },
        ...limits,
      });
      own({ destroy: () => server.close({ gracePeriodMs: 0 }) });
      const { port } = await server.listen();
      const client = own(new CommandClient({ host: '127.0.0.1', port, serverInfo, contract, ...limits }));
      await expect(client.execute(new commands[299]!())).resolves.toBeInstanceOf(DoneResult);
      await expect(client.execute(new (class extends commands[0]! {})())).rejects.toMatchObject({
        code: 'COMMAND_NOT_IN_CONTRACT',
      });
    },
  );
});
