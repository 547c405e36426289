// What Nest's exception filter needs of an HTTP adapter, by what responses of Express and Fastify have in common: for a
// filter that is made by hand and given no adapter.
import type { HttpServer } from '@nestjs/common';

interface HttpResponse {
  /** Express. */
  readonly headersSent?: boolean;
  /** Fastify. */
  readonly sent?: boolean;
  readonly raw?: { end(): void };
  end?(): void;
  getHeader(name: string): unknown;
  header(name: string, value: string): unknown;
  status(code: number): { send(body: object): unknown };
}

export const responseAdapter = Object.freeze({
  isHeadersSent: ({ headersSent, sent }: HttpResponse): boolean => headersSent ?? sent ?? false,
  end: (response: HttpResponse): void => void (response.raw ? response.raw.end() : response.end?.()),
  reply(response: HttpResponse, body: object, statusCode: number): void {
    const type = response.getHeader('Content-Type');
    // A handler that failed may have announced something else.
    if (type !== undefined && !/json/i.test(String(type))) response.header('Content-Type', 'application/json');
    response.status(statusCode).send(body);
  },
}) as HttpServer;
