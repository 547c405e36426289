// This package with a contract: `execute`, `send`, streams, in each of its codecs, with and without enhancers.
import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { Controller, type Type, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import {
  CmdStreamClient,
  CmdStreamServer,
  type CodecFactory,
  CommandHandler,
  type CommandServer,
  jsonCodec,
} from 'nestjs-cmd-stream';
import { firstValueFrom } from 'rxjs';
import { checkMixed, checkText, mixedPayloads, texts, type Workload } from '../workload.js';
import { type Calling, type Contestant, inTurn, type Serving } from './contestant.js';
import { codec as mus, contract, CountCmd, Echo, EchoCmd, Item, MixedCmd, MixedEcho } from './contract.js';
import { AllowGuard, PassInterceptor, PassPipe } from './enhancers.js';
import { host, microservice, portOf } from './nest-app.js';

const NO_BOUND = 1_000_000;

/** The controllers are made for a workload: a handler that need not wait is no async function. */
function plainController({ delayMs }: Workload): Type {
  @Controller()
  class PlainController {
    @CommandHandler(EchoCmd)
    echo({ text }: EchoCmd): Echo | Promise<Echo> {
      const echo = new Echo(text);
      return delayMs > 0 ? delay(delayMs, echo) : echo;
    }

    @CommandHandler(MixedCmd)
    mixed({ Bool, Int64, String, Float64 }: MixedCmd): MixedEcho | Promise<MixedEcho> {
      const echo = new MixedEcho(Bool, Int64, String, Float64);
      return delayMs > 0 ? delay(delayMs, echo) : echo;
    }

    @CommandHandler(CountCmd)
    async *count({ results }: CountCmd): AsyncGenerator<Item> {
      for (let n = 0; n < results; n++) yield new Item(n, n === results - 1);
    }
  }
  return PlainController;
}

function enhancedController(): Type {
  @Controller()
  @UseGuards(AllowGuard)
  @UseInterceptors(PassInterceptor)
  @UsePipes(PassPipe)
  class EnhancedController {
    @CommandHandler(EchoCmd)
    echo({ text }: EchoCmd): Echo {
      return new Echo(text);
    }
  }
  return EnhancedController;
}

async function serve(controller: Type, { inFlight }: Workload, codec: CodecFactory): Promise<Serving> {
  const limits = inFlight > 1000 ? { maxInFlight: NO_BOUND, maxInFlightPerConnection: NO_BOUND } : {};
  const strategy = new CmdStreamServer({ host, port: 0, contract, codec, ...limits });
  const app = await microservice(controller, { strategy });
  return { port: portOf(app.unwrap<CommandServer>().address), close: () => app.close() };
}

type Client = CmdStreamClient<typeof contract>;
type MakeCall = (client: Client, workload: Workload) => () => Promise<void>;

async function connect(port: number, workload: Workload, codec: CodecFactory, make: MakeCall): Promise<Calling> {
  const client = new CmdStreamClient({
    host,
    port,
    contract,
    codec,
    connectionsPerServer: workload.connections,
    dispatchStrategy: workload.strategy,
  });
  await client.connect();
  return { call: make(client, workload), units: workload.results, close: () => client.close() };
}

const executeEcho: MakeCall = (client, { payload }) => {
  if (payload === 'mixed') {
    const mixed = inTurn(mixedPayloads.map((sent) => new MixedCmd(sent.Bool, sent.Int64, sent.String, sent.Float64)));
    return async () => {
      const sent = mixed();
      checkMixed(sent, await client.execute(sent));
    };
  }
  const text = inTurn(texts(payload));
  return async () => {
    const sent = text();
    checkText(sent, await client.execute(new EchoCmd(sent)));
  };
};

const sendEcho: MakeCall = (client, { payload }) => {
  const text = inTurn(texts(Number(payload)));
  return async () => {
    const sent = text();
    checkText(sent, await firstValueFrom(client.send(new EchoCmd(sent))));
  };
};

function checkItem(item: Item, at: number): void {
  if (item.n !== at) throw new Error(`expected item ${at}, got ${JSON.stringify(item)}`);
}

function checkCount(taken: number, { results }: Workload): void {
  if (taken !== results) throw new Error(`expected ${results} items, got ${taken}`);
}

const sendStream: MakeCall = (client, workload) => async () => {
  let taken = 0;
  await client.send(new CountCmd(workload.results)).forEach((item) => checkItem(item, taken++));
  checkCount(taken, workload);
};

const iterateStream: MakeCall = (client, workload) => async () => {
  let taken = 0;
  for await (const item of client.iterate(new CountCmd(workload.results))) checkItem(item, taken++);
  checkCount(taken, workload);
};

function contestant(make: MakeCall, codec: CodecFactory = jsonCodec(), controller = plainController): Contestant {
  return {
    serve: (workload) => serve(controller(workload), workload, codec),
    connect: (port, workload) => connect(port, workload, codec, make),
  };
}

export const execute = contestant(executeEcho);
export const send = contestant(sendEcho);
export const executeMus = contestant(executeEcho, mus);
export const executeEnhanced = contestant(executeEcho, jsonCodec(), enhancedController);
export const streamSend = contestant(sendStream);
export const streamIterate = contestant(iterateStream);
