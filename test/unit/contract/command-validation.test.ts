// Which Commands the validation pipe looks at, and what it says of bad ones, without a server.
import { describe, expect, it } from '@jest/globals';
import type { ArgumentMetadata } from '@nestjs/common';
import { IsInt, IsNotEmpty, ValidateNested, type ValidationError } from 'class-validator';
import { Command, CommandValidationPipe, type CommandValidationPipeOptions } from 'nestjs-cmd-stream';

class Place {
  @IsInt()
  zip: unknown = 1;

  @ValidateNested()
  next: unknown = undefined;
}

/** Without rules. */
class Note {
  text = 'any';
}

class OrderCmd extends Command {
  @IsInt()
  count: unknown = 1;

  @ValidateNested()
  place: unknown = new Place();

  @ValidateNested({ each: true })
  stops: unknown[] = [];
}

class BareCmd extends Command {
  count: unknown = 'any';
}

class GroupedCmd extends Command {
  @IsNotEmpty({ groups: ['strict'] })
  name = '';
}

const body: ArgumentMetadata = { type: 'body' };

async function outcome(value: unknown, options?: CommandValidationPipeOptions, metadata = body): Promise<unknown> {
  const pipe = new CommandValidationPipe(options);
  return pipe.transform(value, metadata).then(
    (given) => (given === value ? 'passed' : given),
    (error: unknown) => (error as { getResponse?(): { message: unknown } }).getResponse?.().message ?? error,
  );
}

function order(fields: Partial<OrderCmd>): OrderCmd {
  return Object.assign(new OrderCmd(), fields);
}

describe('the validation pipe', () => {
  it.each<[string, unknown]>([
    ['a good Command', new OrderCmd()],
    ['a Command without rules', new BareCmd()],
    ['an object without rules in a Command', order({ place: new Note() })],
    ['a Command whose rules are of another group', new GroupedCmd()],
    ['what is no Command', { count: 'no' }],
    ['nothing', undefined],
  ])('lets pass %s', async (what, value) => {
    const options = what.includes('group') ? { groups: ['other'] } : undefined;
    expect(await outcome(value, options)).toBe('passed');
  });

  it('looks at no parameter of a decorator of the application', async () => {
    expect(await outcome(order({ count: 'no' }), undefined, { type: 'custom' })).toBe('passed');
    expect(await outcome(order({ count: 'no' }), undefined, { type: 'query' })).not.toBe('passed');
  });

  it('names what is wrong by its path', async () => {
    const place = Object.assign(new Place(), { zip: 'no', next: Object.assign(new Place(), { zip: 'no' }) });
    expect(await outcome(order({ count: 'no', place, stops: [new Place(), place] }))).toEqual([
      'count must be an integer number',
      'place.zip must be an integer number',
      'place.next.zip must be an integer number',
      'stops.1.zip must be an integer number',
      'stops.1.next.zip must be an integer number',
    ]);
  });

  it('takes the options of class-validator', async () => {
    expect(await outcome(new GroupedCmd(), { groups: ['strict'] })).toEqual(['name should not be empty']);
    expect(await outcome(order({ place: new Note() }), { forbidUnknownValues: true })).toEqual([
      expect.stringMatching(/^place\./),
    ]);
  });

  it('fails with what the application makes of the errors', async () => {
    const exceptionFactory = (errors: ValidationError[]) => errors.map(({ property }) => property);
    expect(await outcome(order({ count: 'no' }), { exceptionFactory })).toEqual(['count']);
  });

  it('knows the rules of each class the second time, too', async () => {
    const pipe = new CommandValidationPipe();
    for (let time = 0; time < 2; time++) {
      await expect(pipe.transform(order({ count: 'no' }), body)).rejects.toMatchObject({ status: 400 });
      await expect(pipe.transform(Object.assign(new BareCmd(), { count: 'no' }), body)).resolves.toBeInstanceOf(
        BareCmd,
      );
    }
  });
});
