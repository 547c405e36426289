// The door "nestjs-cmd-stream/terminus": health checks, which need @nestjs/terminus.
export {
  CmdStreamHealthIndicator,
  type CheckedClient,
  type CheckedServer,
  type CheckedService,
} from './nest/cmd-stream.health.js';
export type { PingCheckOptions } from './nest/cmd-stream.health.js';
