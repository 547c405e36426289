// Which known name a misspelt one stands for.
import { describe, expect, it } from '@jest/globals';
import { clientRules } from '../../lib/client/client-options.js';
import { commandServerRules } from '../../lib/server/server-options.js';
import { similarName } from '../../lib/similar-names.js';

const known = [...new Set([...Object.keys(clientRules), ...Object.keys(commandServerRules)])];

describe('a name that is not known', () => {
  it.each([
    ['prot', 'port'],
    ['hots', 'host'],
    ['hostname', 'host'],
    ['timeout', 'timeoutMs'],
    ['timeoutMS', 'timeoutMs'],
    ['commandTimeout', 'commandTimeoutMs'],
    ['connectionPerServer', 'connectionsPerServer'],
    ['keepAlive', 'keepalive'],
    ['circuit', 'circuitBreaker'],
  ])('%s means %s', (name, meant) => {
    expect(similarName(name, known)).toBe(meant);
  });

  it.each(['', 'x', 'po', 'max', 'volume', 'toString', '__proto__'])('%p means none of them', (name) => {
    expect(similarName(name, known)).toBeUndefined();
  });

  it('is found among none', () => {
    expect(similarName('port', [])).toBeUndefined();
  });

  it('means the one it begins only if there is one', () => {
    expect(similarName('time', ['timeoutMs', 'timeLimit'])).toBeUndefined();
    expect(similarName('time', ['timeoutMs', 'port'])).toBe('timeoutMs');
  });

  it('means the one it begins only with three letters or more', () => {
    expect(similarName('ti', ['timeoutMs'])).toBeUndefined();
    expect(similarName('tim', ['timeoutMs'])).toBe('timeoutMs');
  });

  it('means one that it goes on from only if that has four letters or more', () => {
    expect(similarName('certificate', ['cert'])).toBe('cert');
    expect(similarName('capital', ['cap'])).toBeUndefined();
  });

  it('is no slip of the keyboard with more slips than one in a short name', () => {
    expect(similarName('prot', ['port'])).toBe('port');
    expect(similarName('optr', ['port'])).toBeUndefined();
  });
});
