// The options of the Nest server: those of the core server, without its Invoker, which is Nest.
import type { Transport } from '@nestjs/microservices';
import { contractRule } from '../codec/codec-rules.js';
import type { Contract } from '../codec/contract.js';
import type { OptionRules } from '../options.js';
import { serverRules, type ServerOptions } from '../server/server-options.js';

/** @publicApi */
export interface CmdStreamServerOptions extends ServerOptions {
  /** The contract both sides share. Required. */
  contract: Contract;
  /**
   * Which handlers this server serves: those tagged with this id, and those without a tag.
   * @default CMD_STREAM
   */
  transportId?: Transport | symbol;
}

export const cmdStreamServerRules: OptionRules<CmdStreamServerOptions> = Object.freeze({
  ...serverRules,
  contract: contractRule,
  transportId: {
    expected: 'a Transport or a symbol',
    accepts: (value: unknown) => typeof value === 'symbol' || typeof value === 'number',
  },
});
