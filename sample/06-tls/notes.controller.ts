import { Controller, UseGuards } from '@nestjs/common';
import { CommandHandler } from 'nestjs-cmd-stream';
import { CalledBy, CalledByGuard } from './called-by.guard.js';
import { Note, ReadNote, WriteNote } from './notes.contract.js';

@Controller()
@UseGuards(CalledByGuard)
export class NotesController {
  #text = 'buy tea';

  @CommandHandler(ReadNote)
  @CalledBy(['reader', 'writer'])
  read() {
    return new Note(this.#text);
  }

  @CommandHandler(WriteNote)
  @CalledBy(['writer'])
  write({ text }: WriteNote) {
    this.#text = text;
  }
}
