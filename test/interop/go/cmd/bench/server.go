package main

import (
	"encoding/json"
	"log"
	"net"
	"time"

	cmdstream "github.com/cmd-stream/cmd-stream-go"
	coresrv "github.com/cmd-stream/cmd-stream-go/core/srv"
	"github.com/cmd-stream/cmd-stream-go/server"
)

type watch struct {
	Watch string `json:"watch"`
	Heap  bool   `json:"heap"`
}

func serve(j job) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	wait := delay(j.Workload.DelayMs * float64(time.Millisecond))
	srv, err := cmdstream.NewServer(wait, serverCodec,
		server.WithCore(coresrv.WithWorkersCount(j.Workload.Connections)))
	if err != nil {
		return err
	}
	go func() { log.Fatal(srv.Serve(listener.(*net.TCPListener))) }()
	begin := cpuSeconds()
	return answer(greeting{listener.Addr().(*net.TCPAddr).Port}, func(line []byte) (any, error) {
		var w watch
		if err := json.Unmarshal(line, &w); err != nil {
			return nil, err
		}
		if w.Watch == "begin" {
			begin = cpuSeconds()
		}
		return effortSince(begin, w.Heap), nil
	})
}
