// Validates Commands with class-validator. Unlike Nest's ValidationPipe it keeps the instance: a Command keeps its
// methods and its constructor is not called again.
import { BadRequestException, Injectable, Optional, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { getMetadataStorage, validate, type ValidationError, type ValidatorOptions } from 'class-validator';
import { Command } from '../../contract/command.js';

/** @publicApi */
export interface CommandValidationPipeOptions extends ValidatorOptions {
  /** Makes what is thrown; default: a BadRequestException with the list of messages. */
  exceptionFactory?: (errors: ValidationError[]) => unknown;
}

/**
 * Checks every Command that has class-validator rules; others pass at no cost. It may be a provider (`APP_PIPE`) or
 * made by hand (`app.useGlobalPipes`).
 *
 * @publicApi
 */
@Injectable()
export class CommandValidationPipe implements PipeTransform {
  readonly #options: ValidatorOptions;
  readonly #exceptionFactory: (errors: ValidationError[]) => unknown;
  readonly #hasRules = new WeakMap<object, boolean>();

  constructor(@Optional() { exceptionFactory, ...options }: CommandValidationPipeOptions = {}) {
    this.#options = { forbidUnknownValues: false, ...options };
    this.#exceptionFactory = exceptionFactory ?? ((errors) => new BadRequestException(messagesOf(errors)));
  }

  /** @throws what `exceptionFactory` makes */
  async transform(value: unknown, { type }: ArgumentMetadata): Promise<unknown> {
    if (type === 'custom' || !(value instanceof Command) || !this.#rules(value)) return value;
    const errors = await validate(value, this.#options);
    if (errors.length > 0) throw this.#exceptionFactory(errors);
    return value;
  }

  #rules(command: Command): boolean {
    const { constructor } = Object.getPrototypeOf(command) as { constructor: new () => Command };
    let known = this.#hasRules.get(constructor);
    if (known === undefined) {
      known = getMetadataStorage().getTargetValidationMetadatas(constructor, '', true, false).length > 0;
      this.#hasRules.set(constructor, known);
    }
    return known;
  }
}

function messagesOf(errors: readonly ValidationError[], path = ''): string[] {
  return errors.flatMap(({ property, constraints = {}, children = [] }) => {
    const own = Object.values(constraints).map((message) => (path === '' ? message : `${path}.${message}`));
    return [...own, ...messagesOf(children, path === '' ? property : `${path}.${property}`)];
  });
}
