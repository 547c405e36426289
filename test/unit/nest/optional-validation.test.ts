// class-validator and class-transformer are optional: nothing asks for them until something needs them.
import { describe, expect, it, jest } from '@jest/globals';
import { z } from 'zod';

const asked: string[] = [];

for (const name of ['class-validator', 'class-transformer', 'class-transformer/cjs/storage.js']) {
  const missing = (): never => {
    asked.push(name);
    throw Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' });
  };
  jest.unstable_mockModule(name, missing);
  jest.doMock(name, missing);
}

const { Command, CommandValidationPipe, defineContract, jsonCodec, Result } = await import('nestjs-cmd-stream');

class CheckedCmd extends Command {
  static readonly schema = z.object({ n: z.number().positive() });
  n = 1;
}

class PlainCmd extends Command {
  n = 1;
}

class Answer extends Result {}

describe('without class-validator', () => {
  const body = { type: 'body' } as const;

  it('the package loads, makes a pipe, and checks Commands that have a schema', async () => {
    const pipe = new CommandValidationPipe({ whitelist: true });
    const command = new CheckedCmd();
    expect(await pipe.transform(command, body)).toBe(command);
    await expect(pipe.transform(Object.assign(new CheckedCmd(), { n: -1 }), body)).rejects.toMatchObject({
      status: 400,
    });
    expect(await pipe.transform({ n: 1 }, body)).toEqual({ n: 1 });
    expect(asked).not.toContain('class-validator');
  });

  it('a Command without a schema is an error that says what is missing', async () => {
    const fault = 'PlainCmd has no static schema, and class-validator cannot be loaded';
    await expect(new CommandValidationPipe().transform(new PlainCmd(), body)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(fault) as unknown,
      cause: { code: 'ERR_MODULE_NOT_FOUND' },
    });
    expect(asked).toContain('class-validator');
  });
});

describe('without class-transformer', () => {
  it('the JSON codec is made', () => {
    expect(jsonCodec()(defineContract({ commands: [PlainCmd], results: [Answer] }))).toHaveProperty('name', 'json');
    expect(asked).toContain('class-transformer');
  });
});
