import { Controller } from '@nestjs/common';
import { CommandHandler } from 'nestjs-cmd-stream';
import { AddCmd, CalcResult, SubCmd } from './calc.contract.js';

@Controller()
export class CalcController {
  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    return new CalcResult(A + B);
  }

  @CommandHandler(SubCmd)
  sub({ A, B }: SubCmd) {
    return new CalcResult(A - B);
  }
}
