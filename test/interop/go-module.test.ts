// The Go programs that the interop tests start: formatted, vetted and tested by Go itself.
import { expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { describeUnless } from '../support/unless.js';
import { goModuleFolder, reasonToSkipGo, runGo } from './go-peer.js';

const BUILD_TIMEOUT_MS = 300_000;

describeUnless(reasonToSkipGo(), 'the Go module of the interop tests', () => {
  it('is formatted as gofmt does it', () => {
    expect(execFileSync('gofmt', ['-l', '.'], { cwd: goModuleFolder, encoding: 'utf8' })).toBe('');
  });

  it(
    'passes go vet',
    () => {
      expect(runGo('vet', './...')).toBe('');
    },
    BUILD_TIMEOUT_MS,
  );

  it(
    'passes its own tests, the wire vectors among them',
    () => {
      const packages = runGo('test', './...').split('\n');
      const tested = packages.filter((line) => line.startsWith('ok ')).map((line) => line.split('\t')[1]);
      expect(tested).toEqual(
        ['cmd/driver', 'cmd/example', 'jsoncodec', 'muscodec', 'protocodec'].map(
          (name) => `nestjs-cmd-stream/interop/${name}`,
        ),
      );
    },
    BUILD_TIMEOUT_MS,
  );
});
