// A contract of protobuf-es messages for tests with sockets.
import { defineContract } from 'nestjs-cmd-stream/core';
import { protobufType } from 'nestjs-cmd-stream/protobuf';
import * as schemas from '../fixtures/protobuf/gen/vectors_pb.js';

export const AddCmd = protobufType(schemas.AddCmdSchema, { result: schemas.CalcResultSchema });
/** Answered with a stream of echoes, the last of which says so by its Bool. */
export const EchoCmd = protobufType(schemas.EchoCmdSchema, { result: schemas.EchoResultSchema });
/** In the contract, but without a handler. */
export const SubCmd = protobufType(schemas.SubCmdSchema, { result: schemas.CalcResultSchema });
export const CalcResult = protobufType(schemas.CalcResultSchema);
export const EchoResult = protobufType(schemas.EchoResultSchema, {
  lastOne: ({ protoData }) => protoData?.Bool === true,
});

export const protobufContract = defineContract({
  commands: [AddCmd, EchoCmd, SubCmd],
  results: [CalcResult, EchoResult],
});
