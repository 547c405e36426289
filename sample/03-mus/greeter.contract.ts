import { Command, defineContract, Result, StreamCommand } from 'nestjs-cmd-stream';
import { mus, musCodec } from 'nestjs-cmd-stream/mus';

// Go: type Greeting string. A struct of one field is written as the field alone.
export class Greeting extends Result {
  constructor(readonly text = '') {
    super();
  }
}

export class Word extends Result {
  constructor(
    readonly text = '',
    readonly last = false,
  ) {
    super();
  }

  override lastOne() {
    return this.last;
  }
}

export class SayHelloCmd extends Command<Greeting> {
  constructor(readonly name = '') {
    super();
  }
}

export class SayWordsCmd extends StreamCommand<Word> {
  constructor(readonly words: readonly string[] = []) {
    super();
  }
}

export const greeterContract = defineContract({ commands: [SayHelloCmd, SayWordsCmd], results: [Greeting, Word] });

const name = mus.string.with({ maxLength: 1_000 });

// The numbers of the types count from 1, as in Go's generated code.
export const greeterCodec = musCodec({
  commands: [
    mus.struct(SayHelloCmd, { name }),
    mus.struct(SayWordsCmd, { words: mus.slice(mus.string, { maxLength: 100 }) }),
  ],
  results: [mus.struct(Greeting, { text: mus.string }), mus.struct(Word, { text: mus.string, last: mus.bool })],
});
