package main

import (
	"context"
	"time"

	"github.com/cmd-stream/cmd-stream-go/core"

	"nestjs-cmd-stream/interop/jsoncodec"
)

// delay is the Receiver: what a Command waits before it is answered.
type delay time.Duration

func (d delay) wait(ctx context.Context) {
	if d > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(d)):
		}
	}
}

// echoCmd (0) is answered by the same text, as echo (0).
type echoCmd struct {
	Text string `json:"text"`
}

func (c echoCmd) Exec(ctx context.Context, seq core.Seq, _ time.Time, d delay, proxy core.Proxy) error {
	d.wait(ctx)
	_, err := proxy.Send(seq, echo(c))
	return err
}

type echo echoCmd

func (echo) LastOne() bool { return true }

// mixedCmd (1) has the values of the reference's benchmark; it is answered by the same, as mixed (1).
type mixedCmd struct {
	Bool    bool
	Int64   int64
	String  string
	Float64 float64
}

func (c mixedCmd) Exec(ctx context.Context, seq core.Seq, _ time.Time, d delay, proxy core.Proxy) error {
	d.wait(ctx)
	_, err := proxy.Send(seq, mixed(c))
	return err
}

type mixed mixedCmd

func (mixed) LastOne() bool { return true }

var (
	commands = []core.Cmd[delay]{echoCmd{}, mixedCmd{}}
	results  = []core.Result{echo{}, mixed{}}

	serverCodec = jsoncodec.New(results, commands)
	clientCodec = jsoncodec.New(commands, results)
)
