import { setTimeout as delay } from 'node:timers/promises';
import { ConflictException, Controller, Get, NotFoundException } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { CmdStreamContext, CmdStreamServer, CommandHandler } from 'nestjs-cmd-stream';
import { CmdStreamHealthIndicator } from 'nestjs-cmd-stream/terminus';
import { Reserve, Reserved } from './stock.contract.js';

const FETCHING_MS = 60_000;

@Controller()
export class StockController {
  readonly #pieces = new Map([
    ['tea', 10],
    ['antiques', 1],
  ]);

  @CommandHandler(Reserve)
  async reserve({ item, pieces }: Reserve, { signal }: CmdStreamContext) {
    const there = this.#pieces.get(item);
    if (there === undefined) throw new NotFoundException(`no ${item} here`);
    if (pieces > there) throw new ConflictException(`only ${there} pieces left`);
    // Longer than any caller waits; the signal ends it when the caller is gone.
    if (item === 'antiques') await delay(FETCHING_MS, undefined, { signal });
    this.#pieces.set(item, there - pieces);
    return new Reserved(item, there - pieces);
  }
}

@Controller('health')
export class StockHealth {
  constructor(
    private readonly health: HealthCheckService,
    private readonly cmdStream: CmdStreamHealthIndicator,
    private readonly server: CmdStreamServer,
  ) {}

  /** Down while the service drains: it gets no more traffic. */
  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.cmdStream.servingCheck('commands', this.server)]);
  }
}
