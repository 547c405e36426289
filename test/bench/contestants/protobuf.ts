// This package with the Protobuf codec: the messages of the interop tests, whose EchoCmd carries the mixed payload.
import { Controller } from '@nestjs/common';
import {
  CmdStreamClient,
  CmdStreamServer,
  CommandHandler,
  type CommandServer,
  defineContract,
} from 'nestjs-cmd-stream';
import { protobufCodec, protobufType } from 'nestjs-cmd-stream/protobuf';
import {
  type EchoCmd as EchoMessage,
  EchoCmdSchema,
  EchoResultSchema,
} from '../../fixtures/protobuf/gen/interop_pb.js';
import { mixedPayloads } from '../workload.js';
import { type Contestant, inTurn } from './contestant.js';
import { host, microservice, portOf } from './nest-app.js';

const EchoCmd = protobufType(EchoCmdSchema, { result: EchoResultSchema });
const EchoResult = protobufType(EchoResultSchema);
const contract = defineContract({ commands: [EchoCmd], results: [EchoResult] });
const codec = protobufCodec();

@Controller()
class ProtobufController {
  @CommandHandler(EchoCmd)
  echo({ protoData }: EchoMessage) {
    return protoData === undefined ? EchoResult.create() : EchoResult.create({ protoData });
  }
}

export const executeProtobuf: Contestant = {
  async serve() {
    const strategy = new CmdStreamServer({ host, port: 0, contract, codec });
    const app = await microservice(ProtobufController, { strategy });
    return { port: portOf(app.unwrap<CommandServer>().address), close: () => app.close() };
  },
  async connect(port) {
    const client = new CmdStreamClient({ host, port, contract, codec });
    await client.connect();
    const payload = inTurn(mixedPayloads.map((mixed) => ({ ...mixed, Int64: BigInt(mixed.Int64) })));
    const call = async (): Promise<void> => {
      const sent = payload();
      const { protoData } = await client.execute(EchoCmd.create({ protoData: sent }));
      if (protoData?.Int64 !== sent.Int64 || protoData.String !== sent.String) throw new Error('another answer');
      if (protoData.Bool !== sent.Bool || protoData.Float64 !== sent.Float64) throw new Error('another answer');
    };
    return { call, close: () => client.close() };
  },
};
