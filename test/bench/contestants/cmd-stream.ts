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
  type Instrumentation,
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

/** What one contestant has in the place of the usual. */
export interface Kind {
  readonly codec?: CodecFactory;
  readonly controller?: (workload: Workload) => Type;
  /** Asked once in each process, before its client or server is made. */
  readonly instrumentation?: () => Instrumentation | Instrumentation[];
}

async function serve(workload: Workload, kind: Kind): Promise<Serving> {
  const { codec = jsonCodec(), controller = plainController, instrumentation } = kind;
  const limits = workload.inFlight > 1000 ? { maxInFlight: NO_BOUND, maxInFlightPerConnection: NO_BOUND } : {};
  const watched = { instrumentation: instrumentation?.() };
  const strategy = new CmdStreamServer({ host, port: 0, contract, codec, ...limits, ...watched });
  const app = await microservice(controller(workload), { strategy });
  return { port: portOf(app.unwrap<CommandServer>().address), close: () => app.close() };
}

export type Client = CmdStreamClient<typeof contract>;
export type MakeCall = (client: Client, workload: Workload) => () => Promise<void>;

async function connect(port: number, workload: Workload, make: MakeCall, kind: Kind): Promise<Calling> {
  const { codec = jsonCodec(), instrumentation } = kind;
  const client = new CmdStreamClient({
    host,
    port,
    contract,
    codec,
    connectionsPerServer: workload.connections,
    dispatchStrategy: workload.strategy,
    instrumentation: instrumentation?.(),
  });
  await client.connect();
  return { call: make(client, workload), units: workload.results, close: () => client.close() };
}

export const executeEcho: MakeCall = (client, { payload }) => {
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

export function contestant(make: MakeCall, kind: Kind = {}): Contestant {
  return {
    serve: (workload) => serve(workload, kind),
    connect: (port, workload) => connect(port, workload, make, kind),
  };
}

export const execute = contestant(executeEcho);
export const send = contestant(sendEcho);
export const executeMus = contestant(executeEcho, { codec: mus });
export const executeEnhanced = contestant(executeEcho, { controller: enhancedController });
export const streamSend = contestant(sendStream);
export const streamIterate = contestant(iterateStream);
