// What several connections together are called.
import { describe, expect, it } from '@jest/globals';
import { groupStatus, type ClientStatus } from '../../../lib/client/group/group-server.js';
import type { ConnectionStatus } from '../../../lib/client/group/group-connection.js';

const [yes, no, trying, closed] = ['connected', 'disconnected', 'connecting', 'closed'] as const;

describe('the status of several connections', () => {
  it.each<[ClientStatus, ConnectionStatus[]]>([
    ['connected', [yes]],
    ['connected', [yes, yes, yes]],
    ['degraded', [yes, no]],
    ['degraded', [trying, yes]],
    ['connecting', [trying]],
    ['connecting', [no, trying]],
    ['disconnected', [no, no]],
    ['closed', [closed, closed]],
  ])('is %s when they are %j', (status, links) => {
    expect(groupStatus(links.map((one) => ({ status: one })))).toBe(status);
  });
});
