import { Command, commandType, defineContract, mergeContracts, reserved, Result } from 'nestjs-cmd-stream/core';

export class CalcResult extends Result {
  constructor(readonly value = 0) {
    super();
  }
}

export class AddCmd extends Command<CalcResult> {
  constructor(
    readonly a = 0,
    readonly b = 0,
  ) {
    super();
  }
}

export class SubCmd extends AddCmd {}
export class NegateCmd extends Command<CalcResult> {}

export const calcContract = defineContract({
  commands: {
    0: commandType(AddCmd, { name: 'calc.Add', idempotent: true }),
    1: reserved, // was calc.Mul
    2: commandType(SubCmd, { deprecated: 'send an AddCmd' }),
  },
  results: { 0: CalcResult },
});

export const signContract = defineContract({
  commands: { 20: NegateCmd },
  results: { 0: CalcResult },
});

export const contract = mergeContracts(calcContract, signContract);
