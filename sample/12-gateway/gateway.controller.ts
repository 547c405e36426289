import { Body, Controller, Get, Post } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { CmdStreamClient, InjectCmdStreamClient } from 'nestjs-cmd-stream';
import { CmdStreamHealthIndicator } from 'nestjs-cmd-stream/terminus';
import { Reserve, type stockContract } from './stock.contract.js';

@Controller('orders')
export class OrdersController {
  constructor(@InjectCmdStreamClient() private readonly stock: CmdStreamClient<typeof stockContract>) {}

  /** The pipe has made a Command of the body, and checked it. What fails gets its status by the filter. */
  @Post()
  order(@Body() command: Reserve) {
    return this.stock.execute(command);
  }
}

@Controller('health')
export class GatewayHealth {
  constructor(
    private readonly health: HealthCheckService,
    private readonly cmdStream: CmdStreamHealthIndicator,
    @InjectCmdStreamClient() private readonly stock: CmdStreamClient,
  ) {}

  /** Down while the service cannot be reached. */
  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.cmdStream.pingCheck('stock', this.stock)]);
  }
}
