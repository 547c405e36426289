// Where a client or server logs of its own accord: Nest's logger with its class as the context, the application's own
// one, or nowhere; and the options of both sides for that.
import { Logger, type LoggerService, type LogLevel } from '@nestjs/common';
import { objectWith, type OptionRule, type OptionRules } from '../options.js';

/** What a client and a server of Nest say of themselves, and to whom. @publicApi */
export interface CmdStreamLogOptions {
  /**
   * Takes the lines, with the name of the class as context; `false`: there are none.
   * @default Nest's Logger
   */
  logger?: LoggerService | false | undefined;
  /**
   * Which lines there are: any of `'error'`, `'warn'`, `'log'`, in an array. Nest's Logger has levels of its own, too.
   * @default all three
   */
  logLevels?: readonly LogLevel[] | undefined;
}

const levels: readonly LogLevel[] = ['error', 'warn', 'log'];
const service = objectWith('', 'log', 'warn', 'error');

const logger: OptionRule = {
  expected: 'an object with log, warn and error, or false',
  accepts: (value) => value === false || service.accepts(value),
};

const logLevels: OptionRule = {
  expected: "an array of 'error', 'warn' and 'log'",
  accepts: (value) => Array.isArray(value) && value.every((level) => levels.includes(level as LogLevel)),
};

export const logRules: OptionRules<CmdStreamLogOptions> = Object.freeze({ logger, logLevels });

/** Lines of the class `context`, as far as its options want them. */
export function ownLog(
  context: string,
  { logger: given, logLevels: wanted = levels }: CmdStreamLogOptions,
): LoggerService {
  const target = given === undefined ? new Logger(context) : given;
  // Nest's own adds it by itself.
  const last = given === undefined ? [] : [context];
  const write =
    (level: 'log' | 'warn' | 'error') =>
    (message: unknown, ...more: unknown[]): void => {
      if (target && wanted.includes(level)) target[level](message, ...more, ...last);
    };
  return { log: write('log'), warn: write('warn'), error: write('error') };
}
