// Command calc is the quick look of cmd-stream-go's README, v0.6, as two processes with the JSON codec of this
// module: "calc server ADDR" serves until its stdin ends, "calc client ADDR" prints two answers.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"

	cmdstream "github.com/cmd-stream/cmd-stream-go"
	"github.com/cmd-stream/cmd-stream-go/core"

	"nestjs-cmd-stream/interop/jsoncodec"
)

// Calc is the Receiver.
type Calc struct{}

func (Calc) Add(a, b int) int { return a + b }
func (Calc) Sub(a, b int) int { return a - b }

// AddCmd adds.
type AddCmd struct{ A, B int }

func (c AddCmd) Exec(_ context.Context, seq core.Seq, _ time.Time, calc Calc, proxy core.Proxy) error {
	_, err := proxy.Send(seq, CalcResult(calc.Add(c.A, c.B)))
	return err
}

// SubCmd subtracts.
type SubCmd struct{ A, B int }

func (c SubCmd) Exec(_ context.Context, seq core.Seq, _ time.Time, calc Calc, proxy core.Proxy) error {
	_, err := proxy.Send(seq, CalcResult(calc.Sub(c.A, c.B)))
	return err
}

// CalcResult is the answer to both.
type CalcResult int

func (CalcResult) LastOne() bool { return true }

var (
	cmds    = []core.Cmd[Calc]{AddCmd{}, SubCmd{}}
	results = []core.Result{CalcResult(0)}
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: calc server|client ADDR")
	}
	run := map[string]func(string) error{"server": serve, "client": ask}[os.Args[1]]
	if run == nil {
		log.Fatalf("calc is a server or a client, not a %s", os.Args[1])
	}
	if err := run(os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func serve(addr string) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	server, err := cmdstream.NewServer(Calc{}, jsoncodec.New(results, cmds))
	if err != nil {
		return err
	}
	fmt.Println("listening", listener.Addr())
	failed := make(chan error, 1)
	ended := make(chan error, 1)
	go func() { failed <- server.Serve(listener.(*net.TCPListener)) }()
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	select {
	case err = <-failed:
	case err = <-ended:
	}
	return err
}

func ask(addr string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	sender, err := cmdstream.NewSender(addr, jsoncodec.New(cmds, results))
	if err != nil {
		return err
	}
	defer sender.Close()
	sum, err := sender.Send(ctx, AddCmd{A: 2, B: 3})
	if err != nil {
		return err
	}
	fmt.Println("2 + 3 =", sum)
	difference, err := sender.Send(ctx, SubCmd{A: 8, B: 4})
	if err != nil {
		return err
	}
	fmt.Println("8 - 4 =", difference)
	return nil
}
