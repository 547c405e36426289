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

describe('one host', () => {
  const isSame = (one: string, other: string): boolean => {
    const limit = new ConnectionLimit({ maxConnections: Infinity, maxConnectionsPerAddress: 1 }, Infinity);
    expect(limit.add(one)).toBeUndefined();
    const isRefused = limit.add(other) !== undefined;
    limit.delete(one);
    expect(limit.add(one)).toBeUndefined();
    return isRefused;
  };

  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
    ['2001:db8::1', '2001:db8:0:0:9::'],
    ['fe80::1%eth0', 'fe80::2%eth1'],
    ['::1', '::1'],
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ])('has both %s and %s', (one, other) => {
    expect(isSame(one, other)).toBe(true);
  });

  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['2001:db8::1', '2001:db8:0:1::1'],
    ['::1', '1::'],
    ['192.0.2.1', '192.0.2.2'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2'],
  ])('has not both %s and %s', (one, other) => {
    expect(isSame(one, other)).toBe(false);
  });

  it('of IPv6 is named by its network', () => {
    const limit = new ConnectionLimit({ maxConnections: Infinity, maxConnectionsPerAddress: 1 }, Infinity);
    limit.add('2001:db8::1');
    expect(limit.add('2001:db8::2')?.message).toBe('2001:db8:0:0::/64 has maxConnectionsPerAddress (1) connections');
  });
});
