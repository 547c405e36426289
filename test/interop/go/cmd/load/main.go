// Command load is a Go client under load: a sender over several connections, with keepalive and reconnect,
// whose callers send Commands and verify the answers for as long as stdin is open. It says on stdout how it
// goes, one JSON line each: when all connections stand, for each line on stdin, and at the end.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"log"
	"net"
	"os"
	"time"

	cmdstream "github.com/cmd-stream/cmd-stream-go"
	"github.com/cmd-stream/cmd-stream-go/client"
	"github.com/cmd-stream/cmd-stream-go/core"
	corecln "github.com/cmd-stream/cmd-stream-go/core/cln"
	"github.com/cmd-stream/cmd-stream-go/delegate"
	delegatecln "github.com/cmd-stream/cmd-stream-go/delegate/cln"
	"github.com/cmd-stream/cmd-stream-go/group"
	"github.com/cmd-stream/cmd-stream-go/sender"

	"nestjs-cmd-stream/interop/contract"
	"nestjs-cmd-stream/interop/dialect"
)

const closeTime = 2 * time.Second

type settings struct {
	addr, codec, info                string
	connections, callers             int
	pause, redialPause               time.Duration
	infoTimeout                      time.Duration
	sendTimeout, resultTimeout       time.Duration
	keepaliveTime, keepaliveInterval time.Duration
}

func main() {
	log.SetFlags(0)
	var s settings
	flag.StringVar(&s.addr, "addr", "", "host:port of the server")
	flag.StringVar(&s.codec, "codec", dialect.JSON.Name, "the codec: json, protobuf or mus")
	flag.StringVar(&s.info, "info", string(delegate.DefaultServerInfo), "the server's ServerInfo")
	flag.IntVar(&s.connections, "connections", 4, "connections of the client")
	flag.IntVar(&s.callers, "callers", 16, "callers, each with one Command at a time")
	flag.DurationVar(&s.pause, "pause", time.Millisecond, "pause of a caller after each Command")
	flag.DurationVar(&s.redialPause, "redial-pause", 20*time.Millisecond, "pause after a failure to connect")
	flag.DurationVar(&s.infoTimeout, "info-timeout", time.Second, "longest wait for the ServerInfo")
	flag.DurationVar(&s.sendTimeout, "send-timeout", time.Second, "longest time to write a Command")
	flag.DurationVar(&s.resultTimeout, "result-timeout", 2*time.Second, "longest wait for the Results of a Command")
	flag.DurationVar(&s.keepaliveTime, "keepalive-time", delegatecln.KeepaliveTime, "idle time before the first ping")
	flag.DurationVar(&s.keepaliveInterval, "keepalive-interval", delegatecln.KeepaliveIntvl, "time between pings")
	flag.Parse()
	if s.addr == "" || flag.NArg() > 0 || s.callers < 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(s); err != nil {
		log.Fatal(err)
	}
}

func run(s settings) error {
	speaks, err := dialect.Named(s.codec)
	if err != nil {
		return err
	}
	load := &load{Dialect: speaks, settings: s, stop: make(chan struct{})}
	if load.sender, err = connect(s, speaks, &load.counters); err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	load.start()
	_ = out.Encode(load.counters.snapshot())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		_ = out.Encode(load.counters.snapshot())
	}
	load.end()
	_ = load.sender.CloseAndWait(closeTime)
	return out.Encode(load.counters.snapshot())
}

// connect makes the sender, all its connections established.
func connect(s settings, speaks dialect.Dialect, counters *counters) (sender.Sender[contract.Calc], error) {
	factory := client.ConnFactoryFn(func() (net.Conn, error) {
		counters.dialed.Add(1)
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			time.Sleep(s.redialPause)
		}
		return conn, err
	})
	clients, err := cmdstream.NewGroup(s.connections, speaks.Client, factory,
		group.WithReconnect[contract.Calc](),
		group.WithClient[contract.Calc](
			client.WithServerInfo(delegate.ServerInfo(s.info)),
			client.WithCore(corecln.WithUnexpectedResultCallback(func(core.Seq, core.Result) { counters.late.Add(1) })),
			client.WithDelegate(delegatecln.WithServerInfoReceiveDuration(s.infoTimeout)),
			client.WithKeepalive(
				delegatecln.WithKeepaliveTime(s.keepaliveTime),
				delegatecln.WithKeepaliveIntvl(s.keepaliveInterval),
			),
		),
	)
	return sender.New[contract.Calc](clients), err
}
