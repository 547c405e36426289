import { CmdStreamClient, isCmdStreamError } from 'nestjs-cmd-stream';
import type { Certificates } from './certificates.js';
import { notesContract, ReadNote, WriteNote } from './notes.contract.js';

/** A client with the certificate `name`, or with none. */
export function clientOf(port: number, certificates: Certificates, name?: string) {
  const own =
    name === undefined ? {} : { key: certificates.read(`${name}.key`), cert: certificates.read(`${name}.crt`) };
  return new CmdStreamClient({
    port,
    contract: notesContract,
    tls: { ca: certificates.read('ca.crt'), ...own },
    logger: false,
  });
}

export type NotesClient = ReturnType<typeof clientOf>;

export async function read(client: NotesClient): Promise<string> {
  return outcomeOf(client.execute(new ReadNote()).then(({ text }) => text));
}

export async function write(client: NotesClient, text: string): Promise<string> {
  return outcomeOf(client.execute(new WriteNote(text)).then(() => 'written'));
}

/** What it comes to, or the error: what the server has said, or that the call did not get there. */
async function outcomeOf(call: Promise<string>): Promise<string> {
  try {
    return await call;
  } catch (error) {
    if (!isCmdStreamError(error)) throw error;
    const { statusCode, message } = (error.payload ?? {}) as { statusCode?: number; message?: string };
    return statusCode === undefined ? error.code : `${statusCode} ${message}`;
  }
}
