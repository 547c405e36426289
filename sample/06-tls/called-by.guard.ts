import { type CanActivate, type ExecutionContext, ForbiddenException, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { CmdStreamContext } from 'nestjs-cmd-stream';

/** The names, in their certificates, of the clients that may call a handler. */
export const CalledBy = Reflector.createDecorator<string[]>();

@Injectable()
export class CalledByGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext) {
    const allowed = this.reflector.get(CalledBy, context.getHandler()) ?? [];
    const { peer } = context.switchToRpc().getContext<CmdStreamContext>();
    const names = peer.alternativeNames.dns;
    if (names.some((name) => allowed.includes(name))) return true;
    throw new ForbiddenException(`${names.join(', ')} may not do that`);
  }
}
