// A guard that tells clients apart by the certificates they have: which of them may send which Command.
import { Controller, Injectable, Module, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { CmdStreamContext, CommandHandler } from 'nestjs-cmd-stream';
import { OrderTaken, TakeOrder } from './orders.js';

/** The names of the clients that may call the handler. */
export const CalledBy = Reflector.createDecorator<string[]>();

@Injectable()
export class CalledByGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext) {
    const names = this.reflector.get(CalledBy, context.getHandler()) ?? [];
    const { peer } = context.switchToRpc().getContext<CmdStreamContext>();
    return peer.alternativeNames.dns.some((name) => names.includes(name));
  }
}

@Controller()
@UseGuards(CalledByGuard)
export class GuardedOrdersController {
  @CommandHandler(TakeOrder)
  @CalledBy(['shop.example.com'])
  take({ pieces }: TakeOrder) {
    return new OrderTaken(pieces);
  }
}

@Module({ controllers: [GuardedOrdersController] })
export class GuardedOrdersModule {}
