package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"time"

	cmdstream "github.com/cmd-stream/cmd-stream-go"
	"github.com/cmd-stream/cmd-stream-go/client"
	"github.com/cmd-stream/cmd-stream-go/core"
	corecln "github.com/cmd-stream/cmd-stream-go/core/cln"
	"github.com/cmd-stream/cmd-stream-go/delegate"
	delegatecln "github.com/cmd-stream/cmd-stream-go/delegate/cln"

	"nestjs-cmd-stream/interop/contract"
	"nestjs-cmd-stream/interop/dialect"
)

type peer = corecln.Client[contract.Calc]

// target is the server under test and the way to it.
type target struct {
	addr, info string
	tls        *tls.Config
	dialect.Dialect
}

func (t target) dial(ctx context.Context) (net.Conn, error) {
	if t.tls == nil {
		return new(net.Dialer).DialContext(ctx, "tcp", t.addr)
	}
	return (&tls.Dialer{Config: t.tls}).DialContext(ctx, "tcp", t.addr)
}

// connect opens a client on a connection of its own.
func (t target) connect(ctx context.Context, opts ...client.SetOption) (*peer, error) {
	conn, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	return t.open(ctx, conn, opts...)
}

// open makes a client of a connection, or closes it.
func (t target) open(ctx context.Context, conn net.Conn, opts ...client.SetOption) (*peer, error) {
	c, err := cmdstream.NewClient(t.Client, conn, append(t.options(ctx), opts...)...)
	if err != nil {
		_ = conn.Close()
	}
	return c, err
}

func (t target) options(ctx context.Context) []client.SetOption {
	return []client.SetOption{
		client.WithServerInfo(delegate.ServerInfo(t.info)),
		client.WithDelegate(delegatecln.WithServerInfoReceiveDuration(time.Until(deadline(ctx)))),
	}
}

func deadline(ctx context.Context) time.Time {
	end, _ := ctx.Deadline()
	return end
}

// send always sets a deadline: that of the last ping would be over by now.
func send(ctx context.Context, c *peer, cmd dialect.Command) (<-chan core.AsyncResult, error) {
	answers := make(chan core.AsyncResult, 8)
	_, _, err := c.SendWithDeadline(deadline(ctx), cmd, answers)
	return answers, err
}

// receive waits for all Results of one Command.
func receive(ctx context.Context, answers <-chan core.AsyncResult) (results []core.Result, err error) {
	for {
		select {
		case <-ctx.Done():
			return results, fmt.Errorf("no answer in time after %d Results", len(results))
		case answer := <-answers:
			if answer.Error != nil {
				return results, answer.Error
			}
			results = append(results, answer.Result)
			if answer.Result.LastOne() {
				return results, nil
			}
		}
	}
}

// expect sends a Command and compares all its Results.
func expect(ctx context.Context, c *peer, cmd dialect.Command, want ...core.Result) error {
	answers, err := send(ctx, c, cmd)
	if err != nil {
		return fmt.Errorf("%T: %w", cmd, err)
	}
	got, err := receive(ctx, answers)
	if err != nil {
		return fmt.Errorf("%T: %w", cmd, err)
	}
	if !slices.EqualFunc(got, want, dialect.Equal) {
		return fmt.Errorf("%T is answered by %.80v, want %.80v", cmd, got, want)
	}
	return nil
}

// expectAdd is the sign of life that the other cases use.
func (t target) expectAdd(ctx context.Context, c *peer) error {
	return expect(ctx, c, t.Add(2, 3), t.Sum(5))
}
