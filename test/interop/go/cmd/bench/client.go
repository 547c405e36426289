package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	cmdstream "github.com/cmd-stream/cmd-stream-go"
	"github.com/cmd-stream/cmd-stream-go/client"
	"github.com/cmd-stream/cmd-stream-go/core"
	"github.com/cmd-stream/cmd-stream-go/sender"
)

type round struct {
	InFlight int     `json:"inFlight"`
	Seconds  float64 `json:"seconds"`
	Heap     bool    `json:"heap"`
}

type turn struct {
	effort
	Units          int     `json:"units"`
	UnitsPerSecond float64 `json:"unitsPerSecond"`
	P50            float64 `json:"p50"`
	P99            float64 `json:"p99"`
	P999           float64 `json:"p999"`
}

// exchange is a Command and its Result.
type exchange struct {
	cmd  core.Cmd[delay]
	want core.Result
}

func call(j job) error {
	addr := fmt.Sprintf("127.0.0.1:%d", j.Port)
	clients, err := cmdstream.NewGroup[delay](j.Workload.Connections, clientCodec,
		client.ConnFactoryFn(func() (net.Conn, error) { return net.Dial("tcp", addr) }))
	if err != nil {
		return err
	}
	s, exchanges := sender.New[delay](clients), exchangesOf(j.Workload)
	return answer(greeting{j.Port}, func(line []byte) (any, error) {
		var r round
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, err
		}
		return measure(s, exchanges, r)
	})
}

// measure runs as many loops as calls are to be in flight, each of which calls until the time is over.
func measure(s sender.Sender[delay], exchanges []exchange, r round) (any, error) {
	var (
		loops     sync.WaitGroup
		latencies = make([][]float64, r.InFlight)
		errs      = make([]error, r.InFlight)
		cpu       = cpuSeconds()
		started   = time.Now()
		deadline  = started.Add(time.Duration(r.Seconds * float64(time.Second)))
	)
	for i := range r.InFlight {
		loops.Add(1)
		go func() {
			defer loops.Done()
			latencies[i], errs[i] = loop(s, exchanges, i, deadline)
		}()
	}
	loops.Wait()
	elapsed, spent := time.Since(started).Seconds(), effortSince(cpu, r.Heap)
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	all := slices.Concat(latencies...)
	slices.Sort(all)
	percentile := func(share float64) float64 { return all[int(share*float64(len(all)-1))] }
	return turn{
		spent, len(all), float64(len(all)) / elapsed,
		percentile(0.5), percentile(0.99), percentile(0.999),
	}, nil
}

// loop returns latencies in milliseconds.
func loop(s sender.Sender[delay], exchanges []exchange, next int, deadline time.Time) ([]float64, error) {
	latencies := make([]float64, 0, 1024)
	for now := time.Now(); now.Before(deadline); next++ {
		e := exchanges[next%len(exchanges)]
		got, err := s.Send(context.Background(), e.cmd)
		if err != nil {
			return nil, err
		}
		if got != e.want {
			return nil, fmt.Errorf("expected %v, got %v", e.want, got)
		}
		then := now
		now = time.Now()
		latencies = append(latencies, float64(now.Sub(then))/1e6)
	}
	return latencies, nil
}

// exchangesOf are those of the Node contestants, see workload.ts.
func exchangesOf(w workload) []exchange {
	if bytes, ok := w.Payload.(float64); ok {
		exchanges := make([]exchange, 64)
		for i := range exchanges {
			text := fmt.Sprintf("%02d", i)
			text += strings.Repeat("x", int(bytes)-len(`{"text":""}`)-len(text))
			exchanges[i] = exchange{echoCmd{text}, echo{text}}
		}
		return exchanges
	}
	const longest = 1006
	exchanges := make([]exchange, 1024)
	for i := range exchanges {
		text := strings.Repeat("x", (i*619)%(longest+1))
		cmd := mixedCmd{i%2 == 0, 1_234_567_890_123 + int64(i), text, 1.5 + float64(i)}
		exchanges[i] = exchange{cmd, mixed(cmd)}
	}
	return exchanges
}
