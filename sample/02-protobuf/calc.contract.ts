import { defineContract } from 'nestjs-cmd-stream';
import { protobufType } from 'nestjs-cmd-stream/protobuf';
import { AddCmdSchema, CalcResultSchema, PrimesCmdSchema, PrimeSchema, SubCmdSchema } from './gen/calc_pb.js';

export const AddCmd = protobufType(AddCmdSchema, { result: CalcResultSchema });
export const SubCmd = protobufType(SubCmdSchema, { result: CalcResultSchema });
export const PrimesCmd = protobufType(PrimesCmdSchema, { result: PrimeSchema });
export const CalcResult = protobufType(CalcResultSchema);
export const Prime = protobufType(PrimeSchema, { lastOne: ({ last }) => last });

// The order is part of the wire format: position = type number. Append only.
export const calcContract = defineContract({ commands: [AddCmd, SubCmd, PrimesCmd], results: [CalcResult, Prime] });
