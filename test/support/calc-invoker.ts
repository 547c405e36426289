// Runs the Commands of the vector contract at once, as the peer that recorded the wire vectors did.
import type { CommandInvoker } from '../../lib/core.js';
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
} from './vector-contract.js';

export const calcInvoker: CommandInvoker = {
  invoke(command, _context, sink) {
    if (command instanceof AddCmd) sink.next(new CalcResult(Number(command.A) + Number(command.B)));
    if (command instanceof SubCmd) sink.next(new CalcResult(Number(command.A) - Number(command.B)));
    if (command instanceof FloatCmd) sink.next(new CalcResult(Math.trunc(command.X)));
    if (command instanceof EchoCmd) sink.next(new EchoResult(command.text));
    if (command instanceof CountCmd) {
      for (let at = 0; at < command.N; at++) sink.next(new CountResult(at, at === command.N - 1));
    }
    if (command instanceof FailCmd) throw new Error('intentional failure');
    sink.complete();
  },
};
