import type { CommandServer } from 'nestjs-cmd-stream';
import { Reader, startClient } from './client.js';
import { Journal } from './journal.js';
import { startServer } from './server.js';

// PORT=3000 nest start 04-streaming keeps the server up for other clients; without it, both run once and end.
async function main(): Promise<void> {
  const port = Number(process.env['PORT'] ?? 0);
  const server = await startServer(port);
  const listening = server.unwrap<CommandServer>().address!.port;

  if (port > 0) {
    console.log(`listening on port ${listening}`);
  } else {
    const client = await startClient(listening);
    const reader = client.get(Reader);
    const journal = server.get(Journal);
    console.log(`iterate: ${(await reader.iterate()).join(', ')}`);
    console.log(`send: ${(await reader.observe()).join(', ')}`);

    let ending = journal.next();
    const taken = await reader.leave();
    const { made, ...left } = await ending;
    console.log(
      `a loop that is left: ${taken} of 1000000, and the handler was at most 256 ahead: ${made - taken <= 256}`,
    );
    console.log(`  ${left.handler} has ended: ${left.why}`);

    ending = journal.next();
    console.log(`unsubscribed: ${(await reader.unsubscribe()).join(', ')}`);
    const unsubscribed = await ending;
    console.log(`  ${unsubscribed.handler} has ended: ${unsubscribed.why}`);

    ending = journal.next();
    console.log(`a time limit: ${(await reader.runOutOfTime()).join(', ')}`);
    const late = await ending;
    console.log(`  ${late.handler} has ended: ${late.why}`);

    await client.close();
    await server.close();
  }
}

void main();
