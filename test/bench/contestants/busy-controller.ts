// A handler that keeps a core busy for some 50 µs.
import 'reflect-metadata';
import { Controller } from '@nestjs/common';
import { CommandHandler } from 'nestjs-cmd-stream';
import { Echo, EchoCmd } from './contract.js';

const STEPS = 40_000;

/** The same work for every Command, whatever else the core does meanwhile: a clock would count that as well. */
function work(): number {
  let hash = 0;
  for (let step = 0; step < STEPS; step++) hash = Math.imul(hash ^ step, 16_777_619);
  return hash;
}

@Controller()
export class BusyController {
  worked = 0;

  @CommandHandler(EchoCmd)
  echo({ text }: EchoCmd): Echo {
    this.worked ^= work();
    return new Echo(text);
  }
}
