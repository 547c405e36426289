import { Controller } from '@nestjs/common';
import { CommandHandler } from 'nestjs-cmd-stream';
import { Square, Squared } from './square.contract.js';

@Controller()
export class SquareController {
  @CommandHandler(Square)
  square({ n }: Square) {
    return new Squared(n * n, process.pid);
  }
}
