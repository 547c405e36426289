// How many connections there may be: as the options say, as the descriptors allow, and of one address.
import { describe, expect, it } from '@jest/globals';
import { ConnectionLimit } from '../../../lib/server/connection-limit.js';

const limitOf = (maxConnections: number, descriptors: number): ConnectionLimit =>
  new ConnectionLimit({ maxConnections, maxConnectionsPerAddress: Infinity }, descriptors);

describe('the most connections', () => {
  it.each([
    [10_000, 1_000_000, 10_000],
    [10_000, 10_064, 10_000],
    [10_000, 1_024, 960],
    [10_000, 64, 32],
    [10_000, 1, 1],
    [10_000, Infinity, 10_000],
    [Infinity, Infinity, Infinity],
    [Infinity, 1_024, 960],
  ])('of maxConnections %d and %d descriptors are %d', (maxConnections, descriptors, most) => {
    expect(limitOf(maxConnections, descriptors).most).toBe(most);
  });

  it('are as many as the error says', () => {
    expect(limitOf(5, 1_024).full()).toMatchObject({
      code: 'MAX_CONNECTIONS',
      message: 'the server has maxConnections (5) connections',
    });
    expect(limitOf(5_000, 1_024).full().message).toBe(
      'the server has 960 connections and not maxConnections (5000), as the process may open 1024 files',
    );
  });
});

it('of one address there are as many as it may have, whatever others have', () => {
  const limit = new ConnectionLimit({ maxConnections: Infinity, maxConnectionsPerAddress: 2 }, Infinity);
  for (const address of ['a', 'b', 'a', 'b']) expect(limit.add(address)).toBeUndefined();
  expect(limit.add('a')).toMatchObject({
    code: 'MAX_CONNECTIONS',
    message: 'a has maxConnectionsPerAddress (2) connections',
  });
  limit.delete('a');
  expect(limit.add('a')).toBeUndefined();
  expect(limit.add('a')).toBeDefined();
  for (let time = 0; time < 5; time++) expect(limit.add(undefined)).toBeUndefined();
  limit.delete(undefined);
});
