// Compiled, never run: what the types of Protobuf contracts, their calls and their handlers allow, and what they
// refuse.
import { create } from '@bufbuild/protobuf';
import { Controller } from '@nestjs/common';
import { CmdStreamContext, CommandHandler, Invoker, type CmdStreamClient } from 'nestjs-cmd-stream';
import type { CommandClient } from 'nestjs-cmd-stream/core';
import { protobufType } from 'nestjs-cmd-stream/protobuf';
import { of, type Observable } from 'rxjs';
import type * as other from '../fixtures/protobuf/gen-ts-proto/vectors.js';
import * as pb from '../fixtures/protobuf/gen/vectors_pb.js';
import { AddCmd, CalcResult, EchoCmd, EchoResult } from '../support/protobuf-contract.js';
import { AddCmd as OtherAddCmd, CalcResult as OtherResult } from '../support/ts-proto-contract.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function assert<T extends true>(): T | undefined {
  return undefined;
}

const Either = protobufType(pb.SubCmdSchema, { result: [pb.CalcResultSchema, pb.EchoResultSchema] });
const Untyped = protobufType(pb.SubCmdSchema);

export function calls(client: CmdStreamClient, core: CommandClient, otherCommand: other.AddCmd): void {
  const added = client.execute(AddCmd.create({ A: 2n, B: 3n }), { timeoutMs: 100 });
  const echoes = client.send(EchoCmd.create({ protoData: { String: 'hello' } }));
  const either = core.execute(Either.create());
  const untyped = core.execute(Untyped.create());
  const bySchema = client.execute(create(pb.AddCmdSchema, { A: 2n }));
  const emitted = client.emit(AddCmd.create());
  const iterated = client.iterate(EchoCmd.create());
  const ofOther = client.execute(OtherAddCmd.create(otherCommand));
  assert<Equal<typeof added, Promise<pb.CalcResult>>>();
  assert<Equal<typeof echoes, Observable<pb.EchoResult>>>();
  assert<Equal<typeof either, Promise<pb.CalcResult | pb.EchoResult>>>();
  assert<Equal<typeof untyped, Promise<unknown>>>();
  assert<Equal<typeof bySchema, Promise<unknown>>>();
  assert<Equal<typeof emitted, Observable<void>>>();
  assert<Equal<typeof iterated, AsyncIterableIterator<pb.EchoResult, undefined>>>();
  assert<Equal<typeof ofOther, Promise<other.CalcResult>>>();
  core.dispatch(AddCmd.create(), { next: ({ R }) => assert<Equal<typeof R, bigint>>(), complete() {}, error() {} });

  // @ts-expect-error: an int64 is a bigint
  AddCmd.create({ A: 2 });
  // @ts-expect-error: there is no such field
  AddCmd.create({ C: 2n });
  // @ts-expect-error: fields alone are no message
  void client.execute({ A: 2n, B: 3n });
  // @ts-expect-error: nor is the type of one
  void client.execute(AddCmd);
  // @ts-expect-error: nothing says of which type this is
  void client.execute(otherCommand);
  // @ts-expect-error: lastOne looks at the fields of its message
  protobufType(pb.CalcResultSchema, { lastOne: ({ last }) => last });
}

@Controller()
export class Compiles {
  @CommandHandler(AddCmd)
  value({ A, B }: pb.AddCmd) {
    return CalcResult.create({ R: A + B });
  }

  @CommandHandler(AddCmd)
  async promise(_command: pb.AddCmd, _context: CmdStreamContext) {
    return create(pb.CalcResultSchema);
  }

  @CommandHandler(AddCmd)
  decorated(_command: pb.AddCmd, _context: CmdStreamContext, _caller: string) {
    return CalcResult.create();
  }

  @CommandHandler(AddCmd)
  decoratedBeforeContext(_command: pb.AddCmd, _caller: string, _context: CmdStreamContext) {
    return CalcResult.create();
  }

  @CommandHandler(EchoCmd)
  observable() {
    return of(EchoResult.create());
  }

  @CommandHandler(EchoCmd)
  async *generator({ protoData }: pb.EchoCmd) {
    yield EchoResult.create({ protoData });
  }

  @CommandHandler(Either)
  async *either() {
    yield CalcResult.create();
    yield EchoResult.create();
  }

  @CommandHandler(OtherAddCmd)
  ofOther({ A, B }: other.AddCmd): other.CalcResult {
    return OtherResult.create({ $type: 'vectors.CalcResult', R: A + B });
  }
}

@Controller()
export class Refused {
  // @ts-expect-error: this is another message
  @CommandHandler(AddCmd)
  otherMessage(_command: pb.EchoCmd) {
    return CalcResult.create();
  }

  // @ts-expect-error: the message comes first
  @CommandHandler(AddCmd)
  otherOrder(_context: CmdStreamContext, _command: pb.AddCmd) {
    return CalcResult.create();
  }

  // @ts-expect-error: a message is answered
  @CommandHandler(AddCmd)
  nothing() {}

  // @ts-expect-error: the Result of another Command
  @CommandHandler(AddCmd)
  otherResult() {
    return EchoResult.create();
  }

  // @ts-expect-error: fields alone are no message
  @CommandHandler(AddCmd)
  fields() {
    return { R: 5n };
  }

  // @ts-expect-error: an Observable of another Result
  @CommandHandler(EchoCmd)
  observable() {
    return of(CalcResult.create());
  }
}

// @ts-expect-error: a schema is no type of a contract
export const ofSchema = CommandHandler(pb.AddCmdSchema);
// @ts-expect-error: a message cannot run itself
export const noExec = Invoker(Object, [AddCmd]);
