package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cmd-stream/cmd-stream-go/core"
	"github.com/cmd-stream/cmd-stream-go/sender"

	"nestjs-cmd-stream/interop/contract"
	"nestjs-cmd-stream/interop/dialect"
)

const (
	maxItems   = 5
	maxText    = 20 << 10 // bytes, several buffers
	firstOfOne = 1_000_000
)

// load is a number of callers that share a sender.
type load struct {
	dialect.Dialect
	settings
	sender   sender.Sender[contract.Calc]
	counters counters
	running  sync.WaitGroup
	stop     chan struct{}
}

func (l *load) start() {
	for caller := range l.callers {
		l.running.Add(1)
		go func() {
			defer l.running.Done()
			l.call(caller * firstOfOne)
		}()
	}
}

// end lets every caller finish its Command.
func (l *load) end() {
	close(l.stop)
	l.running.Wait()
}

// call sends one Command after the other, all different, so that no answer fits another's Command.
func (l *load) call(number int) {
	for {
		select {
		case <-l.stop:
			return
		case <-time.After(l.pause):
			number++
			cmd, want := l.exchange(number)
			l.counters.sent.Add(1)
			got, err := l.send(cmd, len(want))
			switch {
			case err != nil:
				l.counters.fail(err)
			case !slices.EqualFunc(got, want, dialect.Equal):
				l.counters.mismatched.Add(1)
			default:
				l.counters.ok.Add(1)
			}
		}
	}
}

// exchange makes a Command and its Results from a number.
func (l *load) exchange(number int) (dialect.Command, []core.Result) {
	switch number % 4 {
	case 0:
		n := number%maxItems + 1
		results := make([]core.Result, n)
		for i := range results {
			results[i] = l.Item(i, i == n-1)
		}
		return l.Count(n), results
	case 1:
		text := fmt.Sprint(number, strings.Repeat("é", number%maxText/2))
		return l.Echo(text), []core.Result{l.Echoed(text)}
	case 2:
		return l.Sub(number, -number), []core.Result{l.Sum(2 * number)}
	default:
		return l.Add(number, number+1), []core.Result{l.Sum(2*number + 1)}
	}
}

func (l *load) send(cmd dialect.Command, results int) (got []core.Result, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), l.resultTimeout)
	defer cancel()
	var failed error
	handler := sender.ResultHandlerFn(func(result core.Result, err error) error {
		if failed = err; err == nil {
			got = append(got, result)
		}
		return err
	})
	err = l.sender.SendMultiWithDeadline(ctx, time.Now().Add(l.sendTimeout), cmd, results, handler)
	if err == nil {
		err = failed
	}
	return got, err
}
