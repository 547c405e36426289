// The options of the Nest server: those of the core server, without its Invoker, which is Nest.
import type { Deserializer, Serializer, Transport } from '@nestjs/microservices';
import { contractRule, type Contract } from '../../contract/contract.js';
import type { OptionRules } from '../../options.js';
import { serverRules, type ServerOptions } from '../../server/server-options.js';
import { deserializerRule, serializerRule } from '../packet-forms.js';

/** @publicApi */
export interface CmdStreamServerOptions extends ServerOptions {
  /**
   * The contract both sides share; without one the server takes messages by pattern only.
   * @default none
   */
  contract?: Contract;
  /**
   * Which handlers this server serves: those without a tag, and those tagged with this id, as by
   * `@CommandHandler(command, id)`, `@MessagePattern(pattern, id)` or `@EventPattern(pattern, id)`. Nest hands over no
   * others, without a word: handlers tagged with `Transport.TCP` need `transportId: Transport.TCP`.
   * @default CMD_STREAM
   */
  transportId?: Transport | symbol;
  /**
   * Nest's serializer of answers by pattern.
   * @default none
   */
  serializer?: Serializer;
  /**
   * Nest's deserializer of messages by pattern.
   * @default none
   */
  deserializer?: Deserializer;
}

export const cmdStreamServerRules: OptionRules<CmdStreamServerOptions> = Object.freeze({
  ...serverRules,
  contract: { ...contractRule, required: false },
  transportId: {
    expected: 'a Transport or a symbol',
    accepts: (value: unknown) => typeof value === 'symbol' || typeof value === 'number',
  },
  serializer: serializerRule,
  deserializer: deserializerRule,
});
