// The streams of the program: data that waits for its reader leaves nothing behind when it is taken.
import { getEventListeners } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { Terminal, type ProcessStreams } from '../../../lib/cli/terminal.js';

interface Given {
  readonly stdout: PassThrough;
  readonly terminal: Terminal;
  /** As if the process had got it. */
  raise(signal: NodeJS.Signals): void;
}

/** A terminal whose stdout has room for nothing but the line that is being read. */
function given(): Given {
  const listeners = new Map<NodeJS.Signals, (signal: NodeJS.Signals) => void>();
  const stdout = new PassThrough({ highWaterMark: 1 });
  const streams: Pick<ProcessStreams, 'stdin' | 'stdout' | 'stderr' | 'on'> = {
    stdin: new PassThrough(),
    stdout,
    stderr: new PassThrough(),
    on: (signal, listener) => listeners.set(signal, listener),
  };
  const terminal = new Terminal(streams as ProcessStreams);
  return { stdout, terminal, raise: (signal) => listeners.get(signal)!(signal) };
}

describe('what is printed faster than it is read', () => {
  it('waits, and leaves no listener behind once it was read', async () => {
    const { stdout, terminal } = given();
    for (let line = 1; line <= 50; line++) {
      const printed = terminal.print(`line ${line}`);
      expect(getEventListeners(terminal.signal, 'abort')).toHaveLength(1);
      stdout.read();
      await printed;
    }
    expect(getEventListeners(terminal.signal, 'abort')).toHaveLength(0);
    expect(stdout.listenerCount('drain')).toBeLessThanOrEqual(1);
  });

  it('waits no more when the program is to end', async () => {
    const { stdout, terminal, raise } = given();
    const printed = terminal.print('a line');
    const drains = stdout.listenerCount('drain');
    raise('SIGINT');
    await printed;
    await terminal.print('another one');
    expect(stdout.listenerCount('drain')).toBe(drains - 1);
    expect(terminal.stoppedBy).toBe('SIGINT');
  });
});
