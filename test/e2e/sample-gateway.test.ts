// The sample 12-gateway does what it says: the statuses of its answers, and rules that its service has for all callers.
import { afterEach, describe, expect, it } from '@jest/globals';
import { CmdStreamClient, CmdStreamServer, type CommandServer } from 'nestjs-cmd-stream';
import { Reserve, stockContract } from '../../sample/12-gateway/stock.contract.js';
import { startStock } from '../../sample/12-gateway/stock.js';
import { guardLeaks } from '../support/leak-guard.js';
import { printedOutput, shownOutput } from '../support/sample.js';

const own = guardLeaks();

describe('sample 12-gateway', () => {
  afterEach(() => {
    delete process.env['STOCK_PORT'];
  });

  it('prints what its README says, and ends', async () => {
    expect(await printedOutput(own, '12-gateway')).toBe(shownOutput('12-gateway'));
  });

  it('has a service that checks the Commands of callers without a gateway as well', async () => {
    process.env['STOCK_PORT'] = '0';
    const stock = await startStock(0, []);
    own({ destroy: () => stock.close() });
    const { port } = stock.get(CmdStreamServer).unwrap<CommandServer>().address!;
    const client = new CmdStreamClient({ contract: stockContract, port });
    own({ destroy: () => client.close() });
    await expect(client.execute(new Reserve('', 1))).rejects.toMatchObject({
      code: 'REMOTE',
      payload: { statusCode: 400, details: { message: ['item should not be empty'] } },
    });
  });
});
