// OpenTelemetry: one line for a client, one for a server.
import type { Instrumentation } from '../instrumentation/instrumentation.js';
import { resolveOptions } from '../options.js';
import { ClientsTelemetry } from './call-telemetry.js';
import { ServersTelemetry } from './command-telemetry.js';
import { otelDefaults, otelRules, type OtelOptions } from './otel-options.js';

/**
 * Traces and metrics of OpenTelemetry, for the option `instrumentation` of clients and servers; one may serve all of a
 * process. It uses what the SDK has set for the process, whenever that is; without an SDK nothing is recorded. The
 * context of a call travels as metadata to servers of this package, and in a `traceCommand()` to all others.
 *
 * @example
 * import { CmdStreamServer } from 'nestjs-cmd-stream';
 * import { otel } from 'nestjs-cmd-stream/otel';
 * import { calcContract } from './calc.contract.js';
 *
 * export const strategy = new CmdStreamServer({ contract: calcContract, instrumentation: otel() });
 *
 * @throws {CmdStreamError} INVALID_OPTION when an option is unknown or of the wrong type
 * @publicApi
 */
export function otel(options?: OtelOptions): Instrumentation {
  const resolved = resolveOptions<OtelOptions, typeof otelDefaults>('otel', options, otelDefaults, otelRules);
  const clients = new ClientsTelemetry(resolved);
  const servers = new ServersTelemetry(resolved);
  return {
    observeClient: (client) => clients.observe(client),
    observeServer: (server) => servers.observe(server),
  };
}
