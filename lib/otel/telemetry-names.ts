// Names of spans, attributes and units: those of cmd-stream-go, so that a dashboard serves both, and beside them those
// of OpenTelemetry's conventions for RPC.
import type { Attributes } from '@opentelemetry/api';
import { tracedCommandOf } from '../contract/trace-command.js';
import { typeNameOf } from '../contract/type-table.js';
import { isCmdStreamError, isError, messageOf } from '../errors.js';
import type { CallOutcome } from '../instrumentation/instrumentation.js';

export const SCOPE = 'nestjs-cmd-stream';
export const SYSTEM = 'cmd-stream';
/** Of what has no name of its own: names that peers make up must not become time series. */
export const OTHER = '_OTHER';

export type CommandStatus = 'OK' | 'FAILED' | 'TIMEOUT' | 'CANCELLED';

export const statuses: Readonly<Record<CallOutcome['how'], CommandStatus>> = Object.freeze({
  completed: 'OK',
  failed: 'FAILED',
  'timed out': 'TIMEOUT',
  cancelled: 'CANCELLED',
});

/** What a Command is called in spans and metrics, and by the conventions for RPC. */
export interface CommandNames {
  readonly type: string;
  readonly method: string;
}

export function namesOf(command: unknown, name: string): CommandNames {
  const traced = tracedCommandOf(command);
  if (traced === undefined) return { type: name || OTHER, method: name || OTHER };
  const inner = typeNameOf(traced);
  return { type: `${inner} (trace)`, method: inner };
}

/** The type of a Result; answers by pattern are of any. */
export function resultTypeOf(result: unknown): string {
  return typeof result === 'object' && result !== null ? typeNameOf(result) : typeof result;
}

/** A class of errors, of which there are few: the code, or the class. */
export function errorTypeOf(error: unknown, code: string = OTHER): string {
  if (isCmdStreamError(error)) return error.code;
  if (!isError(error)) return code;
  try {
    return String(error.constructor.name || error.name) || OTHER;
  } catch {
    return OTHER;
  }
}

/** What an error says; Nest's exception layer makes objects with a message of them. */
export function errorTextOf(error: unknown): string {
  try {
    if (typeof error === 'string') return error;
    if (isError(error)) return messageOf(error);
    const { message } = (error ?? {}) as { message?: unknown };
    return typeof message === 'string' ? message : '';
  } catch {
    return '';
  }
}

/** `host:port`, or the path of a socket, as attributes of spans and metrics. */
export function serverAttributes(server: string | undefined): Attributes {
  if (server === undefined) return {};
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(server) ?? [];
  if (host === undefined) return { 'server.address': server };
  return { 'server.address': host, 'server.port': Number(port) };
}

/** The same as cmd-stream-go names them. */
export function peerAttributes(address: string | undefined, port: number | undefined): Attributes {
  return {
    'network.peer.address': address ?? 'undefined',
    'network.peer.port': port ?? 0,
    'network.protocol.name': address === undefined ? 'undefined' : 'tcp',
    'network.transport': address === undefined ? 'unix' : 'tcp',
  };
}
