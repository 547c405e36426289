// One trace across an HTTP request, a Nest gateway, a Nest service and a Go service, and from a Go client into Nest:
// the ids of parents and children, as each side records them.
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { Controller, Get, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  CmdStreamClient,
  CmdStreamServer,
  Command,
  CommandHandler,
  defineContract,
  InjectCmdStreamClient,
  CmdStreamModule,
  jsonCodec,
  Result,
  StreamCommand,
  traceCommand,
  type CodecFactory,
  type CommandServer,
} from 'nestjs-cmd-stream';
import { mus, musCodec } from 'nestjs-cmd-stream/mus';
import { otel } from 'nestjs-cmd-stream/otel';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { lastValueFrom, toArray, type Observable } from 'rxjs';
import { until } from '../support/deadline.js';
import { OtelMemory, parentOf } from '../support/otel-memory.js';
import { describeUnless } from '../support/unless.js';
import { GoPeers, reasonToSkipGo } from './go-peer.js';

const BUILD_TIMEOUT_MS = 300_000;

/** As of Go: a bare number in JSON. */
class CalcResult extends Result {
  constructor(readonly value = 0) {
    super();
  }

  static fromJSON(value: unknown): CalcResult {
    return new CalcResult(Number(value));
  }

  toJSON(): number {
    return this.value;
  }
}

class AddCmd extends Command<CalcResult> {
  constructor(
    readonly A = 0,
    readonly B = 0,
  ) {
    super();
  }
}

class TracedAddCmd extends traceCommand(AddCmd) {}
const goContract = defineContract({ commands: [AddCmd, TracedAddCmd], results: [CalcResult] });
const addSerializer = mus.struct(AddCmd, { A: mus.varint.int, B: mus.varint.int });
const goCodecs: Readonly<Record<'json' | 'mus', CodecFactory>> = {
  json: jsonCodec(),
  mus: musCodec({
    commands: [
      addSerializer,
      mus.struct(TracedAddCmd, { carrier: mus.ptr(mus.map(mus.string, mus.string)), command: addSerializer }),
    ],
    results: [mus.struct(CalcResult, { value: mus.varint.int })],
  }),
};

/** Answered by the Nest service, which asks the Go service. */
class TwiceCmd extends Command<CalcResult> {
  constructor(readonly n = 0) {
    super();
  }
}

class TimesCmd extends StreamCommand<CalcResult> {
  constructor(readonly n = 0) {
    super();
  }
}

const nestContract = defineContract({ commands: [TwiceCmd, TimesCmd], results: [CalcResult] });
const memory = new OtelMemory();
const tracer = trace.getTracer('test');

@Controller()
class ServiceController {
  constructor(@InjectCmdStreamClient('go') private readonly go: CmdStreamClient<typeof goContract>) {}

  @CommandHandler(TwiceCmd)
  async twice({ n }: TwiceCmd): Promise<CalcResult> {
    return this.go.execute(new TracedAddCmd(new AddCmd(n, n)));
  }

  /** In the body of a generator, behind an await. */
  @CommandHandler(TimesCmd)
  async *times({ n }: TimesCmd): AsyncIterable<CalcResult> {
    yield await this.go.execute(new TracedAddCmd(new AddCmd(n, 0)));
  }

  @MessagePattern({ cmd: 'twice' })
  async byPattern(@Payload() n: number): Promise<number> {
    return (await this.go.execute(new TracedAddCmd(new AddCmd(n, n)))).value;
  }
}

@Controller()
class GatewayController {
  constructor(@InjectCmdStreamClient('service') private readonly service: CmdStreamClient<typeof nestContract>) {}

  @Get('execute')
  async execute(): Promise<string> {
    return String((await this.service.execute(new TwiceCmd(4))).value);
  }

  @Get('stream')
  async stream(): Promise<string> {
    const all = await lastValueFrom(this.service.send(new TimesCmd(8)).pipe(toArray()));
    return String(all[0]!.value);
  }

  @Get('pattern')
  pattern(): Observable<number> {
    return this.service.send<number>({ cmd: 'twice' }, 4);
  }
}

describeUnless(reasonToSkipGo(), 'a trace', () => {
  const go = new GoPeers();
  const closers: (() => Promise<unknown>)[] = [];

  beforeAll(() => {
    memory.tracerProvider.register();
    go.build();
  }, BUILD_TIMEOUT_MS);

  afterAll(() => {
    go.dispose();
    trace.disable();
    context.disable();
    propagation.disable();
  });

  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
    memory.clear();
  });

  const closing = <T extends INestApplicationContext>(app: T): T => {
    closers.push(() => app.close());
    return app;
  };

  /** A Nest server on a port of its own. */
  async function serve(module: object, strategy: CmdStreamServer): Promise<number> {
    const app = closing(await NestFactory.createMicroservice<MicroserviceOptions>(module, { strategy, logger: false }));
    await app.listen();
    return app.unwrap<CommandServer>().address!.port;
  }

  /** HTTP in front, Go at the end; requests are spans, as instrumentation of HTTP makes them. */
  async function gateway(codec: 'json' | 'mus') {
    const goServer = await go.serveTraced(codec);
    closers.push(() => goServer.stop());
    const instrumentation = otel();
    const host = '127.0.0.1';

    @Module({
      imports: [
        CmdStreamModule.register([
          { name: 'go', host, port: goServer.port, contract: goContract, codec: goCodecs[codec], instrumentation },
        ]),
      ],
      controllers: [ServiceController],
    })
    class ServiceModule {}

    const strategy = new CmdStreamServer({ host, port: 0, contract: nestContract, instrumentation });
    const port = await serve(ServiceModule, strategy);

    @Module({
      imports: [CmdStreamModule.register([{ name: 'service', host, port, contract: nestContract, instrumentation }])],
      controllers: [GatewayController],
    })
    class GatewayModule {}

    const app = closing(await NestFactory.create(GatewayModule, { logger: false }));
    app.use((request: { url: string; headers: object }, response: NodeJS.EventEmitter, next: () => void) => {
      const parent = propagation.extract(context.active(), request.headers);
      tracer.startActiveSpan(`GET ${request.url}`, { kind: SpanKind.SERVER }, parent, (span) => {
        response.once('finish', () => span.end());
        next();
      });
    });
    await app.listen(0, host);
    return { url: await app.getUrl(), goServer };
  }

  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const spanId = '00f067aa0ba902b7';
  const traceparent = `00-${traceId}-${spanId}-01`;

  it.each([
    ['json', 'execute', 'TwiceCmd'],
    ['mus', 'execute', 'TwiceCmd'],
    ['json', 'stream', 'TimesCmd'],
    ['json', 'pattern', '{"cmd":"twice"}'],
  ] as const)('goes from HTTP through two Nest applications into Go: %s, %s', async (codec, path, name) => {
    const { url, goServer } = await gateway(codec);
    const response = await fetch(`${url}/${path}`, { headers: { traceparent } });
    expect(await response.text()).toBe('8');
    const request = await memory.span(`GET /${path}`);
    const sent = await memory.span(`Send ${name}`);
    const invoked = await memory.span(`Invoke ${name}`);
    const sentOn = await memory.span('Send AddCmd (trace)');
    await until('Go has ended its span', () => goServer.spans.length > 0);
    const [inGo] = goServer.spans;
    expect(memory.spans).toHaveLength(4);
    expect(memory.spans.map((span) => span.spanContext().traceId)).toEqual(Array(4).fill(traceId));
    expect(parentOf(request)).toBe(spanId);
    expect(parentOf(sent)).toBe(request.spanContext().spanId);
    expect(parentOf(invoked)).toBe(sent.spanContext().spanId);
    expect(parentOf(sentOn)).toBe(invoked.spanContext().spanId);
    expect(inGo).toMatchObject({
      Name: 'Invoke AddCmd (trace)',
      TraceID: traceId,
      ParentID: sentOn.spanContext().spanId,
      Kind: 'server',
    });
    expect(sentOn.attributes).toMatchObject({ 'rpc.method': 'AddCmd', 'server.port': goServer.port });
  });

  it.each(['json', 'mus'] as const)(
    'goes from Go into Nest, where the handler of the Command is called: %s',
    async (codec) => {
      let active: string | undefined;

      @Controller()
      class CalcController {
        @CommandHandler(AddCmd)
        add({ A, B }: AddCmd): CalcResult {
          active = trace.getActiveSpan()?.spanContext().spanId;
          return new CalcResult(A + B);
        }
      }

      @Module({ controllers: [CalcController] })
      class CalcModule {}

      const strategy = new CmdStreamServer({
        host: '127.0.0.1',
        port: 0,
        contract: goContract,
        codec: goCodecs[codec],
        instrumentation: otel(),
      });
      const port = await serve(CalcModule, strategy);
      const [answer, sent] = await go.askTraced(codec, port, traceparent);
      expect(answer).toBe('5');
      expect(sent).toMatchObject({ TraceID: traceId, ParentID: spanId, Kind: 'client' });
      const invoked = await memory.span('Invoke AddCmd (trace)');
      expect(invoked.spanContext().traceId).toBe(traceId);
      expect(parentOf(invoked)).toBe(sent.SpanID);
      expect(active).toBe(invoked.spanContext().spanId);
    },
  );
});
