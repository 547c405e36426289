// Nest's ClassSerializerInterceptor for everything but Results: those keep their classes, because the codec writes
// them.
import {
  ClassSerializerInterceptor,
  Inject,
  Injectable,
  Optional,
  type CallHandler,
  type ClassSerializerInterceptorOptions,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { commandOf } from './command-handler.decorator.js';

/**
 * Takes the place of a global `ClassSerializerInterceptor`: what handlers of Commands give stays as it is, because a
 * Result that became a plain object is of no class of the contract; answers over HTTP and by pattern are serialized as
 * by Nest's own. The JSON codec obeys `@Exclude` and `@Expose` of Results by itself. It may be a provider
 * (`APP_INTERCEPTOR`) or made by hand: `new CmdStreamSerializerInterceptor(app.get(Reflector))`.
 *
 * @publicApi
 */
@Injectable()
export class CmdStreamSerializerInterceptor implements NestInterceptor {
  readonly #others: ClassSerializerInterceptor;

  /** `options`: those of Nest's own interceptor. */
  constructor(@Inject('Reflector') reflector: unknown, @Optional() options: ClassSerializerInterceptorOptions = {}) {
    this.#others = new ClassSerializerInterceptor(reflector, options);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    if (commandOf(context.getHandler()) !== undefined) return next.handle();
    return this.#others.intercept(context, next);
  }
}
