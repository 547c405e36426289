// This package without a contract, in the place of Nest's TCP transport: handlers and calls by pattern.
import { CmdStreamClient, CmdStreamServer, type CommandServer } from 'nestjs-cmd-stream';
import type { Contestant } from './contestant.js';
import { host, microservice, portOf } from './nest-app.js';
import { callingByPattern, PatternController } from './patterns.js';

export const dropIn: Contestant = {
  async serve() {
    const app = await microservice(PatternController, { strategy: new CmdStreamServer({ host, port: 0 }) });
    return { port: portOf(app.unwrap<CommandServer>().address), close: () => app.close() };
  },
  async connect(port, workload) {
    return callingByPattern(new CmdStreamClient({ host, port }), { cmd: 'echo' }, workload);
  },
};
