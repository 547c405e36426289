// The Commands and Results that our peers and the Go peers share, see test/interop. No behaviour.
import { Command } from '../../lib/contract/command.js';
import { defineContract } from '../../lib/contract/contract.js';
import {
  AddCmd,
  CalcResult,
  CountCmd,
  CountResult,
  EchoCmd,
  EchoResult,
  FailCmd,
  FloatCmd,
  SubCmd,
  TraceCmd,
} from './vector-contract.js';

/** Takes `Ms` milliseconds. */
export class SlowCmd extends Command<CalcResult> {
  constructor(readonly Ms = 0) {
    super();
  }
}

export const interopContract = defineContract({
  commands: [AddCmd, SubCmd, CountCmd, EchoCmd, FailCmd, FloatCmd, TraceCmd, SlowCmd],
  results: [CalcResult, CountResult, EchoResult],
});
