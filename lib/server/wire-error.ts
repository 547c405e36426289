// What of an error travels to the caller. Errors of this package keep their code; what the application meant for the
// caller is REMOTE and travels verbatim; anything else is INTERNAL and its text stays here.
import { dataText } from '../codec/pattern-message.js';
import { isCmdStreamError, type CmdStreamError } from '../errors.js';

export interface WireError {
  readonly code: string;
  /** JSON text. */
  readonly data: string;
}

const HIDDEN = dataText({ status: 'error', message: 'Internal server error' });

/** `onHidden` is given what the caller does not get to see. */
export function wireErrorOf(error: unknown, onHidden: (error: unknown) => void): WireError {
  if (isCmdStreamError(error) && error.code !== 'INTERNAL') {
    try {
      return { code: error.code, data: dataText(payloadOf(error)) };
    } catch (unwritable) {
      onHidden(unwritable);
      return { code: 'INTERNAL', data: HIDDEN };
    }
  }
  onHidden(error);
  return { code: 'INTERNAL', data: HIDDEN };
}

/** A Command that was begun when the server shut down may have had effects: the caller is told. */
function payloadOf({ code, message, payload }: CmdStreamError): unknown {
  if (code === 'REMOTE') return payload;
  return code === 'SHUTDOWN' ? { message, started: true } : { message };
}
