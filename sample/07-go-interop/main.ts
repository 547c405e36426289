import { CmdStreamClient, type CommandServer } from 'nestjs-cmd-stream';
import { AddCmd, calcContract, SubCmd } from './calc.contract.js';
import { askFromGo, reasonWithoutGo, startGoServer } from './go.js';
import { startServer } from './server.js';

async function askGo(): Promise<void> {
  const server = await startGoServer();
  const client = new CmdStreamClient({ host: '127.0.0.1', port: server.port, contract: calcContract });
  const sum = await client.execute(new AddCmd(2, 3));
  const difference = await client.execute(new SubCmd(8, 4));
  console.log(`a client of Nest and a server in Go\n2 + 3 = ${sum.value}\n8 - 4 = ${difference.value}`);
  await client.close();
  await server.stop();
}

async function beAskedByGo(): Promise<void> {
  const server = await startServer(0);
  const answers = await askFromGo(server.unwrap<CommandServer>().address!.port);
  console.log(`a client in Go and a server of Nest\n${answers}`);
  await server.close();
}

// PORT=9000 nest start 07-go-interop keeps the server of Nest up for Go clients.
async function main(): Promise<void> {
  const { PORT } = process.env;
  const reason = reasonWithoutGo();
  if (PORT !== undefined) {
    await startServer(Number(PORT));
    console.log(`listening on port ${PORT}`);
  } else if (reason === undefined) {
    await askGo();
    await beAskedByGo();
  } else {
    console.log(`Go is left out, and so is all of this sample: ${reason}`);
  }
}

void main();
