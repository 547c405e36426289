// A Nest logger that keeps its lines instead of printing them.
import { isNativeError } from 'node:util/types';
import type { LoggerService } from '@nestjs/common';
import { until } from '../support/deadline.js';

export class SpyLogger implements LoggerService {
  readonly lines: string[] = [];

  log(message: unknown): void {
    this.#keep('log', message);
  }

  warn(message: unknown): void {
    this.#keep('warn', message);
  }

  error(message: unknown): void {
    this.#keep('error', message);
  }

  get errors(): readonly string[] {
    return this.lines.filter((line) => line.startsWith('error'));
  }

  /** The lines that contain `text`. */
  having(text: string): readonly string[] {
    return this.lines.filter((line) => line.includes(text));
  }

  /** The first line that contains `text`, as soon as there is one. */
  async line(text: string): Promise<string> {
    await until(`a line with ${text} is logged`, () => this.having(text).length > 0);
    return this.having(text)[0]!;
  }

  #keep(level: string, message: unknown): void {
    const text = isNativeError(message) || message instanceof Error ? message.message : JSON.stringify(message);
    this.lines.push(`${level}: ${typeof message === 'string' ? message : text}`);
  }
}
