package main

import (
	"context"
	"fmt"
	"io"
	"time"

	cmdstream "github.com/cmd-stream/cmd-stream-go"
	"github.com/cmd-stream/cmd-stream-go/core"
	"github.com/cmd-stream/cmd-stream-go/sender"

	"nestjs-cmd-stream/interop/calcpb"
	"nestjs-cmd-stream/interop/contract"
	"nestjs-cmd-stream/interop/dialect"
	"nestjs-cmd-stream/interop/hello"
	"nestjs-cmd-stream/interop/streaming"
)

const (
	clientTime  = 10 * time.Second
	receiveTime = 6 * time.Second // longest silence of a client
	sendTime    = time.Second     // for writing a Command
	resultTime  = 3 * time.Second // for its Results
	words       = 3
)

func calculate(ctx context.Context, addr string, out io.Writer) error {
	client, err := cmdstream.NewSender(addr, dialect.Protobuf.Client)
	if err != nil {
		return err
	}
	defer client.Close()
	for _, question := range []struct {
		text string
		cmd  core.Cmd[contract.Calc]
	}{{"2 + 3", &calcpb.AddCmd{A: 2, B: 3}}, {"8 - 4", &calcpb.SubCmd{A: 8, B: 4}}} {
		answer, err := client.Send(ctx, question.cmd)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, question.text, "=", answer.(*calcpb.CalcResult).R)
	}
	return nil
}

func greet(ctx context.Context, addr string, out io.Writer) error {
	client, err := cmdstream.NewSender(addr, hello.ClientCodec, sender.WithClientsCount[hello.Greeter](2))
	if err != nil {
		return err
	}
	for _, cmd := range []core.Cmd[hello.Greeter]{
		hello.SayHelloCmd{Str: "world"}, hello.SayFancyHelloCmd{Str: "world"},
	} {
		ctx, cancel := context.WithTimeout(ctx, resultTime)
		greeting, err := client.SendWithDeadline(ctx, time.Now().Add(sendTime), cmd)
		cancel()
		if err != nil {
			return err
		}
		fmt.Fprintln(out, greeting)
	}
	return client.CloseAndWait(sendTime)
}

func greetInParts(ctx context.Context, addr string, out io.Writer) error {
	client, err := cmdstream.NewSender(addr, streaming.ClientCodec)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, resultTime)
	defer cancel()
	var failed error
	print := sender.ResultHandlerFn(func(result core.Result, err error) error {
		if failed = err; err == nil {
			fmt.Fprintln(out, result.(streaming.Greeting).Str)
		}
		return err
	})
	cmd := streaming.SayFancyHelloMultiCmd{Str: "world"}
	err = client.SendMultiWithDeadline(ctx, time.Now().Add(sendTime), cmd, words, print)
	if err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	return client.CloseAndWait(sendTime)
}
