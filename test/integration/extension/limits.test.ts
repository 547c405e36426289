// What one side learns of the other side's limits in the greeting, and what it then does not write.
import { describe, expect, it } from '@jest/globals';
import { calcClient } from '../../support/calc-client.js';
import { CalcServer } from '../../support/calc-server.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { AddCmd, CalcResult, EchoCmd } from '../../support/vector-contract.js';

const own = guardLeaks();
const long = 'x'.repeat(1000);

describe('a frame larger than the other side takes', () => {
  it('is not written when it is a Command, and the connection lives', async () => {
    const calc = own(await CalcServer.start({ maxCommandBytes: 256 }));
    const client = own(calcClient(calc.port, { extension: true }));
    await client.connect();
    await expect(client.execute(new EchoCmd(long))).rejects.toMatchObject({
      code: 'FRAME_TOO_LARGE',
      message: expect.stringContaining('exceeds maxCommandBytes of the server (256)'),
      sent: false,
    });
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
    expect(calc.lost).toEqual([]);
  });

  it('fails its Command only when it is a Result', async () => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port, { extension: true, maxResultBytes: 256 }));
    await expect(client.execute(new EchoCmd(long))).rejects.toMatchObject({
      code: 'FRAME_TOO_LARGE',
      message: expect.stringContaining('exceeds maxResultBytes of the client (256)'),
      sent: true,
    });
    expect(await client.execute(new AddCmd(2, 3))).toEqual(new CalcResult(5));
    expect(calc.lost).toEqual([]);
  });
});
