package contract

import (
	"github.com/mus-format/mus-stream-go/ord"
	"github.com/mus-format/mus-stream-go/raw"
	"github.com/mus-format/mus-stream-go/varint"

	"github.com/cmd-stream/cmd-stream-go/core"

	"nestjs-cmd-stream/interop/muscodec"
)

const (
	maxText         = 4 << 20 // bytes
	maxTraceHeaders = 64
)

var (
	text    = muscodec.Text(maxText)
	carrier = ord.NewPtrSer(muscodec.Map(maxTraceHeaders, text))
	addCmd  = muscodec.Struct[AddCmd]{
		muscodec.At(func(c *AddCmd) *int { return &c.A }, varint.Int),
		muscodec.At(func(c *AddCmd) *int { return &c.B }, varint.Int),
	}
	subCmd = muscodec.Struct[SubCmd]{
		muscodec.At(func(c *SubCmd) *int { return &c.A }, varint.Int),
		muscodec.At(func(c *SubCmd) *int { return &c.B }, varint.Int),
	}
	countCmd = muscodec.Struct[CountCmd]{
		muscodec.At(func(c *CountCmd) *int { return &c.N }, varint.Int),
	}
	echoCmd = muscodec.Struct[EchoCmd]{
		muscodec.At(func(c *EchoCmd) *string { return (*string)(c) }, text),
	}
	floatCmd = muscodec.Struct[FloatCmd]{
		muscodec.At(func(c *FloatCmd) *float64 { return &c.X }, raw.Float64),
	}
	traceCmd = muscodec.Struct[TraceCmd]{
		muscodec.At(func(c *TraceCmd) **map[string]string { return &c.MapCarrier }, carrier),
		muscodec.At(func(c *TraceCmd) *AddCmd { return &c.Cmd }, addCmd),
	}
	slowCmd = muscodec.Struct[SlowCmd]{
		muscodec.At(func(c *SlowCmd) *int { return &c.Ms }, varint.Int),
	}
	calcResult = muscodec.Struct[CalcResult]{
		muscodec.At(func(r *CalcResult) *int { return (*int)(r) }, varint.Int),
	}
	countResult = muscodec.Struct[CountResult]{
		muscodec.At(func(r *CountResult) *int { return &r.I }, varint.Int),
		muscodec.At(func(r *CountResult) *bool { return &r.Last }, ord.Bool),
	}
	echoResult = muscodec.Struct[EchoResult]{
		muscodec.At(func(r *EchoResult) *string { return (*string)(r) }, text),
	}
)

// CmdsMUS is the serializer of Cmds, ResultsMUS that of Results. Their DTMs count from 1.
var (
	CmdsMUS = muscodec.OneOf[core.Cmd[Calc]]{
		muscodec.Case[core.Cmd[Calc]](1, addCmd),
		muscodec.Case[core.Cmd[Calc]](2, subCmd),
		muscodec.Case[core.Cmd[Calc]](3, countCmd),
		muscodec.Case[core.Cmd[Calc]](4, echoCmd),
		muscodec.Case[core.Cmd[Calc]](5, muscodec.Struct[FailCmd]{}),
		muscodec.Case[core.Cmd[Calc]](6, floatCmd),
		muscodec.Case[core.Cmd[Calc]](7, traceCmd),
		muscodec.Case[core.Cmd[Calc]](8, slowCmd),
	}
	ResultsMUS = muscodec.OneOf[core.Result]{
		muscodec.Case[core.Result](1, calcResult),
		muscodec.Case[core.Result](2, countResult),
		muscodec.Case[core.Result](3, echoResult),
	}
)
