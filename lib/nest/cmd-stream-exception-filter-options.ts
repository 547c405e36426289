// What CmdStreamExceptionFilter makes of the errors of other servers.
import { boolean, type OptionRules } from '../options.js';

/** @publicApi */
export interface CmdStreamExceptionFilterOptions {
  /**
   * In a service that calls another: what the other one has said of a failure goes on to the caller, as it came. Without
   * it the caller learns of it as of any unknown error.
   * @default false
   */
  relayRemote?: boolean;
}

export const cmdStreamExceptionFilterDefaults = Object.freeze({ relayRemote: false });

export const cmdStreamExceptionFilterRules: OptionRules<CmdStreamExceptionFilterOptions> = Object.freeze({
  relayRemote: boolean,
});
