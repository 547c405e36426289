// To import a door and to require it gives the same one; and the other build, loaded by its path, is another copy,
// which the first one knows.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const folder = join(import.meta.dirname, 'node_modules/nestjs-cmd-stream');
const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
for (const [door, { require: other }] of Object.entries(exports)) {
  if (other === undefined) continue;
  const name = door.replace('.', 'nestjs-cmd-stream');
  const [imported, required] = [await import(name), require(name)];
  for (const key of Object.keys(imported)) {
    if (imported[key] !== required[key]) throw new Error(`${key} of ${name} is there twice`);
  }
}

const here = await import('nestjs-cmd-stream/core');
const there = require(join(folder, exports['./core'].require.default));
if (here.Command === there.Command) throw new Error('the other build is no other copy');
for (const [classes, connection] of [
  [here, there],
  [there, here],
]) {
  class Sum extends classes.Result {
    value = 0;
  }
  class AddCmd extends classes.Command {
    a = 0;
    exec() {
      if (this.a < 0) throw classes.CmdStreamError.remote({ reason: 'negative' });
      return Object.assign(new Sum(), { value: this.a + 1 });
    }
  }
  const contract = classes.defineContract({ commands: [AddCmd], results: [Sum] });
  const invoker = new classes.ExecInvoker({});
  const server = new connection.CommandServer({ host: '127.0.0.1', port: 0, contract, invoker });
  const { port } = await server.listen();
  const client = new connection.CommandClient({ host: '127.0.0.1', port, contract });
  const { value } = await client.execute(Object.assign(new AddCmd(), { a: 1 }));
  const error = await client.execute(Object.assign(new AddCmd(), { a: -1 })).catch((thrown) => thrown);
  client.destroy();
  server.destroy();
  if (value !== 2 || !(error instanceof classes.CmdStreamError) || error.payload.reason !== 'negative')
    throw new Error(`the two copies do not know one another: ${value}, ${error}`);
}
console.log('one copy, and two that know one another');
