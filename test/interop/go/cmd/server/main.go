// Command server is the Go server of the interop tests. It says on stdout, one JSON line each, where it
// listens and which connections it lost, and ends when its stdin ends.
package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"net"
	"os"
	"sync"
	"time"

	cmdstream "github.com/cmd-stream/cmd-stream-go"
	"github.com/cmd-stream/cmd-stream-go/core"
	coresrv "github.com/cmd-stream/cmd-stream-go/core/srv"
	"github.com/cmd-stream/cmd-stream-go/delegate"
	"github.com/cmd-stream/cmd-stream-go/handler"
	"github.com/cmd-stream/cmd-stream-go/server"

	"nestjs-cmd-stream/interop/contract"
)

const closeTime = 2 * time.Second

func main() {
	log.SetFlags(0)
	workers := flag.Int("workers", coresrv.WorkersCount, "connections served at a time")
	info := flag.String("info", string(delegate.DefaultServerInfo), "the ServerInfo")
	receiveTimeout := flag.Duration("receive-timeout", 0, "longest silence of a client, 0: no limit")
	cert := flag.String("tls-cert", "", "PEM file of the certificate; with -tls-key: serve TLS")
	key := flag.String("tls-key", "", "PEM file of the certificate's key")
	flag.Parse()

	listener, err := listen(*cert, *key)
	if err != nil {
		log.Fatal(err)
	}
	lines := &lines{out: json.NewEncoder(os.Stdout)}
	srv, err := cmdstream.NewServer(contract.Calc{}, contract.ServerCodec(),
		server.WithServerInfo(delegate.ServerInfo(*info)),
		server.WithHandler(handler.WithCmdReceiveDuration(*receiveTimeout)),
		server.WithCore(
			coresrv.WithWorkersCount(*workers),
			coresrv.WithLostConnCallback(func(addr net.Addr, err error) {
				lines.print(lost{addr.String(), err.Error()})
			}),
		),
	)
	if err != nil {
		log.Fatal(err)
	}
	lines.print(listening{listener.Addr().String()})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		// Close does not reach a connection whose ServerInfo is still being written.
		if srv.Close() == nil {
			time.Sleep(closeTime)
		}
		os.Exit(0)
	}()
	if err := srv.Serve(listener); !errors.Is(err, coresrv.ErrClosed) {
		log.Fatal(err)
	}
}

type listening struct {
	Listening string `json:"listening"`
}

type lost struct {
	Lost  string `json:"lost"`
	Error string `json:"error"`
}

// lines writes whole lines, whoever calls.
type lines struct {
	mu  sync.Mutex
	out *json.Encoder
}

func (l *lines) print(line any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.out.Encode(line)
}

func listen(cert, key string) (core.Listener, error) {
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil || cert+key == "" {
		return tcp, err
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	return tlsListener{tls.NewListener(tcp, config), tcp}, nil
}

// tlsListener adds to a TLS listener the deadline that the library's interface asks for.
type tlsListener struct {
	net.Listener
	tcp *net.TCPListener
}

func (l tlsListener) SetDeadline(t time.Time) error { return l.tcp.SetDeadline(t) }
