// A failure as the one line that the program shows of it.
import { describe, expect, it } from '@jest/globals';
import { failureText } from '../../../lib/cli/failures.js';
import { CmdStreamError } from '../../../lib/errors.js';

/** As a client has it of a server. */
function remote(message: string, payload: unknown): CmdStreamError {
  return new CmdStreamError('REMOTE', `${message} (AddCmd at a:1)`, { payload, sent: true });
}

describe('what a server has failed with', () => {
  it.each([
    [
      'once, where it has no message',
      remote('the server answered REMOTE: {"a":1}', { a: 1 }),
      '{"a":1} (AddCmd at a:1)',
    ],
    [
      'whole behind its message',
      remote('no such number', { statusCode: 404, message: 'no such number' }),
      'no such number (AddCmd at a:1) {"statusCode":404,"message":"no such number"}',
    ],
    ['as the text that it is', remote('not today', 'not today'), 'not today (AddCmd at a:1)'],
    [
      'whole behind what fits into the message',
      remote('the server answered REMOTE: {"a":"xx…', { a: 'xxxx' }),
      'the server answered REMOTE: {"a":"xx… (AddCmd at a:1) {"a":"xxxx"}',
    ],
  ])('is shown %s', (_, error, text) => {
    expect(failureText(error)).toBe(`REMOTE: ${text}`);
  });
});
