// Compiled, never run: contracts with numbers, several as one, and what a class may say of itself.
import {
  CmdStreamClient,
  Command,
  commandType,
  defineContract,
  mergeContracts,
  reserved,
  Result,
  resultType,
  type Contract,
  type ContractLock,
} from 'nestjs-cmd-stream';
import { expectAppendOnly } from 'nestjs-cmd-stream/testing';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function assert<T extends true>(): T | undefined {
  return undefined;
}

export class Sum extends Result {
  readonly value: number = 0;
}

export class Prime extends Result {
  readonly P: number = 0;
}

export class Add extends Command<Sum> {
  readonly a: number = 0;
}

export class Sub extends Command<Sum> {
  readonly b: number = 0;
}

export class Primes extends Command<Prime> {
  readonly limit: number = 0;
}

const numbered = defineContract({ commands: { 0: Add, 1: reserved, 2: Primes }, results: { 0: Sum, 1: Prime } });
const listed = defineContract({ commands: [Add, reserved, Primes], results: [Sum, Prime] });
const subs = defineContract({ commands: { 3: commandType(Sub, { idempotent: true }) }, results: [Sum] });
const all = mergeContracts(numbered, subs);
export const any: Contract = all;
export const lock: ContractLock = all.toJSON();

export function sends(client: CmdStreamClient<typeof all>, part: CmdStreamClient<typeof subs>): void {
  assert<Equal<typeof numbered, Contract<typeof Add | typeof Primes, typeof Sum | typeof Prime>>>();
  assert<Equal<typeof listed, typeof numbered>>();
  const sum = client.execute(new Sub());
  const prime = client.execute(new Primes());
  assert<Equal<typeof sum, Promise<Sum>>>();
  assert<Equal<typeof prime, Promise<Prime>>>();
  void part.execute(new Sub());
  // @ts-expect-error: that is in the other contract
  void part.execute(new Add());
}

class Misspelt extends Command<Sum> {
  static readonly idempotant = true;
}

class Lowercase extends Command<Sum> {
  static readonly wirename = 'x';
}

class Shouting extends Command<Sum> {
  static readonly IDEMPOTENT = true;
}

class Part extends Result {
  lastone(): boolean {
    return false;
  }
}

/** Go writes fields in upper case. */
export class Portion extends Result {
  readonly LastOne: boolean = false;

  override lastOne(): boolean {
    return this.LastOne;
  }
}

export const portions = defineContract({ commands: [Add], results: [Sum, Portion] });

export class Named extends Command<Sum> {
  static readonly wireName = 'calc.Named';
  static readonly idempotent = true;
  static readonly deprecated = 'use Add';
}

export const named = defineContract({ commands: { 0: Named }, results: { 0: resultType(Sum, { name: 'calc.Sum' }) } });

export function refused(): void {
  // @ts-expect-error: a Result is no Command
  defineContract({ commands: { 0: Add, 1: Sum }, results: { 0: Sum } });
  // @ts-expect-error: a Command is no Result
  defineContract({ commands: { 0: Add }, results: { 0: Sum, 1: Sub } });
  // @ts-expect-error: primes are answered with what is not listed
  defineContract({ commands: { 0: Add, 1: Primes }, results: { 0: Sum, 1: reserved } });
  // @ts-expect-error: nor with what a list has reserved
  defineContract({ commands: [Primes], results: [Sum, reserved] });
  // @ts-expect-error: a key is a number
  defineContract({ commands: { add: Add }, results: [Sum] });
  // @ts-expect-error: nothing does not stand for a type that is gone
  defineContract({ commands: { 0: Add, 1: undefined }, results: [Sum] });
  // @ts-expect-error: a misspelt static does nothing
  defineContract({ commands: [Add, Misspelt], results: [Sum] });
  // @ts-expect-error: nor one in lower case
  defineContract({ commands: { 0: Lowercase }, results: [Sum] });
  // @ts-expect-error: nor one in upper case
  defineContract({ commands: [Shouting], results: [Sum] });
  // @ts-expect-error: nor does a misspelt method of a Result
  defineContract({ commands: [Add], results: [Sum, Part] });
  // @ts-expect-error: nor with a number
  defineContract({ commands: [Add], results: { 0: Sum, 1: Part } });
  // @ts-expect-error: the options are known by name
  commandType(Sub, { idempotant: true });
  // @ts-expect-error: and have types
  commandType(Sub, { idempotent: 'yes' });
  // @ts-expect-error: a Result is not repeated
  resultType(Sum, { idempotent: true });
  // @ts-expect-error: a class, not an instance
  commandType(new Sub(), { name: 'Sub' });
  // @ts-expect-error: of no contract at all
  mergeContracts();
  // @ts-expect-error: of what is defined, not of its definition
  mergeContracts(numbered, { commands: [Add] });
  // @ts-expect-error: a lock has both lists
  expectAppendOnly(numbered, { commands: { 0: 'Add' } });
}
