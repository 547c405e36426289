import { Controller } from '@nestjs/common';
import { CommandHandler } from 'nestjs-cmd-stream';
import { Greeting, SayHelloCmd, SayWordsCmd, Word } from './greeter.contract.js';

@Controller()
export class GreeterController {
  @CommandHandler(SayHelloCmd)
  hello({ name }: SayHelloCmd) {
    return new Greeting(`Hello ${name}`);
  }

  @CommandHandler(SayWordsCmd)
  async *words({ words }: SayWordsCmd) {
    for (const [at, word] of words.entries()) yield new Word(word, at === words.length - 1);
  }
}
