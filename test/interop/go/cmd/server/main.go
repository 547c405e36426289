// Command server is the Go server of the interop tests. It says on stdout, one JSON line each, where it
// listens and which connections it lost. It ends at once when its stdin ends, and when its clients have
// left after a SIGTERM.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	cmdstream "github.com/cmd-stream/cmd-stream-go"
	"github.com/cmd-stream/cmd-stream-go/core"
	coresrv "github.com/cmd-stream/cmd-stream-go/core/srv"
	"github.com/cmd-stream/cmd-stream-go/delegate"
	"github.com/cmd-stream/cmd-stream-go/handler"
	"github.com/cmd-stream/cmd-stream-go/server"

	"nestjs-cmd-stream/interop/contract"
	"nestjs-cmd-stream/interop/dialect"
)

const closeTime = 2 * time.Second

func main() {
	log.SetFlags(0)
	addr := flag.String("listen", "127.0.0.1:0", "host:port to listen on")
	codec := flag.String("codec", dialect.JSON.Name, "the codec: json, protobuf or mus")
	workers := flag.Int("workers", coresrv.WorkersCount, "connections served at a time")
	info := flag.String("info", "default", "the ServerInfo")
	receiveTimeout := flag.Duration("receive-timeout", 0, "longest silence of a client, 0: no limit")
	cert := flag.String("tls-cert", "", "PEM file of the certificate; with -tls-key: serve TLS")
	key := flag.String("tls-key", "", "PEM file of the certificate's key")
	clientCA := flag.String("tls-client-ca", "", "PEM file of the CAs whose clients are let in; with -tls-cert")
	flag.Parse()

	speaks, err := dialect.Named(*codec)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := listen(*addr, *cert, *key, *clientCA)
	if err != nil {
		log.Fatal(err)
	}
	lines := &lines{out: json.NewEncoder(os.Stdout)}
	srv, err := cmdstream.NewServer(contract.Calc{}, speaks.Server,
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
	go closeAfterStdin(srv)
	go shutdownAfterSignal(srv)
	if err := srv.Serve(listener); !errors.Is(err, coresrv.ErrClosed) && !errors.Is(err, coresrv.ErrShutdown) {
		log.Fatal(err)
	}
}

func closeAfterStdin(srv *coresrv.Server) {
	_, _ = io.Copy(io.Discard, os.Stdin)
	// What Close does not reach ends with the process.
	if srv.Close() == nil {
		time.Sleep(closeTime)
	}
	os.Exit(0)
}

func shutdownAfterSignal(srv *coresrv.Server) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	<-signals
	_ = srv.Shutdown()
}

type listening struct {
	Listening string `json:"listening"`
}

type lost struct {
	Lost  string `json:"lost"`
	Error string `json:"error"`
}

// lines writes whole lines, whatever goroutine calls.
type lines struct {
	mu  sync.Mutex
	out *json.Encoder
}

func (l *lines) print(line any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.out.Encode(line)
}

func listen(addr, cert, key, clientCA string) (core.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	tcp := listener.(*net.TCPListener)
	if cert+key == "" {
		return tcp, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	if clientCA != "" {
		pem, err := os.ReadFile(clientCA)
		if err != nil {
			return nil, err
		}
		config.ClientCAs = x509.NewCertPool()
		config.ClientCAs.AppendCertsFromPEM(pem)
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return tlsListener{tls.NewListener(tcp, config), tcp}, nil
}

// tlsListener adds to a TLS listener the deadline that the library's interface asks for.
type tlsListener struct {
	net.Listener
	tcp *net.TCPListener
}

func (l tlsListener) SetDeadline(t time.Time) error { return l.tcp.SetDeadline(t) }
