import { Controller } from '@nestjs/common';
import { CommandHandler } from 'nestjs-cmd-stream';
import { AddCmd, CalcResult, Prime, PrimesCmd, SubCmd } from './calc.contract.js';
import { Calc } from './calc.js';
import type * as calc from './gen/calc_pb.js';

@Controller()
export class CalcController {
  constructor(private readonly calc: Calc) {}

  @CommandHandler(SubCmd)
  sub({ A, B }: calc.SubCmd) {
    return CalcResult.create({ R: this.calc.sub(A, B) });
  }

  @CommandHandler(AddCmd)
  add({ A, B }: calc.AddCmd) {
    return CalcResult.create({ R: this.calc.add(A, B) });
  }

  @CommandHandler(PrimesCmd)
  async *primes({ count }: calc.PrimesCmd) {
    for (const value of this.calc.primes(count)) yield Prime.create({ value, last: --count <= 0 });
  }
}
