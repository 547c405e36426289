// The examples hello-world and server-streaming of the reference in MUS (go/hello, go/streaming), classic style.
import { Command, defineContract, Result, StreamCommand } from 'nestjs-cmd-stream';
import { mus, musCodec } from 'nestjs-cmd-stream/mus';

/** The Receiver, of which the Commands know no more than this; a class, because Nest injects it by its class. */
export abstract class Greeter {
  abstract interjection(): string;
  abstract adjective(): string;
  abstract join(...words: readonly string[]): string;
}

export class EnglishGreeter extends Greeter {
  interjection(): string {
    return 'Hello';
  }

  adjective(): string {
    return 'incredible';
  }

  join(...words: readonly string[]): string {
    return words.join(' ');
  }
}

/** Go: `type Greeting string`. */
export class Greeting extends Result {
  constructor(readonly text = '') {
    super();
  }
}

export class SayHelloCmd extends Command<Greeting, Greeter> {
  constructor(readonly Str = '') {
    super();
  }

  override exec(to: Greeter) {
    return new Greeting(to.join(to.interjection(), this.Str));
  }
}

export class SayFancyHelloCmd extends Command<Greeting, Greeter> {
  constructor(readonly Str = '') {
    super();
  }

  override exec(to: Greeter) {
    return new Greeting(to.join(to.interjection(), to.adjective(), this.Str));
  }
}

/** A SayHelloCmd that carries trace headers. */
export class TracedHelloCmd extends Command<Greeting, Greeter> {
  constructor(
    readonly carrier: ReadonlyMap<string, string> | null = null,
    readonly cmd = new SayHelloCmd(),
  ) {
    super();
  }

  override exec(to: Greeter) {
    return this.cmd.exec(to);
  }
}

/** Go: `Greeting` of the server-streaming example. */
export class GreetingPart extends Result {
  constructor(
    readonly Str = '',
    readonly Last = false,
  ) {
    super();
  }

  override lastOne(): boolean {
    return this.Last;
  }
}

export class SayFancyHelloMultiCmd extends StreamCommand<GreetingPart, Greeter> {
  constructor(readonly Str = '') {
    super();
  }

  override async *exec(to: Greeter) {
    yield new GreetingPart(to.interjection());
    yield new GreetingPart(to.adjective());
    yield new GreetingPart(this.Str, true);
  }
}

const text = mus.string.with({ maxLength: 1000 });
const sayHello = mus.struct(SayHelloCmd, { Str: text });

export const helloCommands = [SayHelloCmd, SayFancyHelloCmd, TracedHelloCmd] as const;
export const helloContract = defineContract({ commands: [...helloCommands], results: [Greeting] });
export const helloCodec = musCodec({
  commands: {
    1: sayHello,
    2: mus.struct(SayFancyHelloCmd, { Str: text }),
    10: mus.struct(TracedHelloCmd, { carrier: mus.ptr(mus.map(text, text, { maxLength: 64 })), cmd: sayHello }),
  },
  results: [mus.struct(Greeting, { text })],
});

export const streamingCommands = [SayFancyHelloMultiCmd] as const;
export const streamingContract = defineContract({ commands: [...streamingCommands], results: [GreetingPart] });
export const streamingCodec = musCodec({
  commands: [mus.struct(SayFancyHelloMultiCmd, { Str: text })],
  results: [mus.struct(GreetingPart, { Str: text, Last: mus.bool })],
});
