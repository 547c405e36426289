package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"maps"
	"net"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	cmdstream "github.com/cmd-stream/cmd-stream-go"
	"github.com/cmd-stream/cmd-stream-go/core"

	"nestjs-cmd-stream/interop/contract"
	"nestjs-cmd-stream/interop/dialect"
)

const caseTime = 10 * time.Second

func TestEveryCasePassesAgainstTheGoServer(t *testing.T) {
	names := slices.Collect(maps.Keys(testCases))
	serverTLS, clientTLS := certificate(t)
	for _, speaks := range []dialect.Dialect{dialect.JSON, dialect.Protobuf, dialect.MUS} {
		t.Run("over TCP in "+speaks.Name, func(t *testing.T) {
			to := target{addr: serve(t, nil, speaks), info: "default", Dialect: speaks}
			names := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "tls" })
			expectOutcomes(t, to, names, true)
		})
	}
	t.Run("over TLS", func(t *testing.T) {
		to := target{addr: serve(t, serverTLS, dialect.JSON), info: "default", tls: clientTLS, Dialect: dialect.JSON}
		expectOutcomes(t, to, names, true)
	})
}

func TestEveryCaseFailsAgainstAServerThatHangsUp(t *testing.T) {
	listener := listen(t)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	to := target{addr: listener.Addr().String(), info: "default", Dialect: dialect.JSON}
	expectOutcomes(t, to, slices.Collect(maps.Keys(testCases)), false)
}

func expectOutcomes(t *testing.T, to target, names []string, ok bool) {
	t.Helper()
	var out bytes.Buffer
	if got := run(&out, to, names, caseTime); got != ok {
		t.Errorf("run = %t", got)
	}
	lines := json.NewDecoder(&out)
	for _, name := range names {
		var line outcome
		if err := lines.Decode(&line); err != nil {
			t.Fatal(err)
		}
		if line.Case != name || line.OK != ok || line.Detail == "" {
			t.Errorf("%+v", line)
		}
	}
}

func serve(t *testing.T, config *tls.Config, speaks dialect.Dialect) (addr string) {
	t.Helper()
	tcp := listen(t)
	listener := core.Listener(tcp)
	if config != nil {
		listener = tlsListener{tls.NewListener(tcp, config), tcp}
	}
	server, err := cmdstream.NewServer(contract.Calc{}, speaks.Server)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return tcp.Addr().String()
}

func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// certificate borrows the standard library's test certificate, which is valid for 127.0.0.1.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	return &tls.Config{Certificates: web.TLS.Certificates}, &tls.Config{RootCAs: roots}
}

type tlsListener struct {
	net.Listener
	tcp *net.TCPListener
}

func (l tlsListener) SetDeadline(t time.Time) error { return l.tcp.SetDeadline(t) }
