// A Nest application that serves the contract of the Go peers (go/contract).
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { CommandHandler, CmdStreamContext, CmdStreamServer, type CommandServer } from 'nestjs-cmd-stream';
import { interopContract, SlowCmd } from '../support/interop-contract.js';
import {
  AddCmd,
  CalcResult,
  CountCmd,
  CountResult,
  EchoCmd,
  EchoResult,
  FailCmd,
  FloatCmd,
  SubCmd,
  TraceCmd,
} from '../support/vector-contract.js';

@Controller()
export class InteropController {
  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    return new CalcResult(Number(A) + Number(B));
  }

  @CommandHandler(SubCmd)
  sub({ A, B }: SubCmd) {
    return new CalcResult(Number(A) - Number(B));
  }

  @CommandHandler(CountCmd)
  async *count({ N }: CountCmd) {
    for (let i = 0; i < N; i++) yield new CountResult(i, i === N - 1);
  }

  @CommandHandler(EchoCmd)
  echo({ text }: EchoCmd) {
    return new EchoResult(text);
  }

  @CommandHandler(FailCmd)
  fail(): CalcResult {
    throw new Error('intentional failure');
  }

  @CommandHandler(FloatCmd)
  float({ X }: FloatCmd) {
    return new CalcResult(Math.trunc(X));
  }

  @CommandHandler(TraceCmd)
  trace({ Cmd }: TraceCmd) {
    return new CalcResult(Number(Cmd.A) + Number(Cmd.B));
  }

  @CommandHandler(SlowCmd)
  async slow({ Ms }: SlowCmd, context: CmdStreamContext) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Ms);
      context.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    return new CalcResult(Ms);
  }
}

@Module({ controllers: [InteropController] })
class InteropModule {}

/** `before` is called before it listens. */
export async function startNestServer(
  options: Partial<ConstructorParameters<typeof CmdStreamServer>[0]> = {},
  before: (strategy: CmdStreamServer) => void = () => {},
) {
  const strategy = new CmdStreamServer({ host: '127.0.0.1', port: 0, contract: interopContract, ...options });
  before(strategy);
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(InteropModule, { strategy, logger: false });
  await app.listen();
  return { app, port: app.unwrap<CommandServer>().address!.port };
}
