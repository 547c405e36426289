// The time limit of a handler, by its decorator: beside that of the server, and together with the transport id.
import { describe, expect, it } from '@jest/globals';
import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { CMD_STREAM, CommandHandler, type CmdStreamContext } from 'nestjs-cmd-stream';
import { firstValueFrom, NEVER, type Observable } from 'rxjs';
import { until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, CountCmd, CountResult, EchoCmd, EchoResult, SubCmd } from './calc.contract.js';
import { HandMadeClient, NestServer } from './nest-server.js';

const own = guardLeaks();
let reasons: unknown[] = [];
let finished = 0;

@Controller()
class Slow {
  @CommandHandler(AddCmd, { timeoutMs: 30 })
  async add(_command: AddCmd, { signal }: CmdStreamContext): Promise<CalcResult> {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    reasons.push(signal.reason);
    throw signal.reason;
  }

  @CommandHandler(SubCmd, { transportId: CMD_STREAM })
  sub(): Observable<CalcResult> {
    return NEVER;
  }

  @CommandHandler(CountCmd, { timeoutMs: 30, transportId: CMD_STREAM })
  async *count(): AsyncGenerator<CountResult> {
    try {
      for (let I = 0; ; I++) yield new CountResult(I);
    } finally {
      finished++;
    }
  }

  @CommandHandler(EchoCmd, { timeoutMs: 0 })
  async echo({ text }: EchoCmd, { signal }: CmdStreamContext): Promise<EchoResult> {
    // As long as it takes the others to fail.
    await until('others have failed', () => reasons.length > 0);
    return new EchoResult(`${text} ${signal.aborted}`);
  }

  @MessagePattern('never')
  never(): Observable<string> {
    return NEVER;
  }
}

async function serve(commandTimeoutMs: number) {
  reasons = [];
  finished = 0;
  const server = own(await NestServer.listen({ module: { controllers: [Slow] }, options: { commandTimeoutMs } }));
  return { server, client: own(new HandMadeClient(server.port, { extension: true })) };
}

describe('@CommandHandler() with a time limit', () => {
  it('fails its Command alone, and Nest logs nothing of what its handler gave up with', async () => {
    const { server, client } = await serve(0);
    const echoed = client.execute(new EchoCmd('x'));
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('Slow.add, the handler of AddCmd, took longer') as unknown,
    });
    expect(reasons).toMatchObject([{ code: 'TIMEOUT' }]);
    expect(await echoed).toEqual(new EchoResult('x false'));
    const items: CountResult[] = [];
    const taken = async (): Promise<void> => {
      for await (const item of client.iterate(new CountCmd())) items.push(item);
    };
    await expect(taken()).rejects.toMatchObject({ code: 'TIMEOUT' });
    await until('its generator has ended', () => finished === 1);
    expect(items.length).toBeGreaterThan(0);
    const startUp = expect.stringContaining('no handler for FailCmd of the contract') as unknown;
    expect(server.logger.lines.filter((line) => /^(error|warn)/.test(line))).toEqual([startUp]);
  });

  it('goes before the limit of the server, which is for all others', async () => {
    const { client } = await serve(40);
    await expect(client.execute(new SubCmd(2, 3))).rejects.toMatchObject({ code: 'TIMEOUT' });
    await expect(firstValueFrom(client.send('never', {}))).rejects.toMatchObject({ code: 'TIMEOUT' });
    const echoed = client.execute(new EchoCmd('x'));
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(await echoed).toEqual(new EchoResult('x false'));
  });

  it.each([
    [{ timeoutMs: -1 }, '"timeoutMs" must be a whole number of milliseconds from 1 to 2147483647, or 0 (no limit)'],
    [{ timeoutMS: 5 }, 'unknown option "timeoutMS": did you mean "timeoutMs"? Known are transportId, timeoutMs'],
    [{ transportId: 'tcp' }, '"transportId" must be a Transport or a symbol'],
    ['tcp', 'options must be an object'],
    [null, 'options must be an object'],
  ])('is refused with %j', (options, text) => {
    const refusal = { code: 'INVALID_OPTION', message: expect.stringContaining(text) as unknown };
    expect(() => CommandHandler(AddCmd, options as never)).toThrow(
      expect.objectContaining({
        ...refusal,
        message: expect.stringMatching(/^@CommandHandler\(AddCmd\): /) as unknown,
      }) as unknown as Error,
    );
    expect(() => CommandHandler(AddCmd, options as never)).toThrow(text);
  });
});
