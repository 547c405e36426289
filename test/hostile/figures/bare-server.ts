// The role that servers are compared with: node:net alone, which greets and sends back what comes.
import { createServer, type AddressInfo } from 'node:net';
import { GREETING } from '../../support/calc-frames.js';
import { gauges, startGauges } from './gauges.js';

export const bareServer = {
  ...gauges,
  async serve(): Promise<number> {
    const server = createServer((socket) => {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.write(Buffer.from(GREETING, 'hex'));
      socket.on('data', (bytes) => socket.write(bytes));
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    startGauges();
    return (server.address() as AddressInfo).port;
  },
};
