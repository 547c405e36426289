import { CmdStreamClient, type CircuitBreakerFactory, isCmdStreamError } from 'nestjs-cmd-stream';
import { type Amount, shopContract } from './shop.contract.js';

/** A client with two connections; resolves when it is connected. */
export async function connect(port: number, circuitBreaker?: CircuitBreakerFactory) {
  const client = new CmdStreamClient({
    port,
    contract: shopContract,
    connectionsPerServer: 2,
    keepalive: { intervalMs: 250 },
    // Outages are short here: the defaults are for those of real life.
    reconnect: { delayMs: 50, maxDelayMs: 50 },
    circuitBreaker,
    // What a client with a breaker cannot send at once it rather refuses.
    queue: { timeoutMs: circuitBreaker ? 100 : 5_000 },
    logger: false,
  });
  await client.connect();
  return client;
}

export type ShopClient = Awaited<ReturnType<typeof connect>>;

/** The cents, or the code of the error. */
export async function outcomeOf(call: Promise<Amount>): Promise<string> {
  try {
    const { cents } = await call;
    return `${cents} cents`;
  } catch (error) {
    if (!isCmdStreamError(error)) throw error;
    return error.code;
  }
}
