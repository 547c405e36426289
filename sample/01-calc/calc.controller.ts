import { Controller } from '@nestjs/common';
import { CommandHandler } from 'nestjs-cmd-stream';
import { AddCmd, CalcResult, Prime, PrimesCmd, SubCmd } from './calc.contract.js';
import { Calc } from './calc.js';

@Controller()
export class CalcController {
  constructor(private readonly calc: Calc) {}

  @CommandHandler(SubCmd)
  sub({ A, B }: SubCmd) {
    return new CalcResult(this.calc.sub(A, B));
  }

  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    return new CalcResult(this.calc.add(A, B));
  }

  @CommandHandler(PrimesCmd)
  async *primes({ Count }: PrimesCmd) {
    for (const prime of this.calc.primes(Count)) yield new Prime(prime, --Count <= 0);
  }
}
