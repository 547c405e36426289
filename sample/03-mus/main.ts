import { CmdStreamClient, type CommandServer } from 'nestjs-cmd-stream';
import { greeterCodec, greeterContract, SayHelloCmd, SayWordsCmd } from './greeter.contract.js';
import { startServer } from './server.js';

async function main(): Promise<void> {
  const server = await startServer(0);
  const { port } = server.unwrap<CommandServer>().address!;
  const client = new CmdStreamClient({ port, contract: greeterContract, codec: greeterCodec });

  const greeting = await client.execute(new SayHelloCmd('world'));
  console.log(greeting.text);
  await client.send(new SayWordsCmd(['Hello', 'incredible', 'world'])).forEach(({ text }) => console.log(text));

  await client.close();
  await server.close();
}

void main();
