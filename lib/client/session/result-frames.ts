// What the control frames of a server mean for the calls they belong to.
import type { DataLimits } from '../../codec/json/json-codec-options.js';
import type { DataCodec } from '../../codec/data-codec.js';
import { dataOf, PatternMessage, WholePacket } from '../../codec/pattern-message.js';
import type { CodecDirection } from '../../connection/codec-direction.js';
import { isErrorCode } from '../../error-codes.js';
import { CmdStreamError, MAX_REASON_BYTES, peerText } from '../../errors.js';
import type { ByteReader } from '../../wire/byte-reader.js';
import { Control } from '../../wire/control-frame.js';
import { readError, readValue } from '../../wire/control-reader.js';
import type { Seq } from '../../wire/frame.js';
import type { CallMultiplexer } from '../call/call-multiplexer.js';
import type { ClientCall } from '../call/client-call.js';

/** Gives the frame to its call; false if it is none of a Result's kinds. */
export function deliverControl(
  kind: number,
  reader: ByteReader,
  calls: CallMultiplexer,
  direction: CodecDirection,
): boolean {
  switch (kind) {
    case Control.STREAM: {
      const call = answeredCall(reader.readPositive(), calls);
      if (call) call.isStream = true;
      return true;
    }
    case Control.END:
      answeredCall(reader.readPositive(), calls)?.complete();
      return true;
    case Control.VALUE:
      deliverValue(reader, calls, direction.dataCodec);
      return true;
    case Control.ERROR:
      deliverError(reader, calls, direction.data);
      return true;
    default:
      return false;
  }
}

/** The call that the frame is for; undefined if it is over already. @throws {CmdStreamError} PROTOCOL_ERROR */
function answeredCall(seq: Seq, calls: CallMultiplexer): ClientCall | undefined {
  const call = calls.find(seq);
  calls.onAnswer(seq, call);
  return call;
}

function deliverValue(reader: ByteReader, calls: CallMultiplexer, codec: DataCodec): void {
  const { seq, last, packet } = readValue(reader);
  const call = answeredCall(seq, calls);
  if (call === undefined || (call.creditLeft !== undefined && !calls.takesCredit(call))) return;
  let value: unknown;
  try {
    calls.checkValue(call);
    const { command } = call;
    value = codec.read(command instanceof PatternMessage ? command.route : '', reader);
  } catch (error) {
    return call.sinkFailed(error);
  }
  call.next(packet ? new WholePacket(value) : value, reader.consumed, last);
}

function deliverError(reader: ByteReader, calls: CallMultiplexer, limits: DataLimits): void {
  const { seq, code, data } = readError(reader);
  const call = answeredCall(seq, calls);
  if (call === undefined) return;
  const payload = payloadOf(data, limits);
  const known = isErrorCode(code) ? code : 'REMOTE';
  const isStarted = known !== 'OVERLOADED' && !(known === 'SHUTDOWN' && saysNotStarted(payload));
  const text = peerText(messageOfPayload(payload, code), MAX_REASON_BYTES);
  const message = `${text} ${call.label}`;
  const error = new CmdStreamError(known, message, { sent: isStarted, payload });
  if (isStarted) call.fail(error);
  else calls.notStarted(call, error);
}

/** A server that shuts down says whether the Command was begun; in any other error the word is the application's. */
function saysNotStarted(payload: unknown): boolean {
  return (payload as { started?: unknown } | null | undefined)?.started === false;
}

/** The error stays an error even if what came with it cannot be read. */
function payloadOf(data: string, limits: DataLimits): unknown {
  try {
    return dataOf(data, limits);
  } catch {
    return undefined;
  }
}

function messageOfPayload(payload: unknown, code: string): string {
  if (typeof payload === 'string') return payload;
  const message = (payload as { message?: unknown } | null | undefined)?.message;
  if (typeof message === 'string') return message;
  const said = payload === undefined ? '' : `: ${jsonOf(payload)}`;
  return `the server answered ${code}${said}`;
}

function jsonOf(payload: unknown): string {
  return JSON.stringify(payload, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}
