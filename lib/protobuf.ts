// The door "nestjs-cmd-stream/protobuf": the Protobuf codec and the message types of its contracts.
export { protobufCodec } from './protobuf/protobuf-codec.js';
export type { ProtobufCodecOptions } from './protobuf/protobuf-codec.js';
export { protobufMessage, type ProtobufMessageOptions } from './protobuf/protobuf-message.js';
export {
  protobufType,
  type MessageOf,
  type MessageSchemas,
  type ProtobufTypeOptions,
} from './protobuf/protobuf-type.js';
export type { MessageTraits, ProtobufType } from './protobuf/message-format.js';
