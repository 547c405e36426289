// Command driver is the Go client of the interop tests. It runs named cases against a server, says on
// stdout, one JSON line each, how they went, and exits with 0 if all went well.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"nestjs-cmd-stream/interop/dialect"
)

// A testCase says in a few words what it saw, or what went wrong.
type testCase func(context.Context, target) (detail string, err error)

var testCases = map[string]testCase{
	"unary":       unary,
	"multi":       multi,
	"interleaved": interleaved,
	"large":       large,
	"non-ascii":   nonASCII,
	"concurrent":  concurrent,
	"fail":        fail,
	"extremes":    extremes,

	"ping":          ping,
	"info-mismatch": infoMismatch,
	"reconnect":     reconnect,
	"tls":           overTLS,

	"unknown-dtm": unknownDTM,
	"bad-body":    badBody,
	"padded-ping": paddedPing,
}

// Cases that any plain server passes; extremes, padded-ping and tls are asked for by name.
const common = "unary,multi,interleaved,large,non-ascii,concurrent,fail,ping,info-mismatch,reconnect,unknown-dtm,bad-body"

func main() {
	log.SetFlags(0)
	addr := flag.String("addr", "", "host:port of the server")
	names := flag.String("cases", common, "the cases to run, in this order")
	codec := flag.String("codec", dialect.JSON.Name, "the codec: json, protobuf or mus")
	info := flag.String("info", "default", "the server's ServerInfo")
	useTLS := flag.Bool("tls", false, "run every case over TLS; without -ca any certificate will do")
	ca := flag.String("ca", "", "PEM file of the certificates to trust; with -tls")
	cert := flag.String("tls-cert", "", "PEM file of a certificate to show; with -tls")
	key := flag.String("tls-key", "", "PEM file of the certificate's key")
	timeout := flag.Duration("timeout", 10*time.Second, "time for each case")
	flag.Parse()
	if *addr == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	speaks, err := dialect.Named(*codec)
	if err != nil {
		log.Print(err)
		os.Exit(2)
	}
	to := target{addr: *addr, info: *info, Dialect: speaks}
	if *useTLS {
		if to.tls, err = tlsConfig(*ca, *cert, *key); err != nil {
			log.Fatal(err)
		}
	}
	selected := strings.Split(*names, ",")
	for _, name := range selected {
		if testCases[name] == nil {
			log.Printf("no case is named %q", name)
			os.Exit(2)
		}
	}
	if !run(os.Stdout, to, selected, *timeout) {
		os.Exit(1)
	}
}

type outcome struct {
	Case   string `json:"case"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func run(out io.Writer, to target, names []string, timeout time.Duration) bool {
	ok := true
	lines := json.NewEncoder(out)
	for _, name := range names {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		detail, err := testCases[name](ctx, to)
		cancel()
		if err != nil {
			ok, detail = false, err.Error()
		}
		_ = lines.Encode(outcome{name, err == nil, detail})
	}
	return ok
}

func tlsConfig(ca, cert, key string) (*tls.Config, error) {
	config := &tls.Config{InsecureSkipVerify: ca == ""}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", ca)
		}
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
