// Compiled, never run: what a contract may list, and what a client that knows its contract takes.
import { Inject, Injectable } from '@nestjs/common';
import {
  AddCmd as AddMessage,
  CalcResult as SumMessage,
  EchoCmd as EchoMessage,
} from '../support/protobuf-contract.js';
import {
  Command,
  CmdStreamClient,
  defineContract,
  InjectCmdStreamClient,
  Result,
  type ResultOf,
  type CommandOf,
  type Contract,
  type ContractDefinition,
  StreamCommand,
  VoidCommand,
} from 'nestjs-cmd-stream';
import { CommandClient } from 'nestjs-cmd-stream/core';
import type { Observable } from 'rxjs';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function assert<T extends true>(): T | undefined {
  return undefined;
}

export class CalcResult extends Result {
  constructor(readonly value = 0) {
    super();
  }
}

export class Prime extends Result {
  constructor(readonly P = 0) {
    super();
  }
}

export class AddCmd extends Command<CalcResult> {
  constructor(
    readonly A = 0,
    readonly B = 0,
  ) {
    super();
  }
}

export class PrimesCmd extends StreamCommand<Prime> {
  constructor(readonly limit = 0) {
    super();
  }
}

export class EitherCmd extends Command<CalcResult | Prime> {
  constructor(readonly either = '') {
    super();
  }
}

export class ResetCmd extends VoidCommand {
  readonly reset: boolean = true;
}

class NeedsArguments extends Command<CalcResult> {
  constructor(readonly text: string) {
    super();
  }
}

class NeedyResult extends Result {
  constructor(readonly text: string) {
    super();
  }
}

export class Chunk {
  readonly lastOne: boolean = false;
}

export const calcContract = defineContract({
  commands: [AddCmd, PrimesCmd, EitherCmd, ResetCmd],
  results: [CalcResult, Prime, Chunk],
});
export const valuesContract = defineContract({ commands: [AddCmd, PrimesCmd] });
const messages = defineContract({ commands: [AddMessage], results: [SumMessage] });
const list = [AddCmd, PrimesCmd] as const;
export const spread = defineContract({ commands: [...list, EitherCmd], results: [CalcResult, Prime] });
export const anyContract: Contract = calcContract;

export function definedBy(definition: ContractDefinition): Contract {
  return defineContract(definition);
}

export function refused(): void {
  // @ts-expect-error: a Result is no Command
  defineContract({ commands: [AddCmd, CalcResult], results: [CalcResult] });
  // @ts-expect-error: a Command is no Result
  defineContract({ commands: [AddCmd], results: [CalcResult, AddCmd] });
  // @ts-expect-error: decoding makes a Command without arguments
  defineContract({ commands: [NeedsArguments], results: [CalcResult] });
  // @ts-expect-error: and a Result
  defineContract({ commands: [AddCmd], results: [CalcResult, NeedyResult] });
  // @ts-expect-error: primes are answered with what is not listed
  defineContract({ commands: [AddCmd, PrimesCmd], results: [CalcResult] });
  // @ts-expect-error: one of two Results is not listed
  defineContract({ commands: [EitherCmd], results: [CalcResult] });
  // @ts-expect-error: the messages of an EchoCmd are answered with an EchoResult
  defineContract({ commands: [AddMessage, EchoMessage], results: [SumMessage] });
  // @ts-expect-error: a contract without Results of its own leaves the list out
  defineContract({ commands: [ResetCmd], results: [] });
  // @ts-expect-error: there is no such key
  defineContract({ commands: [AddCmd], result: [CalcResult] });
  // @ts-expect-error: a contract has Commands
  defineContract({ results: [CalcResult] });
  // @ts-expect-error: a type is a class, not an instance
  defineContract({ commands: [new AddCmd()], results: [CalcResult] });
}

class OutsideCmd extends Command<CalcResult> {
  readonly outside: string = '';
}

type Calc = typeof calcContract;

export function sends(client: CmdStreamClient<Calc>, core: CommandClient<Calc>): void {
  const added = client.execute(new AddCmd(2, 3), { timeoutMs: 100 });
  const primes = client.send(new PrimesCmd());
  const iterated = core.iterate(new PrimesCmd());
  const either = core.execute(new EitherCmd());
  const summed = client.send<number, number[]>({ cmd: 'sum' }, [1, 2]);
  assert<Equal<typeof added, Promise<CalcResult>>>();
  assert<Equal<typeof primes, Observable<Prime>>>();
  assert<Equal<typeof iterated, AsyncIterableIterator<Prime, undefined>>>();
  assert<Equal<typeof either, Promise<CalcResult | Prime>>>();
  assert<Equal<typeof summed, Observable<number>>>();
  client.emit(new AddCmd(), { metadata: { user: 'u' } });
  core.dispatch(new AddCmd(), {
    next: ({ value }) => assert<Equal<typeof value, number>>(),
    complete() {},
    error() {},
  });

  const reset = client.execute(new ResetCmd());
  const notified = client.send(new ResetCmd());
  assert<Equal<typeof reset, Promise<void>>>();
  assert<Equal<typeof notified, Observable<void>>>();

  // @ts-expect-error: a stream has more than one Result
  void client.execute(new PrimesCmd());
  // @ts-expect-error: with the core client, too
  void core.execute(new PrimesCmd());
  // @ts-expect-error: this Command is not in the contract
  void client.execute(new OutsideCmd());
  // @ts-expect-error: nor for an Observable
  client.send(new OutsideCmd());
  // @ts-expect-error: nor for an AsyncIterable
  client.iterate(new OutsideCmd());
  // @ts-expect-error: nor to wait for nothing
  client.emit(new OutsideCmd());
  // @ts-expect-error: nor with the core client
  void core.execute(new OutsideCmd());
  // @ts-expect-error: however it is sent
  core.iterate(new OutsideCmd());
  // @ts-expect-error: to a sink
  core.dispatch(new OutsideCmd(), { next() {}, complete() {}, error() {} });
  // @ts-expect-error: or without an answer
  void core.emit(new OutsideCmd());
}

/** What the compiler says of a stream that is executed: a sentence, where `never` would say nothing. */
type Said = 'a StreamCommand has many Results: use iterate() or send()';

export function complaints(client: CmdStreamClient, narrowed: CmdStreamClient<Calc>, core: CommandClient<Calc>): void {
  const said = <C>(_execute: (command: C) => unknown): Extract<keyof C, Said> => '' as never;
  const texts = [
    said(client.execute<PrimesCmd>),
    said(narrowed.execute<PrimesCmd>),
    said(core.execute<PrimesCmd>),
  ] as const;
  assert<Equal<typeof texts, readonly [Said, Said, Said]>>();
}

/** Code that takes any Command with one Result sends it on. */
export function forwards<C extends Command<CalcResult>>(client: CmdStreamClient, command: C): Promise<ResultOf<C>> {
  return client.execute(command);
}

export function mistakes(client: CmdStreamClient): void {
  // @ts-expect-error: a stream has more than one Result, whatever the contract
  void client.execute(new PrimesCmd());
  // @ts-expect-error: the options of a call are known by name
  client.send(new AddCmd(), { timeoutMS: 500 });
  // @ts-expect-error: a class is no Command and no pattern
  client.send(AddCmd, 5);
  // @ts-expect-error: emit knows metadata
  client.emit(new AddCmd(), { unknown: 1 });
  // @ts-expect-error: and waits for nothing
  client.emit(new AddCmd(), { timeoutMs: 500 });
  // @ts-expect-error: a message is no pattern
  client.send(AddMessage.create(), { timeoutMS: 500 });
}

class Pattern {
  readonly cmd: string = 'sum';
}

export function patterns(client: CmdStreamClient): void {
  client.send('sum', [1, 2]);
  client.send({ cmd: 'sum', version: 1 }, []);
  client.send(new Pattern(), [1, 2]);
  client.emit(5, { unknown: 1 });
}

export function sendsMessages(client: CmdStreamClient<typeof messages>): void {
  void client.execute(AddMessage.create({ A: 2n }));
  // @ts-expect-error: this message is not in the contract
  void client.execute(EchoMessage.create());
}

/** Made with a contract, a client knows it; one that does not takes any Command. */
export function made(): void {
  const nest = new CmdStreamClient({ contract: calcContract, port: 3000 });
  const core = new CommandClient({ contract: calcContract });
  const untyped = new CmdStreamClient({ port: 3000 });
  assert<Equal<typeof nest, CmdStreamClient<Calc>>>();
  assert<Equal<typeof core, CommandClient<Calc>>>();
  assert<Equal<typeof untyped, CmdStreamClient>>();
  void untyped.execute(new OutsideCmd());
  // For code that takes any client, as a client of any contract.
  sends(untyped, new CommandClient({ contract: anyContract }));
  mistakes(nest);
}

@Injectable()
export class Gateway {
  @InjectCmdStreamClient() readonly property!: CmdStreamClient<Calc>;

  constructor(
    @InjectCmdStreamClient() readonly client: CmdStreamClient<Calc>,
    @Inject('CALC') readonly other: CmdStreamClient<Calc>,
  ) {}

  call<C extends CommandOf<Calc>>(command: C) {
    return this.client.iterate(command, { timeoutMs: 100 });
  }
}

// What tells the compiler of a Command is for it alone: an editor would offer what is exported as members.
// @ts-expect-error: its Results
export type { RESULT } from '../../lib/contract/command.js';
// @ts-expect-error: its Receiver
export type { RECEIVER } from '../../lib/contract/command.js';
// @ts-expect-error: how many Results it has
export type { COUNT } from '../../lib/contract/command.js';
