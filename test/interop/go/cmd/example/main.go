// Command example is an example of the reference as two processes: "example NAME server ADDR" serves until its
// stdin ends, "example NAME client ADDR" prints the answers.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"

	cmdstream "github.com/cmd-stream/cmd-stream-go"
	coresrv "github.com/cmd-stream/cmd-stream-go/core/srv"
	"github.com/cmd-stream/cmd-stream-go/handler"
	"github.com/cmd-stream/cmd-stream-go/server"

	"nestjs-cmd-stream/interop/contract"
	"nestjs-cmd-stream/interop/dialect"
	"nestjs-cmd-stream/interop/hello"
	"nestjs-cmd-stream/interop/streaming"
)

// An example makes its server, and prints what its client is answered by the server at addr.
type example struct {
	server func() (*coresrv.Server, error)
	client func(ctx context.Context, addr string, out io.Writer) error
}

var examples = map[string]example{
	"calc_protobuf": {
		func() (*coresrv.Server, error) {
			return cmdstream.NewServer(contract.Calc{}, dialect.Protobuf.Server)
		},
		calculate,
	},
	"hello-world": {
		func() (*coresrv.Server, error) {
			return cmdstream.NewServer[hello.Greeter](hello.English{}, hello.ServerCodec, helloOptions...)
		},
		greet,
	},
	"server-streaming": {
		func() (*coresrv.Server, error) {
			return cmdstream.NewServer[hello.Greeter](hello.English{}, streaming.ServerCodec, helloOptions...)
		},
		greetInParts,
	},
}

// The Commands of the greeters count their time from their arrival.
var helloOptions = []server.SetOption{
	server.WithCore(coresrv.WithWorkersCount(2)),
	server.WithHandler(handler.WithCmdReceiveDuration(receiveTime), handler.WithAt()),
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: example NAME server|client ADDR")
	}
	name, role, addr := os.Args[1], os.Args[2], os.Args[3]
	chosen, ok := examples[name]
	if !ok {
		log.Fatalf("no example is named %q", name)
	}
	var err error
	switch role {
	case "server":
		err = serve(chosen, addr)
	case "client":
		ctx, cancel := context.WithTimeout(context.Background(), clientTime)
		defer cancel()
		err = chosen.client(ctx, addr, os.Stdout)
	default:
		log.Fatalf("an example is a server or a client, not a %s", role)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func serve(chosen example, addr string) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	server, err := chosen.server()
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
