// The options of the Nest client: those of the core client, and Nest's serializers.
import type { Deserializer, Serializer } from '@nestjs/microservices';
import { clientRules, type CommandClientOptions } from '../../client/client-options.js';
import { contractRule, type Contract } from '../../contract/contract.js';
import { boolean, type OptionRules } from '../../options.js';
import { deserializerRule, serializerRule } from '../packet-forms.js';

/** @publicApi */
export interface CmdStreamClientOptions extends Omit<CommandClientOptions, 'contract'> {
  /**
   * The contract both sides share; without one the client sends messages by pattern only.
   * @default none
   */
  contract?: Contract;
  /**
   * Open the connections when the application starts, which waits for the first one and fails without it.
   * @default none: they are opened by the first call
   */
  connectOnBootstrap?: boolean;
  /**
   * Nest's serializer of messages by pattern.
   * @default none
   */
  serializer?: Serializer;
  /**
   * Nest's deserializer of answers by pattern.
   * @default none
   */
  deserializer?: Deserializer;
}

export const cmdStreamClientRules: OptionRules<CmdStreamClientOptions> = Object.freeze({
  ...clientRules,
  contract: { ...contractRule, required: false },
  connectOnBootstrap: boolean,
  serializer: serializerRule,
  deserializer: deserializerRule,
});
