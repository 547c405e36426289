// Package streaming is the server-streaming example of the reference: one Command, three Results that say
// themselves which one is the last.
package streaming

import (
	"context"
	"time"

	"github.com/mus-format/mus-stream-go/ord"

	"github.com/cmd-stream/cmd-stream-go/core"

	"nestjs-cmd-stream/interop/hello"
	"nestjs-cmd-stream/interop/muscodec"
)

// SayFancyHelloMultiCmd (1) is answered by one Greeting for each word.
type SayFancyHelloMultiCmd struct{ Str string }

// The first Result has a deadline, the others do not lengthen it.
func (c SayFancyHelloMultiCmd) Exec(_ context.Context, seq core.Seq, at time.Time, to hello.Greeter,
	proxy core.Proxy,
) error {
	if _, err := proxy.SendWithDeadline(at.Add(time.Second), seq, Greeting{Str: to.Interjection()}); err != nil {
		return err
	}
	if _, err := proxy.Send(seq, Greeting{Str: to.Adjective()}); err != nil {
		return err
	}
	_, err := proxy.Send(seq, Greeting{Str: c.Str, Last: true})
	return err
}

// Greeting (1) is one word of an answer.
type Greeting struct {
	Str  string
	Last bool
}

func (g Greeting) LastOne() bool { return g.Last }

var (
	text     = muscodec.Text(hello.MaxText)
	sayMulti = muscodec.Struct[SayFancyHelloMultiCmd]{
		muscodec.At(func(c *SayFancyHelloMultiCmd) *string { return &c.Str }, text),
	}
	greeting = muscodec.Struct[Greeting]{
		muscodec.At(func(r *Greeting) *string { return &r.Str }, text),
		muscodec.At(func(r *Greeting) *bool { return &r.Last }, ord.Bool),
	}

	cmds = muscodec.OneOf[core.Cmd[hello.Greeter]]{
		muscodec.Case[core.Cmd[hello.Greeter]](1, sayMulti),
	}
	results = muscodec.OneOf[core.Result]{muscodec.Case[core.Result](1, greeting)}

	// ServerCodec reads Commands and writes Results, ClientCodec does the opposite.
	ServerCodec = muscodec.New(results, cmds)
	ClientCodec = muscodec.New(cmds, results)
)
