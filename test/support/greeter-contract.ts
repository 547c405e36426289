// The contracts of the MUS frames and sessions of the wire vectors, and how the vectors write their values.
import { Command, defineContract, Result, type Codec, StreamCommand } from 'nestjs-cmd-stream/core';
import { mus, musCodec } from 'nestjs-cmd-stream/mus';

export class Greeting extends Result {
  constructor(readonly Str = '') {
    super();
  }
}

export class SayHelloCmd extends Command<Greeting> {
  constructor(readonly Str = '') {
    super();
  }
}

export class SayFancyHelloCmd extends Command<Greeting> {
  constructor(readonly Str = '') {
    super();
  }
}

/** A Command wrapped for tracing, Go: `otelcmd.TraceCmd[Greeter, SayHelloCmd]`. */
export class TraceCmd extends Command<Greeting> {
  constructor(
    readonly carrier: ReadonlyMap<string, string> | null = null,
    readonly cmd = new SayHelloCmd(),
  ) {
    super();
  }
}

export class UnregisteredCmd extends Command<Greeting> {}

export class SayFancyHelloMultiCmd extends StreamCommand<GreetingPart> {
  constructor(readonly str = '') {
    super();
  }
}

/** Go: `Greeting` of the server-streaming example. */
export class GreetingPart extends Result {
  constructor(
    readonly str = '',
    readonly last = false,
  ) {
    super();
  }

  override lastOne(): boolean {
    return this.last;
  }
}

const tooLarge = (length: number) => {
  if (length > 1000) throw new Error('too large');
};
const text = mus.string.with({ checkLength: tooLarge });
const sayHello = mus.struct(SayHelloCmd, { Str: text });

export const greeterContract = defineContract({
  commands: [SayHelloCmd, SayFancyHelloCmd, TraceCmd],
  results: [Greeting],
});
export const greeterCodec = musCodec({
  commands: {
    1: sayHello,
    2: mus.struct(SayFancyHelloCmd, { Str: text }),
    10: mus.struct(TraceCmd, { carrier: mus.ptr(mus.map(mus.string, mus.string)), cmd: sayHello }),
  },
  results: [mus.struct(Greeting, { Str: mus.string })],
});

export const streamingContract = defineContract({ commands: [SayFancyHelloMultiCmd], results: [GreetingPart] });
export const streamingCodec = musCodec({
  commands: [mus.struct(SayFancyHelloMultiCmd, { str: text })],
  results: [mus.struct(GreetingPart, { str: mus.string, last: mus.bool })],
});

interface FrameData {
  readonly Str?: string;
  readonly str?: string;
  readonly lastOne?: boolean;
  readonly carrier?: readonly [string, string][] | null;
  readonly cmd?: { readonly Str: string };
}

const makers: Readonly<Record<string, (data: FrameData & string) => unknown>> = {
  SayHelloCmd: ({ Str }) => new SayHelloCmd(Str),
  SayFancyHelloCmd: ({ Str }) => new SayFancyHelloCmd(Str),
  'TraceCmd<SayHelloCmd>': ({ carrier, cmd }) => new TraceCmd(carrier && new Map(carrier), new SayHelloCmd(cmd?.Str)),
  SayFancyHelloMultiCmd: ({ str }) => new SayFancyHelloMultiCmd(str),
  unregisteredGreet: () => new UnregisteredCmd(),
};

/** A value of the vectors, as an instance of its class. */
export function frameValue(type: string, data: unknown): unknown {
  if (type === 'Greeting' && typeof data === 'string') return new Greeting(data);
  const { str, lastOne } = (data ?? {}) as FrameData;
  const make = type === 'Greeting' ? () => new GreetingPart(str, lastOne) : makers[type];
  if (make === undefined) throw new Error(`no class for ${type}`);
  return make(data as never);
}

export const greeter: Codec = greeterCodec(greeterContract);
export const streaming: Codec = streamingCodec(streamingContract);
