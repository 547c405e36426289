// What of an error that a handler has failed with goes to the caller, and what is asked to the server's owner instead.
import { describe, expect, it } from '@jest/globals';
import { errorMeanings } from '../../../lib/error-codes.js';
import { CmdStreamError } from '../../../lib/errors.js';
import { handlerError } from '../../../lib/server/call/wire-error.js';

function sent(error: unknown) {
  const hidden: unknown[] = [];
  const { code, data } = handlerError(error, (one) => hidden.push(one), { maxDepth: 8, maxTokens: 100 } as never);
  return { code, data: JSON.parse(data) as unknown, hidden };
}

describe('an error of this package that a handler fails with', () => {
  it('says which type has no handler, and that is no failure to report', () => {
    const error = new CmdStreamError('NO_HANDLER', 'LostCmd has no handler');
    expect(sent(error)).toEqual({ code: 'NO_HANDLER', data: { message: 'LostCmd has no handler' }, hidden: [] });
  });

  it('says no more than its code when it came from another server', () => {
    const error = new CmdStreamError('NO_HANDLER', 'secret of another server', { sent: true });
    const data = { message: errorMeanings.NO_HANDLER };
    expect(sent(error)).toEqual({ code: 'NO_HANDLER', data, hidden: [error] });
  });
});
