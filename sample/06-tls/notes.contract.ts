import { Command, defineContract, Result, VoidCommand } from 'nestjs-cmd-stream';

export class Note extends Result {
  constructor(readonly text = '') {
    super();
  }
}

export class ReadNote extends Command<Note> {}

export class WriteNote extends VoidCommand {
  constructor(readonly text = '') {
    super();
  }
}

// The order is part of the wire format: position = type number. Append only.
export const notesContract = defineContract({ commands: [ReadNote, WriteNote], results: [Note] });
