// The contract of the Go peers (go/calcpb) in Protobuf, and a Nest application that serves it.
import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  CmdStreamContext,
  CmdStreamServer,
  CommandHandler,
  defineContract,
  type CmdStreamServerOptions,
  type CommandServer,
} from 'nestjs-cmd-stream';
import { protobufCodec, protobufType } from 'nestjs-cmd-stream/protobuf';
import * as messages from '../fixtures/protobuf/gen/interop_pb.js';

export const AddCmd = protobufType(messages.AddCmdSchema, { result: messages.CalcResultSchema });
export const SubCmd = protobufType(messages.SubCmdSchema, { result: messages.CalcResultSchema });
export const EchoCmd = protobufType(messages.EchoCmdSchema, { result: messages.EchoResultSchema });
export const CountCmd = protobufType(messages.CountCmdSchema, { result: messages.CountResultSchema });
export const FailCmd = protobufType(messages.FailCmdSchema, { result: messages.CalcResultSchema });
export const SlowCmd = protobufType(messages.SlowCmdSchema, { result: messages.CalcResultSchema });
const CalcResult = protobufType(messages.CalcResultSchema);
const EchoResult = protobufType(messages.EchoResultSchema);
const CountResult = protobufType(messages.CountResultSchema, { lastOne: ({ Last }) => Last });

export const calcContract = defineContract({
  commands: [AddCmd, SubCmd, EchoCmd, CountCmd, FailCmd, SlowCmd],
  results: [CalcResult, EchoResult, CountResult],
});

@Controller()
class CalcController {
  @CommandHandler(AddCmd)
  add({ A, B }: messages.AddCmd) {
    return CalcResult.create({ R: A + B });
  }

  @CommandHandler(SubCmd)
  sub({ A, B }: messages.SubCmd) {
    return CalcResult.create({ R: A - B });
  }

  @CommandHandler(EchoCmd)
  echo({ protoData }: messages.EchoCmd) {
    return EchoResult.create(protoData && { protoData });
  }

  @CommandHandler(CountCmd)
  async *count({ N }: messages.CountCmd) {
    for (let I = 0n; I < N; I++) yield CountResult.create({ I, Last: I === N - 1n });
  }

  @CommandHandler(FailCmd)
  fail(): messages.CalcResult {
    throw new Error('intentional failure');
  }

  @CommandHandler(SlowCmd)
  async slow({ Ms }: messages.SlowCmd, { signal }: CmdStreamContext) {
    await delay(Number(Ms), undefined, { signal });
    return CalcResult.create({ R: Ms });
  }
}

@Module({ controllers: [CalcController] })
class CalcModule {}

export async function startProtobufServer(options: Partial<CmdStreamServerOptions> = {}) {
  const strategy = new CmdStreamServer({
    host: '127.0.0.1',
    port: 0,
    quietPeriodMs: 10,
    contract: calcContract,
    codec: protobufCodec(),
    ...options,
  });
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(CalcModule, { strategy, logger: false });
  await app.listen();
  return { app, port: app.unwrap<CommandServer>().address!.port };
}
