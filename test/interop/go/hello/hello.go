// Package hello is the hello-world example of the reference: two Commands, a Receiver that is an interface,
// one Result, MUS with a length validator. Its TraceCmd is that of the wire vectors.
package hello

import (
	"context"
	"strings"
	"time"

	"github.com/mus-format/mus-stream-go/ord"

	"github.com/cmd-stream/cmd-stream-go/core"

	"nestjs-cmd-stream/interop/muscodec"
)

// MaxText is the longest string in bytes that is read.
const MaxText = 1000

const maxTraceHeaders = 64

// Greeter is the Receiver.
type Greeter interface {
	Interjection() string
	Adjective() string
	Join(words ...string) string
}

// English is a Greeter.
type English struct{}

func (English) Interjection() string        { return "Hello" }
func (English) Adjective() string           { return "incredible" }
func (English) Join(words ...string) string { return strings.Join(words, " ") }

// SayHelloCmd (1) is answered by a Greeting.
type SayHelloCmd struct{ Str string }

func (c SayHelloCmd) Exec(_ context.Context, seq core.Seq, at time.Time, to Greeter, proxy core.Proxy) error {
	return answer(seq, at, proxy, Greeting(to.Join(to.Interjection(), c.Str)))
}

// SayFancyHelloCmd (2) is answered by a longer Greeting.
type SayFancyHelloCmd struct{ Str string }

func (c SayFancyHelloCmd) Exec(_ context.Context, seq core.Seq, at time.Time, to Greeter, proxy core.Proxy) error {
	return answer(seq, at, proxy, Greeting(to.Join(to.Interjection(), to.Adjective(), c.Str)))
}

// TraceCmd (10) is a SayHelloCmd that carries trace headers.
type TraceCmd struct {
	Carrier *map[string]string
	Cmd     SayHelloCmd
}

func (c TraceCmd) Exec(ctx context.Context, seq core.Seq, at time.Time, to Greeter, proxy core.Proxy) error {
	return c.Cmd.Exec(ctx, seq, at, to, proxy)
}

// Greeting (1) is a bare string.
type Greeting string

func (Greeting) LastOne() bool { return true }

// A Command has one second from its arrival, so the server has to note it.
func answer(seq core.Seq, at time.Time, proxy core.Proxy, result core.Result) error {
	_, err := proxy.SendWithDeadline(at.Add(time.Second), seq, result)
	return err
}

var (
	text     = muscodec.Text(MaxText)
	sayHello = muscodec.Struct[SayHelloCmd]{
		muscodec.At(func(c *SayHelloCmd) *string { return &c.Str }, text),
	}
	sayFancyHello = muscodec.Struct[SayFancyHelloCmd]{
		muscodec.At(func(c *SayFancyHelloCmd) *string { return &c.Str }, text),
	}
	trace = muscodec.Struct[TraceCmd]{
		muscodec.At(func(c *TraceCmd) **map[string]string { return &c.Carrier },
			ord.NewPtrSer(muscodec.Map(maxTraceHeaders, text))),
		muscodec.At(func(c *TraceCmd) *SayHelloCmd { return &c.Cmd }, sayHello),
	}
	greeting = muscodec.Struct[Greeting]{
		muscodec.At(func(r *Greeting) *string { return (*string)(r) }, text),
	}

	cmds = muscodec.OneOf[core.Cmd[Greeter]]{
		muscodec.Case[core.Cmd[Greeter]](1, sayHello),
		muscodec.Case[core.Cmd[Greeter]](2, sayFancyHello),
		muscodec.Case[core.Cmd[Greeter]](10, trace),
	}
	results = muscodec.OneOf[core.Result]{muscodec.Case[core.Result](1, greeting)}

	// ServerCodec reads Commands and writes Results, ClientCodec does the opposite.
	ServerCodec = muscodec.New(results, cmds)
	ClientCodec = muscodec.New(cmds, results)
)
