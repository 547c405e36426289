import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import type { CommandServer } from 'nestjs-cmd-stream';
import { Certificates } from './certificates.js';
import { clientOf, read, write } from './client.js';
import { startServer } from './server.js';

/** Which certificate a client that connects now is shown. */
async function shownSerial(port: number, certificates: Certificates): Promise<string> {
  const [ca, key, cert] = ['ca.crt', 'reader.key', 'reader.crt'].map((file) => certificates.read(file));
  const socket = connect({ port, host: 'localhost', ca, key, cert });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerX509Certificate()!;
  socket.destroy();
  return serialNumber;
}

// PORT=3000 nest start 06-tls keeps the server up for other clients; without it, all run once and end.
async function main(): Promise<void> {
  const port = Number(process.env['PORT'] ?? 0);
  const certificates = new Certificates();
  for (const name of ['localhost', 'reader', 'writer']) certificates.issue(name);
  const server = await startServer(port, certificates);
  const core = server.unwrap<CommandServer>();
  const { port: listening } = core.address!;

  if (port > 0) {
    console.log(`listening on port ${listening}, with the certificates in ${certificates.folder}`);
  } else {
    const reader = clientOf(listening, certificates, 'reader');
    const writer = clientOf(listening, certificates, 'writer');
    const stranger = clientOf(listening, certificates);
    console.log(`reader reads: ${await read(reader)}`);
    console.log(`reader writes: ${await write(reader, 'buy coffee')}`);
    console.log(`writer writes: ${await write(writer, 'buy milk')}`);
    console.log(`a client without a certificate reads: ${await read(stranger)}`);

    certificates.issue('localhost');
    core.reloadTls();
    const renewed = new X509Certificate(certificates.read('localhost.crt'));
    const isRenewed = (await shownSerial(listening, certificates)) === renewed.serialNumber;
    console.log(`a new connection has the renewed certificate: ${isRenewed}`);
    console.log(`reader reads on: ${await read(reader)}`);

    await Promise.all([reader.close(), writer.close(), stranger.close()]);
    await server.close();
    certificates.remove();
  }
}

void main();
