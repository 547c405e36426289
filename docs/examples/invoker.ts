// The controller for Commands that run themselves, and the module that provides their Receiver.
import { Controller, Module } from '@nestjs/common';
import { Invoker } from 'nestjs-cmd-stream';
import { AddCmd, Calc } from './classic.js';

@Controller()
export class CalcInvoker extends Invoker(Calc, [AddCmd]) {}

@Module({ controllers: [CalcInvoker], providers: [Calc] })
export class CalcModule {}
