// Gives a parameter of a handler what the caller sent along with its Command or message.
import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import { CmdStreamError } from '../../errors.js';
import { isCmdStreamContext } from './cmd-stream.context.js';

type Pipes = readonly (PipeTransform | Type<PipeTransform>)[];

const NONE: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Gives a parameter of a handler the caller's metadata of this key, `undefined` where it sent none; without a key all
 * of it, which cannot be changed. Pipes may stand behind the key, as in `@CommandMetadata('tenant', ParseIntPipe)`. For
 * `@CommandHandler`, `@MessagePattern` and `@EventPattern`; of another transport's messages it gives nothing.
 *
 * @throws {CmdStreamError} INVALID_HANDLER with each request, when it stands in a handler of HTTP or of another kind
 * that has no messages
 * @publicApi
 */
export function CommandMetadata(...pipes: Pipes): ParameterDecorator;
/** The metadata of one key, `undefined` where the caller sent none. */
export function CommandMetadata(key: string, ...pipes: Pipes): ParameterDecorator;
export function CommandMetadata(...keyAndPipes: readonly unknown[]): ParameterDecorator {
  return decorator(...(keyAndPipes as []));
}

const decorator = Object.freeze(
  createParamDecorator((key: string | undefined, host: ExecutionContext): unknown => {
    const metadata = metadataOf(host);
    if (key === undefined) return metadata;
    return Object.hasOwn(metadata, key) ? metadata[key] : undefined;
  }),
);

function metadataOf(host: ExecutionContext): Readonly<Record<string, string>> {
  if (host.getType() !== 'rpc') {
    const place = `${host.getClass().name}.${host.getHandler().name}`;
    const found = `in a handler of ${host.getType()}`;
    throw new CmdStreamError('INVALID_HANDLER', `@CommandMetadata() of ${place}: ${found} there is no metadata`);
  }
  const context: unknown = host.switchToRpc().getContext();
  return isCmdStreamContext(context) ? context.metadata : NONE;
}
