// Which Commands the validation pipe looks at, and what it says of bad ones, without a server.
import { describe, expect, it } from '@jest/globals';
import type { ArgumentMetadata } from '@nestjs/common';
import { IsInt, IsNotEmpty, ValidateNested, type ValidationError } from 'class-validator';
import { Command, CommandValidationPipe, type CommandValidationPipeOptions } from 'nestjs-cmd-stream';
import * as v from 'valibot';
import { z } from 'zod';

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

describe('the options of the validation pipe', () => {
  it.each<[unknown, string]>([
    [{ whitlist: true }, 'unknown option "whitlist": did you mean "whitelist"?'],
    [{ transform: true }, 'unknown option "transform": a Command is an instance of its class already'],
    [{ errorHttpStatusCode: 422 }, 'unknown option "errorHttpStatusCode": exceptionFactory decides'],
    [{ whitelist: 'yes' }, 'option "whitelist" must be true or false, got "yes"'],
    [{ groups: 'strict' }, 'option "groups" must be an array of strings, got "strict"'],
    [{ groups: [5] }, 'option "groups" must be an array of strings, got an array'],
    [{ validationError: true }, 'option "validationError" must be an object with target and value, got true'],
    [{ exceptionFactory: 'bad' }, 'option "exceptionFactory" must be a function, got "bad"'],
    [[], 'options must be an object, got an array'],
    [null, 'options must be an object, got null'],
  ])('are refused when they are %j', (options, text) => {
    expect(() => new CommandValidationPipe(options as CommandValidationPipeOptions)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(`CommandValidationPipe: ${text}`),
      }),
    );
  });

  it('may all be undefined', async () => {
    const options = { exceptionFactory: undefined, groups: undefined, forbidUnknownValues: undefined };
    expect(await outcome(new OrderCmd(), options)).toBe('passed');
    expect(await outcome(order({ place: new Note() }), options)).toBe('passed');
  });
});

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

  it.each([
    ['a plain object', { ...new OrderCmd() }],
    ['an instance of another class', new Note()],
    ['nothing', undefined],
    ['null', null],
    ['text', 'a'],
  ])('refuses %s where a Command with rules belongs', async (_, value) => {
    for (const metatype of [OrderCmd, GroupedCmd]) {
      expect(await outcome(value, undefined, { type: 'body', metatype })).toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(`a parameter of type ${metatype.name} is no instance of a Command`),
      });
    }
  });

  it('lets plain objects pass where no Command, one without rules, or what the application decorates, belongs', async () => {
    for (const metatype of [undefined, Object, Note, BareCmd])
      expect(await outcome({ count: 'no' }, undefined, { type: 'body', metatype })).toBe('passed');
    expect(await outcome({ count: 'no' }, undefined, { type: 'custom', metatype: OrderCmd })).toBe('passed');
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

class Street {
  name = '';

  get label(): string {
    return `the ${this.name}`;
  }
}

const street = z.object({ name: z.string().trim().min(1) });

/** What zod says of its fields; its rules of class-validator are not asked. */
class ShipCmd extends Command {
  static readonly schema = z.object({
    count: z.number().int().max(10),
    note: z.string().trim().default('none'),
    street,
    stops: z.array(street),
    extra: z.looseObject({}).optional(),
    label: z.string().optional(),
  });

  readonly #secret = 'kept';

  @IsInt()
  readonly count: unknown = 1;
  readonly note: unknown = undefined;
  readonly street: unknown = undefined;
  readonly stops: readonly unknown[] = [];
  readonly extra: unknown = undefined;
  readonly unlisted = 'as it was';

  get label(): string {
    return `${String(this.count)} and ${this.#secret}`;
  }
}

class HeirCmd extends ShipCmd {}

function ship(fields: object, type: new () => ShipCmd = ShipCmd): ShipCmd {
  return Object.assign(new type(), { street: Object.assign(new Street(), { name: ' Main ' }), ...fields });
}

/** As any library may write it. */
function schemaCmd(validate: (value: unknown) => unknown): Command & { n?: unknown } {
  class AnyCmd extends Command {
    static schema: unknown = { '~standard': { version: 1, vendor: 'test', validate } };
    n: unknown = 1;
  }
  return new AnyCmd();
}

describe('the validation pipe with a static schema', () => {
  it.each([ShipCmd, HeirCmd])(
    'assigns what the schema made to the instance, which stays what it is: %p',
    async (type) => {
      const stops = ['A ', ' B'].map((name) => Object.assign(new Street(), { name }));
      const command = ship({ stops }, type);
      const before = command.street;
      expect(await outcome(command)).toBe('passed');
      expect(command).toBeInstanceOf(type);
      expect(command.street).toBe(before);
      expect(command).toMatchObject({ note: 'none', street: { label: 'the Main' }, unlisted: 'as it was' });
      expect(command.stops).toStrictEqual(['A', 'B'].map((name) => Object.assign(new Street(), { name })));
      expect(command.label).toBe('1 and kept');
    },
  );

  it('takes a new list where the schema makes one of another length', async () => {
    const second = z.object({ n: z.array(street).transform((all) => all.slice(1)) });
    const command = schemaCmd((value) => second['~standard'].validate(value));
    const stops = ['A', 'B'].map((name) => Object.assign(new Street(), { name }));
    command.n = stops;
    expect(await outcome(command)).toBe('passed');
    expect(command.n).toStrictEqual([{ name: 'B' }]);
    expect(stops.map(({ name }) => name)).toEqual(['A', 'B']);
  });

  it('may be one of valibot', async () => {
    const schema = v.object({ n: v.pipe(v.string(), v.trim(), v.maxLength(3)) });
    const command = schemaCmd((value) => schema['~standard'].validate(value));
    command.n = ' abc ';
    expect(await outcome(command)).toBe('passed');
    expect(command.n).toBe('abc');
    command.n = 'abcd';
    expect(await outcome(command)).toEqual(['n: Invalid length: Expected <=3 but received 4']);
  });

  it('names what is wrong by its path', async () => {
    expect(await outcome(ship({ count: 11, stops: [new Street()], street: undefined }))).toEqual([
      'count: Too big: expected number to be <=10',
      'street: Invalid input: expected object, received undefined',
      'stops.0.name: Too small: expected string to have >=1 characters',
    ]);
    const issues = [{ message: 'no' }, { message: 'never', path: [{ key: 'a' }, 0, Symbol('b')] }];
    for (const answer of [{ issues }, Promise.resolve({ issues })])
      expect(await outcome(schemaCmd(() => answer))).toEqual(['no', 'a.0.Symbol(b): never']);
  });

  it('gives exceptionFactory errors as class-validator has them', async () => {
    const command = ship({ count: 'no', street: { name: '' } });
    const exceptionFactory = (errors: ValidationError[]) => errors;
    expect(await outcome(command, { exceptionFactory })).toEqual([
      { target: command, property: 'count', constraints: { schema: expect.stringMatching(/^count: Invalid input/) } },
      { target: command, property: 'street.name', constraints: { schema: expect.stringMatching(/^street.name: /) } },
    ]);
  });

  it('waits for a schema that is asynchronous', async () => {
    const schema = z.object({ n: z.number().refine(async (n) => n < 2) }).transform(async ({ n }) => ({ n: n + 1 }));
    const command = schemaCmd((value) => schema['~standard'].validate(value));
    expect(await outcome(command)).toBe('passed');
    expect(command.n).toBe(2);
    expect(await outcome(command)).toEqual([expect.stringMatching(/^n: /)]);
  });

  it('lets nothing become the prototype', async () => {
    const value = JSON.parse('{"n":2,"__proto__":{"exec":1}}') as unknown;
    const command = schemaCmd(() => ({ value }));
    expect(await outcome(command)).toBe('passed');
    expect(command).toBeInstanceOf(Command);
    expect(command.n).toBe(2);
    expect('exec' in command).toBe(false);
  });

  it('takes the Command itself for an answer', async () => {
    const command = schemaCmd((value) => ({ value }));
    Object.freeze(command);
    expect(await outcome(command)).toBe('passed');
  });

  it.each([
    ['null', () => null],
    ['a list', () => []],
    ['text', () => 'text'],
  ])('fails with a schema that gives %s', async (_, made) => {
    const gives = { code: 'INVALID_OPTION', message: expect.stringContaining('schema of AnyCmd gives no object') };
    expect(await outcome(schemaCmd(() => ({ value: made() })))).toMatchObject(gives);
  });

  it.each([null, {}, 'text', { '~standard': {} }, { validate: () => {} }])(
    'refuses %j for a schema',
    async (schema) => {
      class OddCmd extends Command {
        static readonly schema = schema;
      }
      const noSchema = { code: 'INVALID_OPTION', message: expect.stringContaining('OddCmd is no Standard Schema') };
      expect(await outcome(new OddCmd())).toMatchObject(noSchema);
    },
  );

  it('asks the class, whatever a field is named', async () => {
    const command = Object.assign(ship({ count: 'no' }), { constructor: BareCmd, schema: undefined });
    expect(await outcome(command)).toEqual([expect.stringMatching(/^count: /)]);
  });
});
