// The rolling restart of the sample 11-scale-out, behind HAProxy where that is installed and by addresses that come and
// go; and its manifests for Kubernetes, as far as they can be read without a cluster.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { GREETING } from '../support/calc-frames.js';
import { guardLeaks } from '../support/leak-guard.js';
import { outputOf } from '../support/program.js';
import { projectRoot } from '../support/project.js';
import { describeUnless } from '../support/unless.js';

const TEST_TIMEOUT_MS = 240_000;
const own = guardLeaks();
const loader = pathToFileURL(join(projectRoot, 'test/support/typescript-loader.mjs')).href;
const sample = join(projectRoot, 'sample/11-scale-out');
const read = (name: string): string => readFileSync(join(sample, name), 'utf8');

function rolling(...flags: readonly string[]): Promise<string> {
  const args = ['--import', loader, join(sample, 'rolling.ts'), '--rate', '200', '--commands', '1000', ...flags];
  return outputOf(own, process.execPath, args, { cwd: projectRoot });
}

const nothingLost = /3 restarts\n {2}answered ([\d,]+), wrong 0, failed 0\n {2}executed \1, without an answer 0\n/;
const hasHaproxy = spawnSync('haproxy', ['-v']).status === 0;
/** Only there all addresses of 127.0.0.0/8 are those of the machine. */
const hasAddresses = process.platform === 'linux';

describeUnless(hasHaproxy ? undefined : 'haproxy is not installed', 'a rolling restart behind HAProxy', () => {
  it.each([
    ['sent again', []],
    ['not sent again', ['--no-retry']],
  ])(
    'leaves no Command without its answer, when those that are lost are %s',
    async (_what, flags) => {
      expect(await rolling('--way', 'haproxy', ...flags)).toMatch(nothingLost);
    },
    TEST_TIMEOUT_MS,
  );
});

describeUnless(
  hasAddresses ? undefined : 'this is no Linux',
  'a rolling restart of servers at addresses that come and go',
  () => {
    it(
      'leaves no Command without its answer',
      async () => {
        expect(await rolling('--way', 'dns', '--no-retry')).toMatch(nothingLost);
      },
      TEST_TIMEOUT_MS,
    );
  },
);

describe('the configuration of HAProxy', () => {
  it('waits for the greeting of a server with the default serverInfo', () => {
    expect(read('haproxy.cfg')).toContain(`tcp-check expect binary ${GREETING}\n`);
  });

  it('keeps connections for several times as long as the default pause between two pings', () => {
    const times = [...read('haproxy.cfg').matchAll(/^ {2}timeout (?:client|server) (\d+)s$/gm)];
    expect(times.map(([, seconds]) => Number(seconds))).toEqual([60, 60]);
  });

  it('lets servers that drain answer', () => {
    expect(read('haproxy.cfg')).not.toMatch(/^[^#\n]*shutdown-sessions/m);
  });
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Record<string, unknown>;
}

describe('the manifests of Kubernetes', () => {
  const { safeLoadAll } = createRequire(import.meta.url)('js-yaml') as { safeLoadAll(text: string): Manifest[] };
  const manifests = safeLoadAll(read('kubernetes.yaml'));
  const named = (kind: string): Manifest['spec'] => manifests.find((one) => one.kind === kind)!.spec;

  it('are a Deployment, a headless Service and a PodDisruptionBudget of the same pods', () => {
    expect(manifests.map(({ kind, metadata: { name } }) => `${kind} ${name}`)).toEqual([
      'Deployment square',
      'Service square',
      'PodDisruptionBudget square',
    ]);
    const labels = { app: 'square' };
    expect(named('Deployment')).toMatchObject({
      selector: { matchLabels: labels },
      strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: { metadata: { labels } },
    });
    expect(named('Service')).toMatchObject({ clusterIP: 'None', selector: labels });
    expect(named('PodDisruptionBudget')).toMatchObject({ maxUnavailable: 1, selector: { matchLabels: labels } });
  });

  it('give a pod the time for its preStop and its drain', () => {
    const pod = (named('Deployment')['template'] as { spec: Record<string, unknown> }).spec;
    const [container] = pod['containers'] as [Record<string, unknown>];
    expect(container).toMatchObject({
      lifecycle: { preStop: { exec: { command: ['sleep', '5'] } } },
      ports: [{ name: 'cmd-stream', containerPort: 3000 }],
      env: [
        { name: 'WORKER_PORT', value: '3000' },
        { name: 'HOST', value: '0.0.0.0' },
      ],
    });
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'])
      expect(container[probe]).toMatchObject({ tcpSocket: { port: 'cmd-stream' } });
    const [preStopSeconds, gracePeriodSeconds] = [5, 10];
    expect(pod['terminationGracePeriodSeconds']).toBeGreaterThan(preStopSeconds + gracePeriodSeconds);
  });
});
