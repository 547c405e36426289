// The entry of every child process: the server of one variant, or the client that puts load on it.
// It does what its parent's messages say and closes what it opened when the parent lets go.
import { once } from 'node:events';
import { heapMiB, measure } from './load.js';
import { scenarioNamed, variantNamed } from './scenarios.js';

/**
 * The client is given where the server listens, then one round after the other; the answer to each is its speed and its
 * heap. The server answers every message with its heap.
 */
export interface Round {
  readonly inFlight: number;
  readonly seconds: number;
}

const [role, scenarioName, variantName, port] = process.argv.slice(2);
const variant = variantNamed(scenarioNamed(scenarioName), variantName);
const letGo = once(process, 'disconnect');

if (role === 'server') {
  const serving = await variant.serve();
  process.on('message', () => process.send?.(heapMiB()));
  process.send?.(serving.port);
  await letGo;
  await serving.close();
} else {
  const calling = await variant.connect(Number(port));
  process.on('message', async ({ inFlight, seconds }: Round) => {
    const speed = await measure(calling.call, inFlight, seconds);
    process.send?.({ ...speed, heapMiB: heapMiB() });
  });
  process.send?.('connected');
  await letGo;
  await calling.close();
}
